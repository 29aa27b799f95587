"""What a speedup is worth under the accountings of its paper and of this program; pure."""

from collections.abc import Sequence

import plotly.graph_objects as go

from irs_core.papers import ACCOUNTINGS, Row, meaning
from ui.shared import theme


def values(row: Row) -> dict[str, float]:
    """A number per column; none where the row is no speedup."""
    return {name: interval.value for name, interval in row.accountings.items()}


def explained(rows: Sequence[Row]) -> str:
    """What the accountings of a table mean and charge, in Markdown; empty without any."""
    said = meaning(rows)
    rules = "\n".join(f"- **{one.name}**, in draws: {one.rule}" for one in ACCOUNTINGS)
    return f"{said}\n\n{rules}" if said else ""


def add_marks(figure: go.Figure, rows: Sequence[Row], names: Sequence[str]) -> None:
    """A mark for each accounting of the rows that have some.

    Args:
        names: Where each row stands on the figure's vertical axis.
    """
    for color, accounting in zip(theme.PALETTE[2:], ACCOUNTINGS, strict=False):
        found = [
            (row.accountings[accounting.name].value, name)
            for row, name in zip(rows, names, strict=True)
            if accounting.name in row.accountings
        ]
        if not found:
            continue
        figure.add_scatter(
            x=[value for value, _ in found],
            y=[name for _, name in found],
            mode="markers",
            name=f"{accounting.name}, in draws",
            marker={"color": color, "size": 12, "symbol": "line-ns-open", "line_width": 3},
            customdata=[f"{value:.2f}" for value, _ in found],
            hovertemplate=f"%{{y}}<br>{accounting.name} %{{customdata}}<extra></extra>",
        )
