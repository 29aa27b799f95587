"""Plotly figures as pure functions of plain data. Colours and fonts follow the page's theme."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.results import Point
from irs_core.analysis.sweep import Sweep
from irs_core.methods import MethodDef
from irs_core.report import distributions
from irs_core.report.drawing import LEGEND, MARGINS, axis_style, band
from irs_core.report.waterfall import ACR_TITLE
from irs_core.text import plotly
from ui.shared import theme
from ui.shared.drawing import blank
from ui.shared.entries import Panel
from ui.shared.tables import speedups_text

Floats = NDArray[np.float64]
Cost = Literal["seconds", "draws"]
COST_TITLES: dict[Cost, str] = {
    "seconds": "certification time, all inputs (s)",
    "draws": "forward passes, all inputs (draws)",
}
_COST_WORDS: dict[Cost, str] = {"seconds": "time, all inputs (s)", "draws": "draws, all inputs"}
_BASELINE = methods.baseline()
_DASHES = ("solid", "dash", "dot", "dashdot")
# Between panels, as shares of the figure; down it is shared by the rows.
_GAP_ACROSS, _GAP_DOWN = 0.06, 0.34


def acr_in_one(panels: Sequence[Panel], cost: Cost, *, scratch: bool) -> go.Figure:
    """One curve per model, of the method that is quoted for it: marker by model, dashes by study.

    Args:
        scratch: Also draw the baseline, faint, in the colour of its model.
    """
    figure = blank(COST_TITLES[cost], ACR_TITLE)
    studies = list(dict.fromkeys(panel.study for panel in panels))
    for panel in panels:
        label = plotly(f"{panel.title}, {panel.study}" if len(studies) > 1 else panel.title)
        dash = _DASHES[studies.index(panel.study) % len(_DASHES)]
        quoted = panel.main
        if quoted is not None:
            _one_line(figure, panel, quoted, cost, f"{label}, {quoted.title}", dash)
        if scratch and quoted is not _BASELINE:
            text = f"{label}, {_BASELINE.title}"
            _one_line(figure, panel, _BASELINE, cost, text, _BASELINE.style.dash)
    figure.update_xaxes(rangemode="tozero")
    figure.update_layout(height=520)
    return figure


def _one_line(
    figure: go.Figure, panel: Panel, method: MethodDef, cost: Cost, label: str, dash: str
) -> None:
    points, faint = panel.comparison.points(method.name), method.baseline
    figure.add_scatter(
        x=[float(getattr(point, cost)) for point in points],
        y=[point.acr.value for point in points],
        customdata=[[point.n_p, _acr_text(point)] for point in points],
        mode="lines+markers",
        name=label,
        line={
            "color": theme.faded(panel.colour, 0.45) if faint else panel.colour,
            "width": 1.5 if faint else 2.5,
            "dash": dash,
        },
        marker={"symbol": theme.model_symbol(panel.name), "size": 6 if faint else 8},
        hovertemplate=_hover(label, cost),
    )


def _acr_text(point: Point) -> str:
    return theme.interval(point.acr.value, point.acr.low, point.acr.high)


def _hover(label: str, cost: Cost) -> str:
    return (
        f"<b>{label}</b>, n<sub>p</sub> = %{{customdata[0]:,}}<br>"
        "ACR %{customdata[1]}<br>"
        f"%{{x:,.4~g}} {cost}<extra></extra>"
    )


def acr_against_cost(panels: Sequence[Panel], cost: Cost) -> go.Figure:
    """Small multiples: ACR of every method against cost, the range that all reach shaded."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    traces, layout, titles = _keys(panels), dict[str, Any](), list[dict[str, object]]()
    seen = {"", *(one["legendgroup"] for one in traces)}
    for index, panel in enumerate(panels):
        row, column = divmod(index, columns)
        axis = str(index + 1) if index else ""
        across = _span(column, columns, _GAP_ACROSS)
        down = _span(rows - 1 - row, rows, _GAP_DOWN / rows)
        layout[f"xaxis{axis}"] = {
            # Named once below each column, in a word: on a phone titles would run into each other.
            **axis_style(_COST_WORDS[cost] if index + columns >= len(panels) else ""),
            "domain": across,
            "anchor": f"y{axis}",
            "rangemode": "tozero",
        }
        layout[f"yaxis{axis}"] = {
            **axis_style("" if column else ACR_TITLE),
            "domain": down,
            "anchor": f"x{axis}",
            "matches": "y" if index else None,
            "showticklabels": column == 0,
        }
        titles.append(_title_above(_panel_title(panel, cost), sum(across) / 2, down[1]))
        for trace in _curves(panel, cost):
            name = trace.get("legendgroup", "")
            shown = name not in seen
            seen.add(name)
            traces.append({**trace, "xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": shown})
    # All at once: adding traces, axes and shapes one by one takes Plotly twice the time.
    return go.Figure(
        traces,
        {
            **layout,
            "annotations": titles,
            "shapes": _common_ranges(panels),
            "height": 110 + 370 * rows,
            "margin": {**MARGINS, "t": 100},
            "legend": {**LEGEND, "y": 1 + 44 / (370 * rows)},
        },
    )


def _keys(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """The legend of panels in several colours: each method by its dash and marker.

    In the colour of the first panel a method would not be found in the others.
    """
    if len({panel.colour for panel in panels}) < 2:
        return []
    drawn = [
        method
        for method in methods.every()
        if any(panel.comparison.points(method.name) for panel in panels)
    ]
    return [
        _curve([], "seconds", _tones(theme.NEUTRAL)[method.style.tone], method)[1]
        | {"x": [None], "y": [None], "hoverinfo": "skip", "showlegend": True}
        for method in drawn
    ]


def _span(place: int, places: int, gap: float) -> list[float]:
    """Where one of several panels begins and ends, as shares of the figure."""
    size = (1 - gap * (places - 1)) / places
    return [place * (size + gap), place * (size + gap) + size]


def _title_above(text: str, x: float, y: float) -> dict[str, object]:
    return {
        "text": text,
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "center",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 13},
    }


def gamma_sweep(sweep: Sweep, study_gamma: float, colour: str) -> go.Figure:
    """ACR on held-out inputs against gamma; the value in use and the best one marked."""
    return go.Figure(distributions.gamma_sweep(sweep, study_gamma, colour))


def _curves(panel: Panel, cost: Cost) -> list[dict[str, Any]]:
    tones = _tones(panel.colour)
    return [
        trace
        for method in methods.every()
        if panel.comparison.points(method.name)
        for trace in _curve(
            panel.comparison.points(method.name), cost, tones[method.style.tone], method
        )
    ]


def _tones(model: str) -> dict[str, str]:
    return {"model": model, "neutral": theme.NEUTRAL, "mark": theme.MARK}


def _curve(
    points: Sequence[Point], cost: Cost, colour: str, method: MethodDef
) -> list[dict[str, Any]]:
    name = f"{method.title}, {method.phrase}"
    costs = [float(getattr(point, cost)) for point in points]
    line = {
        "type": "scatter",
        "x": costs,
        "y": [point.acr.value for point in points],
        "customdata": [[point.n_p, _acr_text(point)] for point in points],
        "mode": "lines+markers",
        "name": name,
        "legendgroup": name,
        "line": {"color": colour, "width": 2.5, "dash": method.style.dash},
        "marker": {"symbol": method.style.symbol, "size": 8},
        "hovertemplate": _hover(method.title, cost),
    }
    return [band(costs, [point.acr for point in points], colour), line]


def _common_ranges(panels: Sequence[Panel]) -> list[dict[str, object]]:
    """Bands over the range of ACR that the baseline and the quoted method both reach."""
    shapes: list[dict[str, object]] = []
    for index, panel in enumerate(panels):
        compared = [panel.comparison.points(_BASELINE.name)]
        if panel.main is not None:
            compared.append(panel.comparison.points(panel.main.name))
        if not all(compared):
            continue
        low = max(min(point.acr.value for point in points) for points in compared)
        high = min(max(point.acr.value for point in points) for points in compared)
        axis = str(index + 1) if index else ""
        if low < high:
            shapes.append(
                {
                    "type": "rect",
                    "xref": f"x{axis} domain",
                    "x0": 0,
                    "x1": 1,
                    "yref": f"y{axis}",
                    "y0": low,
                    "y1": high,
                    "fillcolor": theme.faded(theme.NEUTRAL, 0.14),
                    "line": {"width": 0},
                }
            )
    return shapes


def _panel_title(panel: Panel, cost: Cost) -> str:
    """The model, and below it the speedup of each method."""
    return f"{plotly(panel.title)}<br>{speedups_text(panel, cost)}"
