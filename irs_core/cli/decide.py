"""May a compressed model replace the original? `decide` answers, `gate` ends with the answer."""

import argparse
import json
import sys
from typing import Any
from xml.etree import ElementTree

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import (
    preset_requirement,
    study_decision,
    study_decisions,
    study_flags,
    study_gaps,
)
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import Ledger, study_ledger
from irs_core.analysis.replay import sequential_run
from irs_core.cli.options import add_store_option, path
from irs_core.decide import Decision, Flag, Requirement, Verdict
from irs_core.spec.outward import down
from irs_core.spec.settings import Settings
from irs_core.store import Library, Study
from irs_core.store.files import write_bytes

EXIT_CODES: dict[Verdict, int] = {"holds": 0, "fails": 1, "undecided": 3}
SCHEMA = 1


def add_decide(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `decide` and `gate`."""
    decide = commands.add_parser(
        "decide",
        help="may a compressed model replace the original, at a radius?",
        description="A non-inferiority test on a stored study. Every model is judged for itself; "
        "whoever picks one by its verdict has the confidence of all of them together.",
    )
    _add_options(decide)
    decide.add_argument("--model", nargs="+", help="compressed models; all without it")
    decide.add_argument(
        "--replay",
        action="store_true",
        help="also say what sequential certification at the radius would have taken, from the "
        "stored draws",
    )
    decide.set_defaults(run=_decide)
    gate = commands.add_parser(
        "gate",
        help="the same for one model, as an exit code for continuous integration",
        description="Exit code 0: the requirement holds; 1: it fails; 3: undecided; 2: bad input.",
    )
    _add_options(gate)
    gate.add_argument("--model", required=True, help="the compressed model")
    gate.add_argument("--junit", type=path, metavar="FILE", help="write the result as JUnit XML")
    gate.add_argument("--summary", type=path, metavar="FILE", help="append a Markdown summary")
    gate.set_defaults(run=_gate)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", help="study id, or the beginning of one, from the command studies")
    parser.add_argument("--radius", type=float, help="L2 radius that counts; default: sigma")
    parser.add_argument(
        "--tolerance", type=float, help="radius that the model may fall short by; default: r / 10"
    )
    parser.add_argument(
        "--max-loss", type=_share, default=0.01, help="allowed share of exceptions, e.g. 1%%"
    )
    parser.add_argument("--confidence", type=_share, default=0.99, help="e.g. 0.99 or 99%%")
    parser.add_argument("--min-certified", type=_share, help="least certified accuracy at r")
    parser.add_argument("--min-accuracy", type=_share, help="least accuracy without noise")
    parser.add_argument("--max-latency-ms", type=float, help="most milliseconds a pass")
    parser.add_argument("--max-relative-latency", type=float, help="most of the original's time")
    parser.add_argument("--max-bytes", type=int, help="largest size of the weights")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_store_option(parser)


def _share(text: str) -> float:
    """A share, from a number or a percentage."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def _opened(arguments: argparse.Namespace) -> tuple[Study, Analysis, Requirement, Ledger]:
    library = Library(arguments.store)
    study = library.open(arguments.id)
    spec = study.record.spec
    analysis = Analysis(open_tally(study, library.root), Settings.of(spec))
    records = [one.record for one in library.studies()]
    ledger = study_ledger(spec, analysis.settings, records, reported=bool(study.banner))
    return study, analysis, _requirement(arguments, spec.noise.sigma), ledger


def _requirement(arguments: argparse.Namespace, sigma: float) -> Requirement:
    preset = preset_requirement(sigma)
    radius = preset.radius if arguments.radius is None else arguments.radius
    tolerance = arguments.tolerance
    return Requirement(
        radius=radius,
        tolerance=round(radius / 10, 4) if tolerance is None else tolerance,
        max_loss=arguments.max_loss,
        confidence=arguments.confidence,
        min_certified=arguments.min_certified,
        min_accuracy=arguments.min_accuracy,
        max_latency_ms=arguments.max_latency_ms,
        max_relative_latency=arguments.max_relative_latency,
        max_bytes=arguments.max_bytes,
    )


def _decide(arguments: argparse.Namespace) -> None:
    study, analysis, requirement, ledger = _opened(arguments)
    if arguments.model:
        names = arguments.model
        found = {one: study_decision(study.record, analysis, one, requirement) for one in names}
    else:
        found = study_decisions(study.record, analysis, requirement)
    flags = study_flags(study.record, analysis)
    if arguments.json:
        print(json.dumps(_plain(study, requirement, found, flags, ledger), indent=1))
        return
    print(f"Required: {requirement.words}, {100 * requirement.confidence:g}% sure.")
    for name, decision in found.items():
        print(f"{decision.verdict:<10} {decision.sentence}{_gap_words(analysis, name)}")
        if arguments.replay:
            print(f"{'':<10} {_replay_words(study, name, requirement.reach)}")
    _say(flags, study, ledger, len(found))


def _gate(arguments: argparse.Namespace) -> int:
    study, analysis, requirement, ledger = _opened(arguments)
    decision = study_decision(study.record, analysis, arguments.model, requirement)
    flags = study_flags(study.record, analysis)
    if arguments.json:
        found = {arguments.model: decision}
        print(json.dumps(_plain(study, requirement, found, flags, ledger), indent=1))
    else:
        print(decision.sentence)
        _say(flags, study, ledger, 1)
    if arguments.junit is not None:
        write_bytes(arguments.junit, junit(study, decision).encode())
    if arguments.summary is not None:
        with arguments.summary.open("a") as file:
            file.write(markdown(study, decision, flags))
    return EXIT_CODES[decision.verdict]


def _say(flags: tuple[Flag, ...], study: Study, ledger: Ledger, models: int) -> None:
    for flag in flags:
        print(f"warning: {flag.sentence} ({flag.anchor})", file=sys.stderr)
    if study.banner:
        print(study.banner)
    if models > 1:
        print(f"Each verdict holds for itself; {models} were looked at.")
    if ledger.earlier:
        print(ledger.conditions[-1] if ledger.conditions else "")


def _gap_words(analysis: Analysis, name: str) -> str:
    """What fewer draws and what compression take of the ACR, where that is known."""
    gaps = study_gaps(analysis, name)
    if not gaps or gaps[0].full <= 0:
        return ""
    gap = gaps[0]
    return (
        f" At equal draws its ACR is {down(gap.compressed)}, the original's {down(gap.equal)}; "
        f"with all its draws the original has {down(gap.full)}."
    )


def _replay_words(study: Study, name: str, radius: float) -> str:
    run = sequential_run(study, name, radius)
    return (
        f"Sequentially, {run.certified} of {run.inputs} inputs are certified at {radius:g} with "
        f"{run.draws:.1f} draws per input on average instead of {study.record.spec.n_p[-1]:,}."
    )


def _plain(
    study: Study,
    requirement: Requirement,
    found: dict[str, Decision],
    flags: tuple[Flag, ...],
    ledger: Ledger,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "study": study.record.id,
        "origin": study.origin,
        "banner": study.banner,
        "requirement": requirement.to_json(),
        "decisions": {name: decision.to_json() for name, decision in found.items()},
        "flags": [{"code": one.code, "sentence": one.sentence} for one in flags],
        "confidence": ledger.text,
    }


def junit(study: Study, decision: Decision) -> str:
    """The decision as a test suite of one case per limit."""
    failed = sum(one.verdict == "fails" for one in decision.findings)
    open_ones = sum(one.verdict == "undecided" for one in decision.findings)
    suite = ElementTree.Element(
        "testsuite",
        name=f"{study.record.title}: {decision.model}",
        tests=str(len(decision.findings)),
        failures=str(failed),
        errors=str(open_ones),
    )
    for one in decision.findings:
        case = ElementTree.SubElement(suite, "testcase", name=one.topic, classname=decision.model)
        if one.verdict != "holds":
            kind = "failure" if one.verdict == "fails" else "error"
            ElementTree.SubElement(case, kind, message=one.sentence, type=one.code)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def markdown(study: Study, decision: Decision, flags: tuple[Flag, ...]) -> str:
    """The decision for a pull request."""
    mark = {"holds": "✅", "fails": "❌", "undecided": "⚠️"}[decision.verdict]
    lines = [
        f"## {mark} {decision.model}: {decision.verdict}",
        "",
        decision.sentence,
        "",
        "| limit | verdict | |",
        "|---|---|---|",
        *(f"| {one.topic} | {one.verdict} | {one.sentence} |" for one in decision.findings),
        "",
        *([f"**{study.banner}**", ""] if study.banner else []),
        *(f"> {flag.sentence}" for flag in flags),
        f"Study `{study.record.id}`, {study.record.title}.",
        "",
    ]
    return "\n".join(lines) + "\n"
