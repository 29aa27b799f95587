"""The same question with an exit code, for continuous integration."""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from irs_core.analysis.decisions import study_decision, study_flags
from irs_core.analysis.family import chosen
from irs_core.cli.family import gate_family, open_family, plain_family, union_words
from irs_core.cli.named import read_compressions
from irs_core.cli.options import draw_bar, path
from irs_core.cli.printing import print_json
from irs_core.cli.requirements import (
    add_requirement_options,
    conditions,
    opened_study,
    plain_decisions,
    requirement_of,
    say_more,
)
from irs_core.decide import Decision, Flag, Verdict
from irs_core.errors import SpecError, StoreError, reason
from irs_core.goals.deciding import Limits, deciding_spec, run_deciding
from irs_core.run.options import RunOptions
from irs_core.store import BASE, Library, Study
from irs_core.store.files import write_bytes
from irs_core.text import markdown as shown
from irs_core.text import xml

EXIT_CODES: dict[Verdict, int] = {"holds": 0, "fails": 1, "undecided": 3}


def add_gate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `gate`."""
    gate = commands.add_parser(
        "gate",
        help="the same for one model, as an exit code for continuous integration",
        description="Exit code 0: the requirement holds; 1: it fails; 3: undecided; 2: bad input.",
    )
    add_requirement_options(gate)
    gate.add_argument(
        "--model",
        required=True,
        help="the compressed model: a name of the study, or with --run any compression or file; "
        "base is the original alone, of which --min-certified can be asked",
    )
    gate.add_argument(
        "--run",
        action="store_true",
        dest="missing",
        help="draw what is missing, input by input, until the requirement is settled",
    )
    gate.add_argument(
        "--budget", type=float, metavar="N", help="implies --run: about N draws per input at most"
    )
    gate.add_argument(
        "--seconds", type=float, metavar="S", help="implies --run: at most about S seconds"
    )
    gate.add_argument(
        "--root", type=path, help="with --run: where the data are, if not where the study says"
    )
    gate.add_argument("--junit", type=path, metavar="FILE", help="write the result as JUnit XML")
    gate.add_argument("--summary", type=path, metavar="FILE", help="append a Markdown summary")
    gate.set_defaults(run=_gate)


def _gate(arguments: argparse.Namespace) -> int:
    judged = _judged_in_family(arguments) if len(arguments.ids) > 1 else _judged(arguments)
    decision = judged.decision
    if arguments.junit is not None:
        write_bytes(arguments.junit, junit(judged).encode())
    if arguments.summary is not None:
        _append(arguments.summary, markdown(judged))
    # Whoever stops reading changes no answer.
    try:
        if arguments.json:
            print_json("gate", judged.plain)
        else:
            print(decision.sentence)
            say_more(judged.flags, judged.study.banner, judged.conditions)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_CODES[decision.verdict]


@dataclass(frozen=True, eq=False)
class Judged:
    """A verdict with all that is said beside it.

    Args:
        study: That holds the model.
        plain: What `--json` prints.
    """

    study: Study
    decision: Decision
    flags: tuple[Flag, ...]
    conditions: tuple[str, ...]
    plain: Mapping[str, Any]


def _runs(arguments: argparse.Namespace) -> bool:
    limited = arguments.budget is not None or arguments.seconds is not None
    return bool(arguments.missing or limited)


def _judged(arguments: argparse.Namespace) -> Judged:
    """The model for itself, named before looking."""
    name = arguments.model
    if _runs(arguments):
        made, name = _run_missing(arguments)
        arguments.ids = [made]
    study, analysis, requirement, ledger = opened_study(arguments)
    name = study.record.meant(name)
    decision = study_decision(study.record, analysis, name, requirement)
    flags, said = study_flags(study.record, analysis), conditions(ledger)
    found = {name: decision}
    plain = plain_decisions(study, requirement, found, flags, ledger.text, said)
    return Judged(study, decision, flags, said, plain)


def _judged_in_family(arguments: argparse.Namespace) -> Judged:
    """The model among all compressed models of several studies."""
    if _runs(arguments):
        raise SpecError(
            f"--run, --budget and --seconds draw for one study; got {len(arguments.ids)} studies"
        )
    family = open_family(arguments)
    key, decision = gate_family(family, arguments.model)
    (one,) = chosen(family.candidates, [key])
    said = (union_words(family), *family.conditions)
    plain = {**plain_family(family, {key: decision}, None), "conditions": list(said)}
    return Judged(family.study_of(one), decision, family.flags, said, plain)


def _append(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {reason(error)}") from None


def _run_missing(arguments: argparse.Namespace) -> tuple[str, str]:
    """Draw what decides; gives the id of the study that holds it and the model's name there."""
    # torch takes seconds to import; only a run needs it.
    from irs_core.run.study import run_study

    library = Library(arguments.store)
    study = library.open(arguments.ids[0])
    library.take_over(study)
    known = study.record.spec
    if arguments.root is not None:
        known = replace(known, data=replace(known.data, root=arguments.root))
    compression = None
    if arguments.model != BASE:
        (compression,) = read_compressions([arguments.model], known.data, known.model.num_classes)
    requirement = requirement_of(arguments, known.noise.sigma)
    spec = deciding_spec(known, compression, requirement)
    with draw_bar() as show:
        made = run_deciding(
            spec,
            BASE if compression is None else str(compression),
            requirement,
            library,
            # Whoever wrote the study named its original; nothing that is stored is run as code.
            partial(
                run_study,
                options=RunOptions(network=study.record.base.digest),
                on_progress=show,
            ),
            limits=Limits(arguments.budget, arguments.seconds),
        )
    # The last of its models: the only compressed one, or the original alone.
    return made.record.id, made.record.models[-1].name


def junit(judged: Judged) -> str:
    """The decision as a test suite of one case per limit, with its conditions as output."""
    study, decision = judged.study, judged.decision
    failed = sum(one.verdict == "fails" for one in decision.findings)
    open_ones = sum(one.verdict == "undecided" for one in decision.findings)
    suite = ElementTree.Element(
        "testsuite",
        name=xml(f"{study.record.title}: {decision.model}"),
        tests=str(len(decision.findings)),
        failures=str(failed),
        errors=str(open_ones),
    )
    for one in decision.findings:
        case = ElementTree.SubElement(
            suite, "testcase", name=one.topic, classname=xml(decision.model)
        )
        if one.verdict != "holds":
            kind = "failure" if one.verdict == "fails" else "error"
            ElementTree.SubElement(case, kind, message=xml(one.sentence), type=one.code)
    said = [study.banner, *(one.sentence for one in judged.flags), *judged.conditions]
    output = ElementTree.SubElement(suite, "system-out")
    output.text = xml("\n".join(filter(None, said)))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def markdown(judged: Judged) -> str:
    """The decision for a pull request."""
    study, decision = judged.study, judged.decision
    mark = {"holds": "✅", "fails": "❌", "undecided": "⚠️"}[decision.verdict]
    lines = [
        f"## {mark} {shown(decision.model)}: {decision.verdict}",
        "",
        shown(decision.sentence),
        "",
        "| limit | verdict | |",
        "|---|---|---|",
        *(f"| {one.topic} | {one.verdict} | {shown(one.sentence)} |" for one in decision.findings),
        "",
        *([f"**{shown(study.banner)}**", ""] if study.banner else []),
        *(f"> {shown(flag.sentence)}" for flag in judged.flags),
        f"Study `{study.record.id}`, {shown(study.record.title)}. "
        + " ".join(map(shown, judged.conditions)),
        "",
    ]
    return "\n".join(lines) + "\n"
