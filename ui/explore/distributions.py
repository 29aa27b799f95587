"""Histograms over inputs, binned here so that the browser gets bars, not values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from irs_core.spec.outward import up
from ui.shared import theme
from ui.shared.drawing import add_mark, blank, whole_ticks
from ui.shared.entries import branch_shares

EDGES = np.linspace(0.5, 1.0, 26)
# So narrow that the usual values of gamma lie on edges.
_FINE_EDGES = np.linspace(0.5, 1.0, 101)
# Of inputs that IRS treats differently; no model has these colours.
_BELOW, _ABOVE = theme.shaded(theme.NEUTRAL, 0.3), theme.shaded(theme.NEUTRAL, -0.3)
_DASHES = ("solid", "dash", "dot", "dashdot")


def zeta_histogram(values: ArrayLike, floor: float, colour: str) -> go.Figure:
    """How many inputs have which zeta, from the floor on, which is marked."""
    zeta = np.asarray(values, np.float64)
    low = float(zeta.min(initial=floor))
    top = max(float(zeta.max(initial=floor)), 1.2 * floor)
    edges = np.linspace(low, low + 1.02 * (top - low), 31)
    figure = blank("ζ, upper bound on P(different answers)", "inputs (count)")
    add_bars(figure, zeta, edges, colour, "inputs")
    add_mark(figure, floor, f"floor {up(floor, 4)}", "left")
    figure.update_xaxes(range=[low - 0.02 * (top - low), edges[-1]])
    figure.update_layout(showlegend=False)
    whole_ticks(figure, int(np.histogram(zeta, edges)[0].max()))
    return figure


def p_lower_histogram(values: ArrayLike, gamma: float) -> go.Figure:
    """How many inputs have which lower bound on p_A, split at gamma."""
    bounds = np.asarray(values, np.float64)
    shown = bounds[bounds > 0.5]
    edges = _FINE_EDGES
    figure = blank("p<sub>A</sub>, lower bound of the original (probability)", "inputs (count)")
    below, above = shown[shown < gamma], shown[shown >= gamma]
    add_bars(figure, below, edges, _BELOW, "below γ: IRS reuses the original's draws")
    add_bars(figure, above, edges, _ABOVE, "at or above γ: IRS makes fresh draws")
    whole_ticks(figure, int(np.histogram(shown, edges)[0].max()))
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    add_mark(figure, gamma, f"γ = {gamma:g}", "right")
    figure.update_xaxes(range=[0.495, 1.005])
    return figure


def p_lower_densities(bounds: Sequence[tuple[str, ArrayLike]]) -> go.Figure:
    """Share of inputs over the lower bound on p_A above 1/2, one line per label."""
    edges = EDGES
    figure = blank("lower bound on p<sub>A</sub>", "inputs (%)")
    for index, (label, values) in enumerate(bounds):
        p_lower = np.asarray(values, np.float64)
        shares = 100 * np.histogram(p_lower, edges)[0] / max(1, len(p_lower))
        figure.add_scatter(
            x=(edges[:-1] + edges[1:]) / 2,
            y=shares,
            mode="lines+markers",
            name=label,
            line={"color": theme.PALETTE[index], "width": 2.5, "shape": "hvh"},
            hovertemplate=f"{label}<br>p<sub>A</sub> about %{{x:.2f}}: %{{y:.1f}}%<extra></extra>",
        )
    return figure


@dataclass(frozen=True)
class Bounds:
    """The lower bound on p_A of every input, of one model in one study.

    Args:
        name: Name of the model, e.g. `prune:0.1`.
        label: Its title, with the study where several are in view.
        values: Bounds in [0, 1), (inputs,).
    """

    name: str
    label: str
    study: str
    values: NDArray[np.float64]


def p_lower_outlines(series: Sequence[Bounds], gamma: float) -> go.Figure:
    """Outlines of several distributions of bounds, as shares of the inputs."""
    figure = blank("lower bound on p<sub>A</sub> (probability)", "inputs (%)")
    studies = list(dict.fromkeys(one.study for one in series))
    colours = theme.model_colours(one.name for one in series)
    for one in series:
        counts, edges = np.histogram(one.values, EDGES)
        heights = 100 * counts / max(1, len(one.values))
        figure.add_scatter(
            x=np.repeat(edges, 2)[1:-1],
            y=np.repeat(heights, 2),
            mode="lines",
            name=one.label,
            line={
                "color": colours[one.name],
                "width": 2.5,
                "dash": _DASHES[studies.index(one.study) % len(_DASHES)],
            },
            hovertemplate=f"<b>{one.label}</b><br>%{{x:.2f}}<br>%{{y:.1f}}% of inputs"
            "<extra></extra>",
        )
    add_mark(figure, gamma, f"γ = {gamma:g}", "right")
    figure.update_xaxes(range=[0.495, 1.005])
    figure.update_yaxes(rangemode="tozero")
    return figure


def share_table(series: Sequence[Bounds], gamma: float) -> pd.DataFrame:
    """How the inputs of each distribution split at 1/2 and at gamma."""
    shares = [branch_shares(one.values, gamma) for one in series]
    return pd.DataFrame(
        {
            "model": [one.label for one in series],
            "at or above γ": [100 * one.direct for one in shares],
            "between ½ and γ": [100 * one.incremental for one in shares],
            "abstaining": [100 * one.abstaining for one in shares],
            "median bound": [float(np.median(one.values)) for one in series],
        }
    )


def add_bars(
    figure: go.Figure,
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    edges: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    colour: str,
    name: str,
) -> None:
    """Bars of how many values lie between neighbouring edges."""
    counts, _ = np.histogram(values, edges)
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges),
        name=name,
        marker={"color": colour, "line": {"width": 0}},
        customdata=np.stack([edges[:-1], edges[1:]], axis=1),
        hovertemplate="%{customdata[0]:.4f} to %{customdata[1]:.4f}<br>%{y} inputs<extra></extra>",
    )
