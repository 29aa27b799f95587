"""The command line: thin, one command per thing that a page does."""

import argparse
import logging
import re
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from irs_core import __version__
from irs_core.cli.backup import add_backup
from irs_core.cli.bench import add_bench
from irs_core.cli.bundles import add_export, add_import
from irs_core.cli.certify import add_certify
from irs_core.cli.check import add_check
from irs_core.cli.completion import add_completion
from irs_core.cli.cost import add_cost
from irs_core.cli.decide import add_decide
from irs_core.cli.denoiser import add_denoiser
from irs_core.cli.finetune import add_finetune
from irs_core.cli.gate import add_gate
from irs_core.cli.integer import add_integer
from irs_core.cli.intrs import add_intrs
from irs_core.cli.jobs import add_jobs, add_worker
from irs_core.cli.keeping import add_audit, add_keeping, keep
from irs_core.cli.options import Parser, add_json_option, add_store_option, path
from irs_core.cli.papers import add_reproduce
from irs_core.cli.printing import print_json
from irs_core.cli.report import add_report
from irs_core.cli.terminal import guarded_streams
from irs_core.cli.train import add_train
from irs_core.cli.tune import add_tune
from irs_core.cli.verify import add_verify
from irs_core.cli.ways import add_ways
from irs_core.errors import IrsError
from irs_core.store import Library
from irs_core.text import SENTENCE, plain
from irs_core.train.words import accuracies

EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_FAULT = 2, 4, 70


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code.

    0: done, or it holds; 1: a gate fails; 2: bad input or refusal, with one sentence; 3: a gate is
    undecided; 4: interrupted, and the same command goes on; 70: a fault of the program, which no
    gate may take for an answer.
    """
    try:
        with guarded_streams():
            return _run(list(sys.argv[1:] if argv is None else argv))
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception:
        # Left to Python it would exit with 1, which says that a gate fails.
        traceback.print_exc()
        return EXIT_FAULT


def _run(given: Sequence[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    # Set here too, because the converters of other packages raise the root level.
    logging.getLogger("irs_core").setLevel(logging.INFO)
    parser = command_parser()
    if not given:
        parser.print_help()
        return 0
    arguments = parser.parse_args(given)
    try:
        return int(arguments.run(arguments) or 0)
    except (IrsError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        print(f"error: {plain(error, SENTENCE)}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print(
            "interrupted; what the command stored is kept, and the same command goes on from there",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Names the nearest command where one is unknown; its sub-parsers are plain ones."""

    def error(self, message: str) -> NoReturn:
        """One sentence and exit code 2."""
        found = re.search(r"argument COMMAND: invalid choice: '([^']*)'", message)
        if found is None:
            super().error(message)
        near = get_close_matches(found[1], command_names(self), 1)
        hint = f"did you mean {near[0]}?" if near else "--help lists the commands"
        self.exit(EXIT_BAD_INPUT, f"error: unknown command {found[1]!r}; {hint}\n")


def command_names(parser: argparse.ArgumentParser) -> tuple[str, ...]:
    """The commands of the parser of `command_parser`, in their order."""
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return tuple(commands.choices)


def all_commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Every command that can be typed, such as `studies` and `models check`, with its parser."""
    found: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for name, below in action.choices.items():
            found[name] = below
            found |= {f"{name} {rest}": one for rest, one in all_commands(below).items()}
    return found


def command_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(prog="irs", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    kind: type[argparse.ArgumentParser] = Parser
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=kind
    )
    _add_models(commands)
    _add_data(commands)
    add_certify(commands)
    add_decide(commands)
    add_gate(commands)
    add_tune(commands)
    _add_studies(commands)
    add_jobs(commands)
    add_worker(commands)
    add_audit(commands)
    add_report(commands)
    add_export(commands)
    add_import(commands)
    add_verify(commands)
    add_backup(commands)
    add_train(commands)
    add_finetune(commands)
    add_denoiser(commands)
    add_ways(commands)
    add_integer(commands)
    add_intrs(commands)
    add_bench(commands)
    add_reproduce(commands)
    add_completion(commands, command_parser)
    return parser


def _add_models(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "models", help="list shipped models, architectures and compressions; check one"
    )
    add_json_option(parser)
    parser.set_defaults(run=_models)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    add_check(actions)
    add_cost(actions)


def _models(arguments: argparse.Namespace) -> None:
    from irs_core.models import known_architectures, shipped_cards, shipped_names
    from irs_core.spec.compression_kinds import known_compressions

    cards, denoisers = shipped_cards("model"), shipped_names("denoiser")
    if arguments.json:
        known = {
            "denoisers": denoisers,
            "architectures": known_architectures(),
            "compressions": known_compressions(),
        }
        print_json("models", {"shipped": cards, **known})
        return
    print("shipped models (use as shipped:NAME)")
    width = max(map(len, cards), default=0)
    for name, card in cards.items():
        print(f"  {name:<{width}} {card['arch']:<16} sigma {card['sigma']:<5g}", end="")
        found = accuracies(card["accuracy_clean"], card["accuracy_noisy"], card["sigma"])
        print(f" accuracy {found}")
    print("denoisers (use as --denoise shipped:NAME)\n  " + (", ".join(denoisers) or "none"))
    print("architectures\n  " + ", ".join(known_architectures()))
    print("compressions\n  " + ", ".join(known_compressions()))


def _add_data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from irs_core.cli.inputs import add_data_options

    parser = commands.add_parser("data", help="read a data set and say what it holds; fetch one")
    add_data_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=_data)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    fetch = actions.add_parser("download", help="fetch a public data set and check it")
    fetch.add_argument("name", help="cifar10, cifar100 or mnist")
    fetch.add_argument("--root", type=path, required=True, help="folder to put it in")
    add_json_option(fetch, again=True)
    fetch.set_defaults(run=_download)


def _download(arguments: argparse.Namespace) -> None:
    from tqdm import tqdm

    from irs_core.data.download import archives, download

    with tqdm(unit="B", unit_scale=True, file=sys.stderr) as bar:

        def show(name: str, done: int, total: int | None) -> None:
            bar.total = total
            bar.set_description(name.strip("."), refresh=False)
            bar.update(done - bar.n)

        download(archives(arguments.name), arguments.root, on_progress=show)
    if arguments.json:
        print_json("data download", {"name": arguments.name, "root": str(arguments.root)})
    else:
        print(f"--data {arguments.name} --root {arguments.root}")


def _data(arguments: argparse.Namespace) -> None:
    from irs_core.cli.inputs import data_spec
    from irs_core.data import load_dataset

    dataset = load_dataset(data_spec(arguments))
    held_out = int((~dataset.reported).sum())
    if arguments.json:
        described = {
            "description": dataset.description,
            "inputs": len(dataset.labels),
            "held_out": held_out,
            "shape": dataset.input_shape,
            "classes": dataset.classes,
            "digest": dataset.digest,
        }
        print_json("data", described)
        return
    print(dataset.description)
    print(
        f"{len(dataset.labels)} inputs of shape {dataset.input_shape}, {held_out} of them held out"
    )
    more = " ..." if len(dataset.classes) > 10 else ""
    print(f"{len(dataset.classes)} classes: {', '.join(dataset.classes[:10])}{more}")
    print(f"digest {dataset.digest}")


def _add_studies(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from irs_core.cli.results import add_result_options, show_results

    parser = commands.add_parser(
        "studies", help="list studies, or show one's results from its stored evidence"
    )
    parser.add_argument("id", nargs="?", help="study to show; all are listed without it")
    add_json_option(parser)
    add_store_option(parser)
    add_result_options(parser)
    add_keeping(parser)
    parser.add_argument("--archived", action="store_true", help="list archived studies as well")
    parser.set_defaults(
        run=lambda arguments: show_results(arguments) if arguments.id else _studies(arguments)
    )


def _studies(arguments: argparse.Namespace) -> None:
    if keep(arguments):
        return
    survey = Library(arguments.store).survey()
    if arguments.json:
        found = [
            {
                "id": study.record.id,
                "finished": study.record.finished,
                "origin": study.origin,
                "title": study.record.title,
                "owner": study.owner,
                "archived": study.archived,
                "pinned": study.pinned,
                "tags": list(study.tags),
            }
            for study in survey.studies
        ]
        print_json("studies", {"studies": found, "notices": list(survey.notices)})
        return
    # Pinned ones first; else as the survey has them, the latest first.
    for study in sorted(survey.studies, key=lambda one: not one.pinned):
        if study.archived and not arguments.archived:
            continue
        record = study.record
        state = "finished" if record.finished else "unfinished"
        tags = f"  [{', '.join(study.tags)}]" if study.tags else ""
        print(f"{record.id}  {state:<10}  {study.origin:<8}  {record.title}{tags}")
    archived = sum(study.archived for study in survey.studies)
    if archived and not arguments.archived:
        print(f"{archived} archived; --archived lists them", file=sys.stderr)
    for sentence in survey.notices:
        print(sentence, file=sys.stderr)
    if not survey.studies:
        print(
            f"no study in {arguments.store} yet: the command certify makes one, import adds a "
            "bundle (--help says how)",
            file=sys.stderr,
        )
