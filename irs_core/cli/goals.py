"""Options of `certify` for methods that save draws, and what they ask for."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.why import plan_table
from irs_core.cli.printing import print_json, print_table, rows_of
from irs_core.goals import outlook
from irs_core.goals.goal import chosen_spec, goal_spec, predict
from irs_core.methods.kit.cirs_plan import pilot_spec
from irs_core.spec.goal import Goal
from irs_core.spec.outward import down
from irs_core.spec.study import StudySpec
from irs_core.store import Library, StudyRecord

_FORECASTS = 8


def add_goal_options(parser: argparse.ArgumentParser) -> None:
    """Which methods to draw for, and the goal for CIRS, where there is one."""
    parser.add_argument(
        "--method",
        nargs="+",
        choices=[one.name for one in methods.accelerated()],
        default=[methods.accelerated()[0].name],
        dest="methods",
        help="methods to draw for; the first is the one whose results --tsv prints",
    )
    parser.add_argument(
        "--decline", type=float, default=0.05, help="radius that iss may lose against n_p draws"
    )
    parser.add_argument(
        "--radius",
        type=float,
        nargs="+",
        default=[],
        metavar="R",
        dest="radii",
        help="seq: L2 radii, pixel units, at which each input is certified or not; with nothing "
        "after --compress, those of the original alone, from scratch",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.0,
        help="seq: how much less than the radius the compressed model has to withstand",
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
        help="cirs: run the pilot, print what budgets are expected to bring, with --why also the "
        "plan of each input, and stop",
    )


def with_goal(
    spec: StudySpec,
    goal: Goal | None,
    library: Library,
    run_pilot: Callable[[StudySpec], StudyRecord],
    *,
    why: str | None = None,
    as_json: bool = False,
) -> StudySpec:
    """The study that a goal asks for; prints what it and other budgets are expected to bring.

    Args:
        run_pilot: Runs a study up to its pilot.
        why: A compressed model whose plan is printed, input by input.
        as_json: Print forecasts and plan as one JSON object.

    Raises:
        SpecError: The goal cannot be reached, or nothing is compressed.
    """
    asked = goal_spec(spec)
    record = run_pilot(pilot_spec(spec))
    analysis = predict(replace(record, spec=asked), library)
    expected = _forecasts(analysis)
    _print_forecasts(expected)
    chosen = spec
    if goal is not None:
        chosen = chosen_spec(spec, goal, analysis)
        print(
            f"chosen: {chosen.n_p[0]} draws per input on average, on each compressed model",
            file=sys.stderr,
        )
    table = None
    if why is not None:
        planned = replace(record, spec=chosen)
        table = plan_table(planned, predict(planned, library), why)
    if as_json:
        plain = {name: [asdict(one) for one in found] for name, found in expected.items()}
        plan = None if table is None else rows_of(table)
        known = {"study": chosen.id, "n_p": chosen.n_p[0]}
        print_json("certify --forecast", {**known, "forecasts": plain, "plan": plan})
    elif table is not None:
        print_table(table)
    return chosen


def _forecasts(analysis: Analysis) -> dict[str, list[outlook.Forecast]]:
    names = analysis.tally.compressed
    return {name: list(outlook.forecasts(analysis, name, _FORECASTS)) for name in names}


def _print_forecasts(expected: Mapping[str, Sequence[outlook.Forecast]]) -> None:
    print("expected of cirs, per compressed model:", file=sys.stderr)
    for name, found in expected.items():
        for one in found:
            print(
                f"  {name:<16} {one.n_p:>6} per input  {one.draws:>9} draws  "
                f"{one.seconds:8.1f} s  ACR {down(one.acr)}",
                file=sys.stderr,
            )
