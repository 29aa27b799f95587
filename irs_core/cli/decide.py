"""May a compressed model replace the original? The command `decide` answers."""

import argparse
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.beyond_mean import compared
from irs_core.analysis.decisions import (
    preset_requirement,
    study_decision,
    study_decisions,
    study_flags,
)
from irs_core.analysis.equal_draws import study_gaps
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import Ledger, ledger_in
from irs_core.analysis.replay import original_run, sequential_run
from irs_core.analysis.tables import usual_radii
from irs_core.analysis.together import study_together
from irs_core.cli.options import add_json_option, add_store_option, path
from irs_core.cli.printing import print_json
from irs_core.decide import Decision, Flag, Requirement
from irs_core.decide.requirement import share_of
from irs_core.decide.words import ONE_QUESTION, required_words
from irs_core.errors import SpecError
from irs_core.report.one_page import one_page
from irs_core.spec.outward import down
from irs_core.spec.settings import Settings
from irs_core.store import Library, Study
from irs_core.store.files import write_bytes

# Stands for an option that was not given, where none is an answer.
_UNSAID = -1.0


def add_decide(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `decide`."""
    decide = commands.add_parser(
        "decide",
        help="may a compressed model replace the original, at a radius?",
        description="A non-inferiority test on a stored study. Every model is judged for itself; "
        "whoever picks one by its verdict has the confidence of all of them together.",
    )
    add_requirement_options(decide)
    decide.add_argument("--model", nargs="+", help="compressed models; all without it")
    decide.add_argument(
        "--replay",
        action="store_true",
        help="also say what sequential certification at the radius would have taken, from the "
        "stored draws",
    )
    decide.add_argument(
        "--radii",
        nargs="+",
        type=float,
        help="where certified accuracy is compared in --json; default: sigma/2, sigma, 3 sigma/2",
    )
    decide.add_argument(
        "--html",
        type=path,
        metavar="FILE",
        help="also write the decision about one model as a page that prints on one sheet",
    )
    decide.set_defaults(run=_decide)


def add_requirement_options(parser: argparse.ArgumentParser) -> None:
    """The study, and what is required of its models."""
    parser.add_argument("id", help="study id, or the beginning of one, from the command studies")
    parser.add_argument("--radius", type=float, help="L2 radius that counts; default: sigma")
    parser.add_argument(
        "--tolerance", type=float, help="radius that the model may fall short by; default: r / 10"
    )
    parser.add_argument(
        "--max-loss",
        type=_share_or_none,
        default=_UNSAID,
        help="allowed share of exceptions, or none; default: 1%%, and none with --min-certified",
    )
    parser.add_argument("--confidence", type=_share, default=0.99, help="e.g. 0.99 or 99%%")
    parser.add_argument("--min-certified", type=_share, help="least certified accuracy at r")
    parser.add_argument("--min-accuracy", type=_share, help="least accuracy without noise")
    parser.add_argument(
        "--max-latency-ms",
        type=float,
        help="most milliseconds of one image, alone, where models cost --study measured it; else "
        "of one pass in the study's batches, noise included",
    )
    parser.add_argument(
        "--max-relative-latency", type=float, help="the same as a multiple of the original's time"
    )
    parser.add_argument(
        "--max-bytes", type=int, help="largest size of the weights, packed where that was measured"
    )
    add_json_option(parser)
    add_store_option(parser)


def _share(text: str) -> float:
    """A share, from a number or a percentage."""
    try:
        return share_of(text)
    except SpecError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _share_or_none(text: str) -> float | None:
    return None if text.lower() == "none" else _share(text)


def opened_study(arguments: argparse.Namespace) -> tuple[Study, Analysis, Requirement, Ledger]:
    """The study that was named, under its own settings, what is required, and its ledger."""
    library = Library(arguments.store)
    study = library.open(arguments.id)
    spec = study.record.spec
    # Decisions use one-sided radii, whatever those of the study.
    analysis = Analysis(open_tally(study, library.root), Settings.of(spec).one_sided)
    requirement = requirement_of(arguments, spec.noise.sigma)
    return study, analysis, requirement, ledger_in(library, study)


def requirement_of(arguments: argparse.Namespace, sigma: float) -> Requirement:
    """What the options require; the radius is sigma where none is given."""
    preset = preset_requirement(sigma)
    radius = preset.radius if arguments.radius is None else arguments.radius
    tolerance, max_loss = arguments.tolerance, arguments.max_loss
    if max_loss == _UNSAID:
        max_loss = preset.max_loss if arguments.min_certified is None else None
    return Requirement(
        radius=radius,
        tolerance=float(f"{radius / 10:.4g}") if tolerance is None else tolerance,
        max_loss=max_loss,
        confidence=arguments.confidence,
        min_certified=arguments.min_certified,
        min_accuracy=arguments.min_accuracy,
        max_latency_ms=arguments.max_latency_ms,
        max_relative_latency=arguments.max_relative_latency,
        max_bytes=arguments.max_bytes,
    )


def _decide(arguments: argparse.Namespace) -> None:
    study, analysis, requirement, ledger = opened_study(arguments)
    if arguments.model:
        names = arguments.model
        found = {one: study_decision(study.record, analysis, one, requirement) for one in names}
    else:
        found = study_decisions(study.record, analysis, requirement)
    flags = study_flags(study.record, analysis)
    together = study_together(study.record, analysis, requirement, list(found))
    if arguments.html is not None:
        _write_page(arguments.html, study, analysis, found, flags, ledger)
    if arguments.json:
        plain = plain_decisions(study, requirement, found, flags, ledger)
        plain["together"] = asdict(together) if together else None
        radii = arguments.radii or usual_radii(study.record.spec.noise.sigma)
        plain["equal_draws"] = {name: compared(analysis, name, radii) for name in found}
        if arguments.replay:
            plain["replay"] = _plain_replay(study, requirement, list(found))
        print_json("decide", plain)
        return
    print(f"Required: {required_words(requirement)}.")
    for name, decision in found.items():
        print(f"{decision.verdict:<10} {decision.sentence}{_gap_words(analysis, name)}")
        if arguments.replay:
            print(f"{'':<10} {_replay_words(study, name, requirement.reach)}")
    if arguments.replay:
        own = original_run(study, requirement.radius)
        print(f"The original from scratch: {own.sentence} instead of {study.record.spec.n:,}.")
    say_more(flags, study, ledger, together.sentence if together else "")


def _write_page(
    path: Path,
    study: Study,
    analysis: Analysis,
    found: dict[str, Decision],
    flags: tuple[Flag, ...],
    ledger: Ledger,
) -> None:
    if len(found) != 1:
        raise SpecError(f"a page is about one model, named with --model; got {len(found)}")
    ((name, decision),) = found.items()
    text = one_page(
        study.record,
        analysis,
        name,
        decision,
        ledger=ledger,
        flags=flags,
        banner=study.banner,
        made=date.today().isoformat(),
    )
    write_bytes(path, text.encode())


def say_more(flags: tuple[Flag, ...], study: Study, ledger: Ledger, together: str = "") -> None:
    """Warnings, and what else the reader of a verdict has to know."""
    for flag in flags:
        print(f"warning: {flag.sentence} ({flag.anchor})", file=sys.stderr)
    if study.banner:
        print(study.banner)
    if together:
        print(together)
    for condition in conditions(ledger):
        print(condition)


def conditions(ledger: Ledger) -> tuple[str, ...]:
    """What a verdict's confidence rests on, beside the study itself."""
    return (ONE_QUESTION, *ledger.of_a_decision)


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
    return f"Sequentially, {run.sentence} instead of {study.record.spec.n_p[-1]:,}."


def _plain_replay(study: Study, requirement: Requirement, names: list[str]) -> dict[str, Any]:
    runs = {name: sequential_run(study, name, requirement.reach) for name in names}
    return {
        "original": asdict(original_run(study, requirement.radius)),
        "models": {name: asdict(run) for name, run in runs.items()},
    }


def plain_decisions(
    study: Study,
    requirement: Requirement,
    found: dict[str, Decision],
    flags: tuple[Flag, ...],
    ledger: Ledger,
) -> dict[str, Any]:
    """What `--json` prints of decisions about models of one study."""
    return {
        "study": study.record.id,
        "origin": study.origin,
        "banner": study.banner,
        "requirement": requirement.to_json(),
        "decisions": {name: decision.to_json() for name, decision in found.items()},
        "flags": [{"code": one.code, "sentence": one.sentence} for one in flags],
        "confidence": ledger.text,
        "conditions": list(conditions(ledger)),
    }
