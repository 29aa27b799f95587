"""The original against one compressed model at equal draws, as figures."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from irs_core.analysis.beyond_mean import hardness_rows
from irs_core.analysis.equal_draws import EqualDraws
from irs_core.analysis.side_by_side import accuracy_band, radius_grid
from irs_core.text import plotly
from ui.explore.distributions import EDGES
from ui.shared import theme
from ui.shared.drawing import blank

Floats = NDArray[np.float64]
# Name as Plotly takes it, certified radii, colour and dash of a model.
Series = tuple[str, Floats, str, str]
_BINS = 24


def accuracy(found: EqualDraws, title: str, colour: str) -> go.Figure:
    """Certified accuracy over the radius, with exact pointwise 95% bands."""
    return overlaid(_both(found.equal, found.compressed, title, colour))


def overlaid(series: Sequence[Series]) -> go.Figure:
    """Certified accuracy of several models over the radius, with exact pointwise 95% bands."""
    figure = blank("radius r, L2 norm (pixel units)", "certified accuracy (% of inputs)")
    grid = radius_grid(*(values for _, values, _, _ in series))
    for name, values, tone, dash in series:
        shares, low, high = accuracy_band(values, grid)
        _band(figure, grid, low, high, tone)
        figure.add_scatter(
            x=grid,
            y=100 * shares,
            mode="lines",
            name=name,
            line={"shape": "hv", "color": tone, "width": 2.5, "dash": dash},
            hovertemplate=f"<b>{name}</b><br>r = %{{x:.3f}}<br>%{{y:.1f}}% certified"
            "<extra></extra>",
        )
    figure.update_yaxes(range=[0, 103])
    figure.update_xaxes(rangemode="tozero")
    return figure


def radii(found: EqualDraws, title: str, colour: str) -> go.Figure:
    """How the certified radii are distributed; inputs with none stand at 0."""
    top = _top(found) or 1.0
    # A bin of its own for inputs that are wrong or not certified.
    positive = np.linspace(0, 1.0001 * top, _BINS + 1)[1:]
    edges = np.concatenate([[-positive[0], 1e-12], positive])
    figure = blank(
        "certified radius (pixel units); inputs without one stand left of 0", "inputs (%)"
    )
    _outlines(figure, _both(found.equal, found.compressed, title, colour), edges)
    return figure


def bounds(found: EqualDraws, title: str, colour: str) -> go.Figure:
    """How the lower bounds on p_A are distributed, above one half."""
    figure = blank("lower bound on p<sub>A</sub> (probability)", "inputs (%)")
    pair = found.original.p_lower, found.model.p_lower
    _outlines(figure, _both(*pair, title, colour), EDGES)
    figure.update_xaxes(range=[0.495, 1.005])
    return figure


def kinds(found: EqualDraws, title: str, colour: str) -> go.Figure:
    """What is gained and lost on hard and on easy inputs, and the mean change with its interval."""
    rows = hardness_rows(found)
    names = [f"{row['inputs are']}<br>{row['inputs']:,} inputs" for row in rows]
    figure = blank("inputs, by how sure the original is", "mean change of the radius")
    for key, sign, shade in (("mean gain", 1, 0.35), ("mean loss", -1, 0.0)):
        figure.add_bar(
            x=names,
            y=[sign * row[key] for row in rows],
            name=f"{plotly(title)}: {key.removeprefix('mean ')}",
            marker={"color": theme.shaded(colour, shade)},
            hovertemplate=f"{key} %{{y:.4f}}<extra></extra>",
        )
    change = [row["mean change"] for row in rows]
    figure.add_scatter(
        x=names,
        y=change,
        mode="markers",
        name="both together, 95% interval",
        marker={"color": theme.NEUTRAL, "symbol": "diamond", "size": 10},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [row["mean change high"] - row["mean change"] for row in rows],
            "arrayminus": [row["mean change"] - row["mean change low"] for row in rows],
            "color": theme.NEUTRAL,
        },
        hovertemplate="together %{y:.4f}<extra></extra>",
    )
    figure.update_layout(barmode="relative", bargap=0.4)
    return figure


def _both(original: Floats, compressed: Floats, title: str, colour: str) -> list[Series]:
    """Both models."""
    return [
        ("original", original, theme.NEUTRAL, "solid"),
        (plotly(title), compressed, colour, "dash"),
    ]


def _top(found: EqualDraws) -> float:
    return max(float(found.equal.max()), float(found.compressed.max()))


def _outlines(figure: go.Figure, series: Sequence[Series], edges: Floats) -> None:
    for name, values, tone, dash in series:
        heights = 100 * np.histogram(values, edges)[0] / len(values)
        figure.add_scatter(
            x=np.repeat(edges, 2)[1:-1],
            y=np.repeat(heights, 2),
            mode="lines",
            name=name,
            line={"color": tone, "width": 2.5, "dash": dash},
            hovertemplate=f"<b>{name}</b><br>%{{x:.2f}}<br>%{{y:.1f}}% of inputs<extra></extra>",
        )
    figure.update_yaxes(rangemode="tozero")


def _band(figure: go.Figure, x: Floats, low: Floats, high: Floats, tone: str) -> None:
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]),
        y=100 * np.concatenate([high, low[::-1]]),
        fill="toself",
        fillcolor=theme.faded(tone, 0.12),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
    )
