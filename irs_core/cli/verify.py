"""The command `verify`: whether what is stored is still what was computed."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from irs_core.analysis.kept_tally import kept_paths, read_tally
from irs_core.cli.options import add_json_option, add_store_option
from irs_core.cli.printing import print_json
from irs_core.errors import StoreError
from irs_core.store import Library
from irs_core.store.audit import Problem
from irs_core.store.checkup import Finding, check_up, seal

EXIT_BAD = 2


def add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `verify`."""
    parser = commands.add_parser(
        "verify",
        help="check studies against their digests, and say what to do where they do not match",
        description="Checks manifests, evidence, journals, kept counts and bundles. Exits with 0 "
        "where nothing is wrong and with 2 otherwise.",
    )
    parser.add_argument(
        "id", nargs="?", default="", help="a study's id or its first digits; all without it"
    )
    parser.add_argument("--all", action="store_true", help="check all studies, as without an ID")
    parser.add_argument(
        "--seal",
        action="store_true",
        help="give a study that was stored without digests the digests that it lacks, if its "
        "draws match those of when it was finished",
    )
    add_json_option(parser)
    add_store_option(parser)
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    library = Library(arguments.store)
    if arguments.all and arguments.id:
        raise StoreError(f"verify takes an ID or --all; got {arguments.id!r} and --all")
    if arguments.seal:
        return _seal(library, arguments.id, as_json=arguments.json)
    bad, described = 0, []
    for finding in _findings(library, arguments.id, arguments.store):
        bad += bool(finding.problems)
        described.append(_described(finding))
        if not arguments.json:
            print(_line(finding), flush=True)
    if arguments.json:
        print_json("verify", {"studies": described})
    elif not described:
        print("no study in the store")
    return EXIT_BAD if bad else 0


def _seal(library: Library, wanted: str, *, as_json: bool) -> int:
    if not wanted:
        raise StoreError("--seal needs the ID of a study")
    study_id, left = seal(library, wanted)
    if as_json:
        print_json("verify", {"sealed": study_id, "chunks_left": left})
        return 0
    print(f"{study_id}  sealed")
    if left:
        print(f"{left} chunks also hold draws of longer studies: seal those studies, too")
    return 0


def _findings(library: Library, wanted: str, root: Path) -> Iterator[Finding]:
    for finding in check_up(library, wanted):
        yield replace(finding, problems=(*finding.problems, *_tally_problems(finding, root)))


def _tally_problems(finding: Finding, root: Path) -> Iterator[Problem]:
    """What is wrong with the counts that are kept of a study."""
    if finding.study is None or not finding.study.record.finished:
        return
    for path in kept_paths(finding.study, root):
        try:
            read_tally(path)
        except FileNotFoundError:
            continue
        except StoreError as error:
            yield Problem(str(error), f"delete {path}, or open the study, which counts again")


def _line(finding: Finding) -> str:
    state = "BAD" if finding.problems else "ok"
    said = [f"{one.what}; {one.remedy}" for one in finding.problems]
    rest = " | ".join([*([finding.title] if finding.title else []), *said, *finding.notes])
    return f"{finding.name}  {finding.kind:<8}  {state:<3}  {rest}"


def _described(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.name,
        "kind": finding.kind,
        "title": finding.title,
        "ok": not finding.problems,
        "problems": [{"what": one.what, "remedy": one.remedy} for one in finding.problems],
        "notes": list(finding.notes),
    }
