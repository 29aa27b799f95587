"""Histograms over inputs and the sweep of gamma, as pages and notebooks show them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.analysis.colours import NEUTRAL, PALETTE, shaded
from irs_core.analysis.sweep import Sweep
from irs_core.report.drawing import Figure, band, blank_layout, mark
from irs_core.report.waterfall import ACR_TITLE
from irs_core.spec.outward import down, up

Floats = NDArray[np.float64]
# So narrow that the usual values of gamma lie on edges.
_FINE_EDGES = np.linspace(0.5, 1.0, 101)
# Of inputs that IRS treats differently; no model has these colours.
_BELOW, _ABOVE = shaded(NEUTRAL, 0.3), shaded(NEUTRAL, -0.3)


def zeta_histogram(values: ArrayLike, floor: float, colour: str) -> Figure:
    """How many inputs have which zeta, from the floor on, which is marked."""
    zeta = np.asarray(values, np.float64)
    low = float(zeta.min(initial=floor))
    top = max(float(zeta.max(initial=floor)), 1.2 * floor)
    edges = np.linspace(low, low + 1.02 * (top - low), 31)
    layout = blank_layout("ζ, upper bound on P(different answers)", "inputs (count)")
    line, label = mark(floor, f"floor {up(floor, 4)}", "left")
    layout |= {"showlegend": False, "shapes": [line], "annotations": [label]}
    layout["xaxis"]["range"] = [low - 0.02 * (top - low), float(edges[-1])]
    _whole_ticks(layout, np.histogram(zeta, edges)[0])
    return {"data": [bars(zeta, edges, colour, "inputs")], "layout": layout}


def p_lower_histogram(values: ArrayLike, gamma: float) -> Figure:
    """How many inputs have which lower bound on p_A, split at gamma."""
    bounds = np.asarray(values, np.float64)
    shown = bounds[bounds > 0.5]
    layout = blank_layout(
        "p<sub>A</sub>, lower bound of the original (probability)", "inputs (count)"
    )
    line, label = mark(gamma, f"γ = {gamma:g}", "right")
    layout |= {"barmode": "stack", "shapes": [line], "annotations": [label]}
    layout["legend"] = {**layout["legend"], "traceorder": "normal"}
    layout["xaxis"]["range"] = [0.495, 1.005]
    _whole_ticks(layout, np.histogram(shown, _FINE_EDGES)[0])
    below, above = shown[shown < gamma], shown[shown >= gamma]
    data = [
        bars(below, _FINE_EDGES, _BELOW, "below γ: IRS reuses the original's draws"),
        bars(above, _FINE_EDGES, _ABOVE, "at or above γ: IRS makes fresh draws"),
    ]
    return {"data": data, "layout": layout}


def gamma_sweep(sweep: Sweep, study_gamma: float, colour: str) -> Figure:
    """ACR on held-out inputs against gamma; the value in use and the best one marked."""
    gammas, best = [float(gamma) for gamma in sweep.gammas], sweep.best
    layout = blank_layout("γ, threshold on p<sub>A</sub> (probability)", f"held-out {ACR_TITLE}")
    line, label = mark(study_gamma, f"in use: γ = {study_gamma:g}", "right")
    layout |= {"shapes": [line], "annotations": [label]}
    curve = {
        "type": "scatter",
        "x": gammas,
        "y": [one.value for one in sweep.acr],
        "mode": "lines+markers",
        "name": "ACR of IRS",
        "line": {"color": colour, "width": 2.5},
        "customdata": [down(one.value) for one in sweep.acr],
        "hovertemplate": "γ %{x:.4g}<br>ACR %{customdata}<extra></extra>",
    }
    star = {
        "type": "scatter",
        "x": [gammas[best]],
        "y": [sweep.acr[best].value],
        "mode": "markers",
        "name": f"best: γ = {gammas[best]:g}",
        "marker": {"symbol": "star", "size": 17, "color": PALETTE[1]},
        "hoverinfo": "skip",
    }
    return {"data": [band(gammas, sweep.acr, colour), curve, star], "layout": layout}


def bars(values: Floats, edges: Floats, colour: str, name: str) -> Figure:
    """Bars of how many values lie between neighbouring edges, a trace."""
    counts, _ = np.histogram(values, edges)
    return {
        "type": "bar",
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "y": counts.tolist(),
        "width": np.diff(edges).tolist(),
        "name": name,
        "marker": {"color": colour, "line": {"width": 0}},
        "customdata": np.stack([edges[:-1], edges[1:]], axis=1).tolist(),
        "hovertemplate": "%{customdata[0]:.4f} to %{customdata[1]:.4f}<br>%{y} inputs"
        "<extra></extra>",
    }


def _whole_ticks(layout: Figure, counts: NDArray[np.int64]) -> None:
    """No ticks between whole counts."""
    if counts.max() <= 5:
        layout["yaxis"]["dtick"] = 1
