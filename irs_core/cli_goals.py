"""Options of `certify` for methods that save draws, and what they ask for."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

from irs_core.errors import SpecError
from irs_core.specs import ACCELERATED, StudySpec
from irs_core.store import Library, Study, StudyRecord
from irs_core.study import outlook
from irs_core.study.analysis import Analysis
from irs_core.study.results import Settings
from irs_core.study.tally import tally_study

_FORECASTS = 8


class GoalOptions(TypedDict):
    """What the options say, as `argparse` keeps it."""

    budget: str | None
    reach_acr: float | None
    max_loss: float | None


@dataclass(frozen=True)
class Goal:
    """A wish for CIRS; exactly one field is set.

    Args:
        draws: At most so many draws in total on each compressed classifier.
        share: At most so many draws per input on average, as a share of n.
        seconds: At most about so much time on each.
        acr: An average certified radius to reach, pixel units.
        loss: Radius that an input may lose against certifying from scratch with n draws.
    """

    draws: int | None = None
    share: float | None = None
    seconds: float | None = None
    acr: float | None = None
    loss: float | None = None


def add_goal_options(parser: argparse.ArgumentParser) -> None:
    """Which methods to draw for, and what CIRS is wished to reach."""
    parser.add_argument(
        "--method",
        nargs="+",
        choices=ACCELERATED,
        default=["irs"],
        dest="methods",
        help="methods to draw for; the first is the one whose results --tsv prints",
    )
    parser.add_argument(
        "--decline", type=float, default=0.05, help="radius that iss may lose against n_p draws"
    )
    goals = parser.add_mutually_exclusive_group()
    goals.add_argument(
        "--budget",
        metavar="B",
        help="cirs: spend at most 20000 (draws in total), 2%% (of n, mean per input) or 60s on "
        "each compressed model",
    )
    goals.add_argument(
        "--reach-acr", type=float, metavar="R", help="cirs: as few draws as reach this ACR"
    )
    goals.add_argument(
        "--max-loss",
        type=float,
        metavar="U",
        help="cirs: as few draws as lose at most U of radius against n draws from scratch",
    )
    parser.add_argument(
        "--forecast",
        action="store_true",
        help="cirs: run the pilot, print what budgets are expected to bring, and stop",
    )


def parse_goal(**options: Unpack[GoalOptions]) -> Goal | None:
    """The goal that options describe; None for none.

    Raises:
        SpecError: A budget is no number of draws, percentage or time.
    """
    if options["reach_acr"] is not None:
        return Goal(acr=options["reach_acr"])
    if options["max_loss"] is not None:
        return Goal(loss=options["max_loss"])
    text = options["budget"]
    if text is None:
        return None
    try:
        if text.endswith("%"):
            return Goal(share=float(text[:-1]) / 100)
        if text.endswith("s"):
            return Goal(seconds=float(text[:-1]))
        return Goal(draws=int(text))
    except ValueError:
        raise SpecError(
            f"a budget must be a number of draws, a percentage of n or seconds; got {text!r}"
        ) from None


def with_goal(
    spec: StudySpec, goal: Goal | None, library: Library, run_pilot: Callable[[], StudyRecord]
) -> StudySpec:
    """The study that a goal asks for; prints what it and other budgets are expected to bring.

    Raises:
        SpecError: The goal cannot be reached, or nothing is compressed.
    """
    if not spec.compressions:
        raise SpecError("a budget is for compressed models; name at least one compression")
    record = run_pilot()
    study = Study(record, library.evidence_folder)
    analysis = Analysis(tally_study(study), Settings.of(spec))
    _print_forecasts(analysis)
    if goal is None:
        return spec
    found = {name: _n_p(spec, analysis, name, goal) for name in analysis.tally.compressed}
    n_p = max(1, min(spec.n, max(found.values())))
    if goal.draws is not None or goal.seconds is not None:
        # A promise to every model is kept by the smallest.
        n_p = max(1, min(spec.n, min(found.values())))
    print(f"chosen: {n_p} draws per input on average, on each compressed model", file=sys.stderr)
    return replace(
        spec, n_p=(n_p,), methods=("cirs",), baseline=False, max_loss=goal.loss, name=spec.name
    )


def _n_p(spec: StudySpec, analysis: Analysis, name: str, goal: Goal) -> int:
    if goal.draws is not None:
        return outlook.budget_for_draws(analysis, goal.draws)
    if goal.share is not None:
        return max(1, int(goal.share * spec.n))
    if goal.seconds is not None:
        return outlook.budget_for_seconds(analysis, name, goal.seconds)
    if goal.acr is not None:
        return outlook.budget_for_acr(analysis, name, goal.acr)
    assert goal.loss is not None
    return outlook.budget_for_loss(analysis, name, goal.loss)


def _print_forecasts(analysis: Analysis) -> None:
    print("expected of cirs, per compressed model:", file=sys.stderr)
    for name in analysis.tally.compressed:
        every = outlook.forecasts(analysis, name)
        for one in every[:: max(1, len(every) // _FORECASTS)]:
            print(
                f"  {name:<16} {one.n_p:>6} per input  {one.draws:>9} draws  "
                f"{one.seconds:8.1f} s  ACR {one.acr:.3f}",
                file=sys.stderr,
            )
