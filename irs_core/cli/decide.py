"""May a compressed model replace the original? The command `decide` answers."""

import argparse
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.beyond_mean import compared
from irs_core.analysis.decisions import (
    study_decision,
    study_decisions,
    study_flags,
)
from irs_core.analysis.equal_draws import study_gaps
from irs_core.analysis.ledger import Ledger
from irs_core.analysis.replay import original_run, sequential_run
from irs_core.analysis.tables import usual_radii
from irs_core.analysis.together import study_together
from irs_core.cli.family import decide_family
from irs_core.cli.options import path
from irs_core.cli.printing import print_json
from irs_core.cli.requirements import (
    add_requirement_options,
    conditions,
    opened_study,
    plain_decisions,
    say_more,
)
from irs_core.decide import Decision, Flag, Requirement
from irs_core.decide.words import required_words
from irs_core.errors import SpecError
from irs_core.report.one_page import one_page
from irs_core.spec.outward import down
from irs_core.store import BASE, Study
from irs_core.store.files import write_bytes


def add_decide(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `decide`."""
    decide = commands.add_parser(
        "decide",
        help="may a compressed model replace the original, at a radius?",
        description="A non-inferiority test on a stored study. Every model is judged for itself; "
        "whoever picks one by its verdict has the confidence of all of them together.",
    )
    add_requirement_options(decide)
    decide.add_argument("--model", nargs="+", help="compressed models, or base; all without it")
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


def _decide(arguments: argparse.Namespace) -> None:
    if len(arguments.ids) > 1:
        decide_family(arguments)
        return
    study, analysis, requirement, ledger = opened_study(arguments)
    if arguments.model:
        names = [study.record.meant(one) for one in arguments.model]
        found = {one: study_decision(study.record, analysis, one, requirement) for one in names}
    else:
        found = study_decisions(study.record, analysis, requirement)
    flags = study_flags(study.record, analysis)
    together = study_together(study.record, analysis, requirement, list(found))
    compared_ones = [name for name in found if name != BASE]
    if arguments.html is not None:
        _write_page(arguments.html, study, analysis, found, flags, ledger)
    if arguments.json:
        plain = plain_decisions(study, requirement, found, flags, ledger.text, conditions(ledger))
        plain["together"] = asdict(together) if together else None
        radii = arguments.radii or usual_radii(study.record.spec.noise.sigma)
        plain["equal_draws"] = {name: compared(analysis, name, radii) for name in compared_ones}
        if arguments.replay:
            plain["replay"] = _plain_replay(study, requirement, compared_ones)
        print_json("decide", plain)
        return
    print(f"Required: {required_words(requirement)}.")
    for name, decision in found.items():
        gap = _gap_words(analysis, name) if name in compared_ones else ""
        print(f"{decision.verdict:<10} {decision.sentence}{gap}")
        if arguments.replay and name in compared_ones:
            print(f"{'':<10} {_replay_words(study, name, requirement.reach)}")
    if arguments.replay:
        own = original_run(study, requirement.radius)
        print(f"The original from scratch: {own.sentence} instead of {study.record.spec.n:,}.")
    say_more(flags, study.banner, conditions(ledger), together.sentence if together else "")


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
    if name == BASE:
        raise SpecError(f"a page compares a model with its original; got {name}, the original")
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
