"""What figures share: axes, legends, bands, marks. Colours and fonts follow the page's theme."""

from collections.abc import Sequence

import plotly.graph_objects as go

from irs_core.analysis.results import Interval
from irs_core.report.drawing import blank_layout, mark


def blank(x_title: str, y_title: str) -> go.Figure:
    """An empty figure with titled axes."""
    return go.Figure(layout=blank_layout(x_title, y_title))


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


def add_mark(figure: go.Figure, at: float, text: str, side: str) -> None:
    """A labelled dashed line across a figure at one value."""
    line, label = mark(at, text, side)
    figure.add_shape(line)
    figure.add_annotation(label)
