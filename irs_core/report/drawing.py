"""What figures share: axes, legends, bands, marks, in Plotly's own JSON form."""

from collections.abc import Sequence
from typing import Any

from irs_core.analysis.colours import MARK, faded
from irs_core.analysis.results import Interval

Figure = dict[str, Any]
LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.09, "x": 0, "font": {"size": 14}}
MARGINS = {"l": 10, "r": 20, "t": 60, "b": 10}


def axis_style(title: str) -> dict[str, Any]:
    """An axis with title and ticks in readable sizes, never cut."""
    return {
        "title": {"text": title, "font": {"size": 14}},
        "tickfont": {"size": 13},
        "automargin": True,
    }


def blank_layout(x_title: str, y_title: str) -> dict[str, Any]:
    """The layout of a figure with titled axes."""
    return {
        "height": 400,
        "margin": MARGINS,
        "legend": LEGEND,
        "bargap": 0.04,
        "xaxis": axis_style(x_title),
        "yaxis": axis_style(y_title),
    }


def band(x: Sequence[float], intervals: Sequence[Interval], colour: str) -> dict[str, Any]:
    """A faint band between the ends of intervals, a scatter trace."""
    return {
        "type": "scatter",
        "x": [*x, *reversed(x)],
        "y": [one.high for one in intervals] + [one.low for one in reversed(intervals)],
        "fill": "toself",
        "fillcolor": faded(colour, 0.12),
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def mark(at: float, text: str, side: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A dashed line across a figure at one value, a shape, and its label, an annotation."""
    line = {
        "type": "line",
        "x0": at,
        "x1": at,
        "xref": "x",
        "y0": 0,
        "y1": 1,
        "yref": "y domain",
        "line": {"color": MARK, "width": 2, "dash": "dash"},
    }
    label = {
        "text": text,
        "font": {"color": MARK, "size": 14},
        "showarrow": False,
        "x": at,
        "xref": "x",
        "y": 1,
        "yref": "y domain",
        "yanchor": "bottom",
        "xanchor": side,
    }
    return line, label
