"""The question that `decide` and `gate` ask, and what is said beside the answer."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import Ledger, ledger_in
from irs_core.cli.options import add_json_option, add_store_option
from irs_core.decide import Decision, Flag, Requirement
from irs_core.decide.requirement import share_of
from irs_core.decide.words import ONE_QUESTION
from irs_core.errors import SpecError
from irs_core.spec.settings import Settings
from irs_core.store import Library, Study

# Stands for an option that was not given, where none is an answer.
_UNSAID = -1.0


def add_requirement_options(parser: argparse.ArgumentParser) -> None:
    """The study, and what is required of its models."""
    parser.add_argument(
        "ids",
        nargs="+",
        metavar="STUDY",
        help="study id, or the beginning of one, from the command studies; of several, which share "
        "the original, the inputs and the noise, all compressed models are judged together",
    )
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
    study, analysis = judged_study(library, arguments.ids[0])
    requirement = requirement_of(arguments, study.record.spec.noise.sigma)
    return study, analysis, requirement, ledger_in(library, study)


def judged_study(library: Library, study_id: str) -> tuple[Study, Analysis]:
    """A study under its own settings, with the one-sided radii that decisions use."""
    study = library.open(study_id)
    settings = Settings.of(study.record.spec).one_sided
    return study, Analysis(open_tally(study, library.root), settings)


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


def say_more(
    flags: Sequence[Flag], banner: str, conditions: Sequence[str], together: str = ""
) -> None:
    """Warnings, and what else the reader of a verdict has to know."""
    for flag in flags:
        print(f"warning: {flag.sentence} ({flag.anchor})", file=sys.stderr)
    if banner:
        print(banner)
    if together:
        print(together)
    for condition in conditions:
        print(condition)


def conditions(ledger: Ledger) -> tuple[str, ...]:
    """What a verdict's confidence rests on, beside the study itself."""
    return (ONE_QUESTION, *ledger.decision_conditions)


def plain_decisions(
    study: Study,
    requirement: Requirement,
    found: Mapping[str, Decision],
    flags: Sequence[Flag],
    confidence: str,
    conditions: Sequence[str],
) -> dict[str, Any]:
    """What `--json` prints of decisions about models of one study."""
    return {
        "study": study.record.id,
        "origin": study.origin,
        "banner": study.banner,
        "requirement": requirement.to_json(),
        "decisions": {name: decision.to_json() for name, decision in found.items()},
        "flags": [{"code": one.code, "sentence": one.sentence} for one in flags],
        "confidence": confidence,
        "conditions": list(conditions),
    }
