"""Rows and panels as tables: numbers as numbers, ready to sort and to download."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.results import COSTS, Cost, Point
from irs_core.analysis.sweep import Sweep
from irs_core.goals.outlook import Forecast
from irs_core.methods import MethodDef
from irs_core.run.options import Part
from irs_core.run.words import stream_words
from irs_core.store import StudyRecord
from ui.shared import theme
from ui.shared.choice import verdicts
from ui.shared.entries import ModelRow, Panel, ZetaEntry


def choice_table(
    rows: Sequence[ModelRow], certified: Mapping[float, Sequence[float]]
) -> pd.DataFrame:
    """The Overview's table, numbers as numbers.

    Args:
        certified: Certified accuracy of every row, by radius.
    """
    speedups = {
        "speedup, seconds": [row.summary.speedup_seconds for row in rows],
        "speedup, draws": [row.summary.speedup_draws for row in rows],
    }
    frame = pd.DataFrame(
        {
            "model": [row.title for row in rows],
            "verdict": verdicts(rows),
            "ACR": [row.summary.acr.value for row in rows],
            "ACR kept": [100 * row.kept for row in rows],
            "size kB": [row.size_bytes / 1000 for row in rows],
            **{name: [one.value for one in found] for name, found in speedups.items()},
            "by": [_by(row) for row in rows],
            **{
                certified_name(radius): [100 * share for share in shares]
                for radius, shares in certified.items()
            },
            "clean accuracy": [100 * row.clean_accuracy for row in rows],
            "smoothed accuracy": [100 * row.summary.accuracy.value for row in rows],
            "95% low": [row.summary.acr.low for row in rows],
            "95% high": [row.summary.acr.high for row in rows],
            **{
                interval_name(name): [theme.between(one) for one in found]
                for name, found in speedups.items()
            },
            "µs per pass": [1e6 * row.draw_seconds for row in rows],
            "recertified in s": [row.certify_seconds for row in rows],
            "disagreement": [100 * row.disagreement for row in rows],
            "non-zero weights": [row.nonzero for row in rows],
            "draws per input": [row.summary.n_p for row in rows],
            "runs on": [row.execution for row in rows],
            "what is compressed": [row.note for row in rows],
        }
    )
    # Studies of earlier versions hold no answers without noise.
    known = frame["clean accuracy"].notna().any()
    return frame if known else frame.drop(columns="clean accuracy")


def _by(row: ModelRow) -> str:
    return "" if row.is_base else methods.get(row.summary.method).title


def certified_name(radius: float) -> str:
    """The column of certified accuracy at a radius."""
    return f"CA({radius:g})"


def interval_name(name: str) -> str:
    """The column of the intervals of another column."""
    return f"{name}: 95% interval"


def speedup_name(method: str, cost: Cost) -> str:
    """The column of the speedups of a method."""
    return f"{methods.get(method).title}, {'s' if cost == 'seconds' else cost}"


def best_name(method: MethodDef) -> str:
    """The column of the largest ACR that a method reaches."""
    return f"best ACR, {method.title}"


def curve_table(panels: Sequence[Panel]) -> pd.DataFrame:
    """Every point of every curve, one a row."""
    return pd.DataFrame(
        [
            {
                "model": panel.title,
                "study": panel.study,
                "method": method.title,
                "n_p": point.n_p,
                "ACR": point.acr.value,
                "95% low": point.acr.low,
                "95% high": point.acr.high,
                "seconds": point.seconds,
                "draws": point.draws,
            }
            for panel in panels
            for method in methods.every()
            for point in panel.comparison.points(method.name)
        ]
    )


def speedup_table(panels: Sequence[Panel]) -> pd.DataFrame:
    """Area speedups, one row per compressed model; only of methods that some model has."""
    shown = [
        one
        for one in methods.by_standing()
        if any(each.comparison.points(one.name) for each in panels)
    ]
    compared = [one.name for one in shown if not one.baseline and one.anytime is None]
    frame = pd.DataFrame(
        {"model": [panel.title for panel in panels], "study": [panel.study for panel in panels]}
    )
    for cost in COSTS:
        for method in compared:
            name = speedup_name(method, cost)
            found = [panel.comparison.speedup(method, cost) for panel in panels]
            frame[name] = [one.value for one in found]
            frame[interval_name(name)] = [theme.between(one) for one in found]
    for one in sorted(shown, key=lambda one: not one.baseline):
        frame[best_name(one)] = [_top(panel.comparison.points(one.name)) for panel in panels]
    return frame if frame["study"].nunique() > 1 else frame.drop(columns="study")


def zeta_table(entries: Sequence[ZetaEntry]) -> pd.DataFrame:
    """Mean zeta, disagreement and floor in percent, one row per model and budget."""
    return pd.DataFrame(
        {
            "model": [entry.title for entry in entries],
            "n_p": [entry.row.n_p for entry in entries],
            "mean ζ": [100 * entry.row.mean_zeta.value for entry in entries],
            "95% low": [100 * entry.row.mean_zeta.low for entry in entries],
            "95% high": [100 * entry.row.mean_zeta.high for entry in entries],
            "disagreement": [100 * entry.row.disagreement for entry in entries],
            "leave rate": [100 * entry.row.leave for entry in entries],
            "floor": [100 * float(entry.row.floor) for entry in entries],
            "at the floor": [
                100 * float(np.mean(entry.row.values <= entry.row.floor * (1 + 1e-9)))
                if len(entry.row.values)
                else math.nan
                for entry in entries
            ],
            "inputs": [len(entry.row.values) for entry in entries],
        }
    )


def sweep_table(sweep: Sweep) -> pd.DataFrame:
    """ACR on held-out inputs for each gamma."""
    return pd.DataFrame(
        {
            "gamma": sweep.gammas,
            "ACR": [one.value for one in sweep.acr],
            "95% low": [one.low for one in sweep.acr],
            "95% high": [one.high for one in sweep.acr],
        }
    )


def bounds_table(record: StudyRecord, bounds: NDArray[np.float64]) -> pd.DataFrame:
    """The bound of each reported input, with its true class."""
    data = record.data
    rows = [row for row, reported in enumerate(data.reported) if reported]
    return pd.DataFrame(
        {
            "input": [data.indices[row] for row in rows],
            "true class": [data.classes[data.labels[row]] for row in rows],
            "p_A lower bound": bounds,
        }
    )


def forecast_table(
    titles: Mapping[str, str], found: Mapping[str, Sequence[Forecast]]
) -> pd.DataFrame:
    """Predictions of CIRS, a row for each.

    Args:
        titles: Of the compressed models, by name.
        found: Their predictions, by name.
    """
    every = [(titles[name], one) for name, some in found.items() for one in some]
    return pd.DataFrame(
        {
            "model": [title for title, _ in every],
            "draws per input": [one.n_p for _, one in every],
            "draws": [one.draws for _, one in every],
            "seconds": [one.seconds for _, one in every],
            "expected ACR": [one.acr for _, one in every],
        }
    )


def parts_table(parts: Sequence[Part], titles: Mapping[str, str]) -> pd.DataFrame:
    """Progress of a job, one row per model and what its draws are for."""
    return pd.DataFrame(
        {
            "model": [titles.get(part.name, part.name) for part in parts],
            "draws for": [stream_words(part.name, part.stream) for part in parts],
            "progress": [min(1.0, part.done / part.needed) for part in parts],
            "draws": [part.done for part in parts],
            "needed": [part.needed for part in parts],
            "draws/s": [theme.count(part.rate) if _measured(part) else "" for part in parts],
            "time left": [
                theme.duration(part.seconds_left or 0.0) if _measured(part) else ""
                for part in parts
            ],
        }
    )


def _measured(part: Part) -> bool:
    return part.rate > 0 and part.done < part.needed


def _top(points: Sequence[Point]) -> float:
    return max((point.acr.value for point in points), default=math.nan)


def spoken_speedups(panels: Sequence[Panel], cost: Literal["seconds", "draws"]) -> str:
    """The speedups in words, for those who cannot see the figure."""
    return theme.listing([f"{panel.title}: {speedups_text(panel, cost)}" for panel in panels])


def speedups_text(panel: Panel, cost: Literal["seconds", "draws"]) -> str:
    """The speedup of each method of a panel that has one; else which methods it has."""
    found = {
        method: panel.comparison.speedup(method, cost).value for method in panel.comparison.curves
    }
    texts = [
        f"{methods.get(method).title} {theme.times(value)}"
        for method, value in found.items()
        if not math.isnan(value)
    ]
    return " · ".join(texts or [methods.get(method).title for method in found])


def zeta_values(entry: ZetaEntry) -> pd.DataFrame:
    """How many inputs have which zeta."""
    values, counts = np.unique(entry.row.values, return_counts=True)
    return pd.DataFrame({"model": entry.title, "n_p": entry.row.n_p, "ζ": values, "inputs": counts})
