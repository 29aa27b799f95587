"""Histograms over inputs, binned here so that the browser gets bars, not values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from irs_core.report import distributions
from irs_core.text import plotly
from ui.shared import theme
from ui.shared.drawing import add_mark, blank
from ui.shared.entries import branch_shares

EDGES = np.linspace(0.5, 1.0, 26)
_DASHES = ("solid", "dash", "dot", "dashdot")


def zeta_histogram(values: ArrayLike, floor: float, colour: str) -> go.Figure:
    """How many inputs have which zeta, from the floor on, which is marked."""
    return go.Figure(distributions.zeta_histogram(values, floor, colour))


def p_lower_histogram(values: ArrayLike, gamma: float) -> go.Figure:
    """How many inputs have which lower bound on p_A, split at gamma."""
    return go.Figure(distributions.p_lower_histogram(values, gamma))


def p_lower_densities(bounds: Sequence[tuple[str, ArrayLike]]) -> go.Figure:
    """Share of inputs over the lower bound on p_A above 1/2, one line per label."""
    edges = EDGES
    figure = blank("lower bound on p<sub>A</sub>", "inputs (%)")
    for index, (label, values) in enumerate(bounds):
        label, p_lower = plotly(label), np.asarray(values, np.float64)
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
        inputs: Positions of the inputs in their data set, (inputs,).
    """

    name: str
    label: str
    study: str
    values: NDArray[np.float64]
    inputs: NDArray[np.int64]


def bound_points(series: Sequence[Bounds]) -> pd.DataFrame:
    """The bound of each reported input, of every model and study in view."""
    return pd.concat(
        pd.DataFrame(
            {
                "model": one.label,
                "study": one.study,
                "input": one.inputs,
                "p_A lower bound": one.values,
            }
        )
        for one in series
    )


def p_lower_outlines(series: Sequence[Bounds], gamma: float) -> go.Figure:
    """Outlines of several distributions of bounds, as shares of the inputs."""
    figure = blank("lower bound on p<sub>A</sub> (probability)", "inputs (%)")
    studies = list(dict.fromkeys(one.study for one in series))
    colours = theme.model_colours(one.name for one in series)
    for one in series:
        label = plotly(one.label)
        counts, edges = np.histogram(one.values, EDGES)
        heights = 100 * counts / max(1, len(one.values))
        figure.add_scatter(
            x=np.repeat(edges, 2)[1:-1],
            y=np.repeat(heights, 2),
            mode="lines",
            name=label,
            line={
                "color": colours[one.name],
                "width": 2.5,
                "dash": _DASHES[studies.index(one.study) % len(_DASHES)],
            },
            hovertemplate=f"<b>{label}</b><br>%{{x:.2f}}<br>%{{y:.1f}}% of inputs<extra></extra>",
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
