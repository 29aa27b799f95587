"""Options that several commands take, and the bar that they show."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from irs_core.run.options import Progress
from irs_core.spec.paths import expanded
from irs_core.store import default_root


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


@contextmanager
def draw_bar() -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr for a run; gives what to call with each step."""
    with tqdm(unit="draw", unit_scale=True, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.total
            bar.set_description(progress.stage, refresh=False)
            bar.update(progress.done - bar.n)

        yield show
