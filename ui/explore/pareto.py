"""The Overview's picture: ACR against what a model costs."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from irs_core.analysis.results import Interval
from irs_core.report.waterfall import ACR_TITLE
from irs_core.spec.cost import BATCHES
from irs_core.text import plotly
from ui.shared import theme
from ui.shared.choice import Axis, costs, dominated_by
from ui.shared.drawing import blank, error_bars
from ui.shared.entries import ModelRow

Floats = NDArray[np.float64]
# Of the axis, what a letter of a name takes in a narrow figure.
_LETTER_SHARE = 0.011
AXIS_NAMES: dict[Axis, str] = {
    "size": "size",
    "latency": "latency",
    "recertification": "recertification time",
}
AXIS_TITLES: dict[Axis, str] = {
    "size": "size of the weights (kB)",
    "latency": f"{BATCHES} (µs)",
    "recertification": "measured certification time, all inputs (s)",
}


def at_equal_draws(rows: Sequence[ModelRow], axis: Axis) -> bool:
    """Whether the picture compares all models at the same draws: what a model costs to run has
    nothing to do with how many draws certified it."""
    return axis != "recertification" and all(row.equal_acr is not None for row in rows)


def acrs(rows: Sequence[ModelRow], axis: Axis) -> list[Interval]:
    """The ACR that the picture shows of each model."""
    equal = at_equal_draws(rows, axis)
    return [row.equal_acr if equal and row.equal_acr else row.summary.acr for row in rows]


def pareto(rows: Sequence[ModelRow], axis: Axis) -> go.Figure:
    """ACR with its interval against a cost; dominated models faded, the others joined in steps."""
    # Short: on a phone an axis is as long as a few words.
    title = "ACR at equal draws (pixel units)" if at_equal_draws(rows, axis) else ACR_TITLE
    figure = blank(AXIS_TITLES[axis], title)
    cost, beaten = costs(rows, axis), dominated_by(rows, axis)
    shown = acrs(rows, axis)
    _frontier(figure, rows, cost, shown, beaten)
    for row, x, acr in zip(rows, cost, shown, strict=True):
        faint = row.name in beaten
        why = f"<br>dominated by {plotly(beaten[row.name].title)}" if faint else ""
        figure.add_scatter(
            x=[x],
            y=[acr.value],
            error_y=error_bars([acr], theme.faded(row.colour, 0.25 if faint else 0.7)),
            mode="markers",
            name=plotly(row.title),
            marker={
                "color": row.colour,
                "size": 14,
                "symbol": theme.model_symbol(row.name),
                "opacity": 0.4 if faint else 1,
            },
            hovertemplate=f"<b>{plotly(row.title)}</b><br>{AXIS_TITLES[axis]}: %{{x:,.4~g}}<br>"
            f"ACR {theme.interval(acr.value, acr.low, acr.high)}{why}<extra></extra>",
        )
    _name_best(figure, rows, cost, shown, beaten)
    figure.update_xaxes(rangemode="tozero")
    return figure


def _frontier(
    figure: go.Figure,
    rows: Sequence[ModelRow],
    cost: Floats,
    shown: Sequence[Interval],
    beaten: Mapping[str, ModelRow],
) -> None:
    best = sorted(
        (float(x), acr.value)
        for row, x, acr in zip(rows, cost, shown, strict=True)
        if row.name not in beaten and np.isfinite(x)
    )
    figure.add_scatter(
        x=[x for x, _ in best],
        y=[y for _, y in best],
        mode="lines",
        line={"shape": "hv", "color": theme.NEUTRAL, "width": 1.5, "dash": "dot"},
        name="not dominated",
        hoverinfo="skip",
        showlegend=False,
    )


def _name_best(
    figure: go.Figure,
    rows: Sequence[ModelRow],
    cost: Floats,
    shown: Sequence[Interval],
    beaten: Mapping[str, ModelRow],
) -> None:
    """Write the names of models that are not dominated beside their points, as far as there is
    room; the legend has all of them."""
    right = float(np.nanmax(cost, initial=0.0))
    taken: list[tuple[float, float]] = []
    for row, x, acr in sorted(zip(rows, cost, shown, strict=True), key=lambda one: one[1]):
        if row.name in beaten or not np.isfinite(x):
            continue
        far, width = x > 0.85 * right, _LETTER_SHARE * right * (2 + len(row.title))
        left = float(x) - width if far else float(x)
        if any(left < end and start < left + width for start, end in taken):
            continue
        taken.append((left, left + width))
        figure.add_annotation(
            x=float(x),
            y=acr.value,
            text=plotly(row.title),
            showarrow=False,
            xanchor="right" if far else "left",
            xshift=-12 if far else 12,
            yshift=-11,
            # In the theme's ink: a model's colour is for marks, and too pale for letters.
            font={"size": 13},
        )


def points(rows: Sequence[ModelRow], axis: Axis) -> pd.DataFrame:
    """The numbers of the picture, one model a row."""
    beaten, shown = dominated_by(rows, axis), acrs(rows, axis)
    name = "ACR at equal draws" if at_equal_draws(rows, axis) else "ACR"
    return pd.DataFrame(
        {
            "model": [row.title for row in rows],
            AXIS_TITLES[axis]: costs(rows, axis),
            name: [acr.value for acr in shown],
            "95% low": [acr.low for acr in shown],
            "95% high": [acr.high for acr in shown],
            "dominated by": [beaten[row.name].title if row.name in beaten else "" for row in rows],
        }
    )
