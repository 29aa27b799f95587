"""What figures share: axes, legends, bands, marks. Colours and fonts follow the page's theme."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from irs_core.analysis.results import Interval
from ui.shared import theme

LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.09, "x": 0, "font": {"size": 14}}
MARGINS = {"l": 10, "r": 20, "t": 60, "b": 10}


def axis_style(title: str) -> dict[str, object]:
    """An axis with title and ticks in readable sizes, never cut."""
    return {
        "title": {"text": title, "font": {"size": 14}},
        "tickfont": {"size": 13},
        "automargin": True,
    }


def blank(x_title: str, y_title: str) -> go.Figure:
    """An empty figure with titled axes."""
    return go.Figure(
        layout={
            "height": 400,
            "margin": MARGINS,
            "legend": LEGEND,
            "bargap": 0.04,
            "xaxis": axis_style(x_title),
            "yaxis": axis_style(y_title),
        }
    )


def error_bars(intervals: Sequence[Interval], colour: str) -> dict[str, object]:
    """Error bars of means with intervals, for a scatter trace."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.high - one.value for one in intervals],
        "arrayminus": [one.value - one.low for one in intervals],
        "color": colour,
        "thickness": 1.5,
        "width": 4,
    }


def band(x: Sequence[float], intervals: Sequence[Interval], colour: str) -> dict[str, Any]:
    """A faint band between the ends of intervals, a scatter trace."""
    return {
        "type": "scatter",
        "x": [*x, *reversed(x)],
        "y": [one.high for one in intervals] + [one.low for one in reversed(intervals)],
        "fill": "toself",
        "fillcolor": theme.faded(colour, 0.12),
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def whole_ticks(figure: go.Figure, highest: int) -> None:
    """No ticks between whole counts."""
    if highest <= 5:
        figure.update_yaxes(dtick=1)


def add_mark(figure: go.Figure, at: float, text: str, side: str) -> None:
    """A labelled dashed line across a figure at one value."""
    figure.add_vline(
        x=at,
        line={"color": theme.MARK, "width": 2, "dash": "dash"},
        annotation={
            "text": text,
            "font": {"color": theme.MARK, "size": 14},
            "y": 1,
            "yanchor": "bottom",
            "xanchor": side,
        },
    )
