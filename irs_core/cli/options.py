"""Options that several commands take, and the bar that they show."""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from irs_core.run.options import Progress
from irs_core.spec.paths import expanded
from irs_core.spec.study import CHANNEL_ORDERS
from irs_core.store import default_root
from irs_core.train.spec import OnImages


def path(text: str) -> Path:
    """The type of options that name a file or a folder."""
    return expanded(text)


def add_store_option(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that every command on stored things takes.

    Args:
        again: The command above takes it too; what was said there holds unless it is repeated.
    """
    default = default_root()
    parser.add_argument(
        "--store",
        type=path,
        default=argparse.SUPPRESS if again else default,
        metavar="DIR",
        help=f"folder of the live store (default: IRS_STORE or {default})".replace("%", "%%"),
    )


def add_channel_order(parser: argparse.ArgumentParser, said: str) -> None:
    """The option that every command on a classifier of colours takes.

    Args:
        said: What it is to that command.
    """
    parser.add_argument("--channel-order", choices=CHANNEL_ORDERS, default="rgb", help=said)


def add_json_option(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The option that every command takes; its keys are those of docs/json.md.

    Args:
        again: The command above takes it too; what was said there holds.
    """
    parser.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS if again else False,
        help="print the result as JSON",
    )


class _Defaults(argparse.ArgumentDefaultsHelpFormatter):
    """Help that names defaults as people type them, and none of switches and of what is open."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        said, default = action.help or "", action.default
        if isinstance(default, list | tuple):
            default = " ".join(map(str, default))
        shown = isinstance(default, str | float | Path) or type(default) is int
        if not shown or default in ("", argparse.SUPPRESS) or "default" in said:
            return said
        named = str(default).replace("%", "%%")
        return f"{said} (default: {named})"


class Parser(argparse.ArgumentParser):
    """The parser of one command, whose help names the defaults of all its options."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"formatter_class": _Defaults, **settings})


@contextmanager
def training_bar() -> Iterator[tuple[OnImages, Callable[[Mapping[str, str]], None]]]:
    """A progress bar on stderr for a training; gives what to call with images and with figures."""
    # A training that is refused shows no bar.
    with tqdm(unit=" images", unit_scale=True, file=sys.stderr, delay=1) as bar:

        def passed(done: int, total: int) -> None:
            if bar.total is None:
                # What an interrupted run had passed took none of this run's time.
                bar.reset(total)
                bar.initial = bar.n = bar.last_print_n = done
            bar.update(done - bar.n)

        yield passed, lambda figures: bar.set_postfix(figures, refresh=False)


@contextmanager
def draw_bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr for a run; gives what to call with each step."""
    with tqdm(unit="draw", unit_scale=True, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.total
            bar.set_description(progress.stage, refresh=False)
            bar.update(progress.done - bar.n)

        yield show
