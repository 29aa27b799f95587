"""Figures of a study in Plotly's own JSON form, so that nothing here imports Plotly."""

import math
from typing import Any

from irs_core import methods, metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.colours import model_colours
from irs_core.analysis.results import Interval
from irs_core.report.tables import accuracy_radii, certified
from irs_core.report.waterfall import study_waterfall
from irs_core.spec import outward
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.outward import down, up
from irs_core.store import StudyRecord
from irs_core.text import plotly

Figure = dict[str, Any]


def study_figures(record: StudyRecord, analysis: Analysis) -> list[Figure]:
    """Certified accuracy over the radius, what fewer draws and compression cost where draws are
    paired, and ACR against time where there is a baseline."""
    figures = [accuracy_figure(record, analysis)]
    steps = study_waterfall(record, analysis)
    if steps is not None:
        figures.append(steps)
    if record.compressed and all(analysis.has_baseline(one.name) for one in record.compressed):
        figures.append(time_figure(record, analysis))
    return figures


def accuracy_figure(record: StudyRecord, analysis: Analysis) -> Figure:
    """Certified accuracy of each classifier over the L2 radius."""
    radii = accuracy_radii(record, analysis)
    colours = model_colours(model.name for model in record.models)
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": plotly(title),
            "x": radii.tolist(),
            "y": shares,
            "customdata": [outward.percent(share, 1, "counted") for share in shares],
            "hovertemplate": "r = %{x:.4f}<br>%{customdata}% certified",
            "line": {"color": colours[name], "shape": "hv"},
        }
        for name, title, found in certified(record, analysis)
        for shares in [metrics.certified_accuracy(found, analysis.labels, radii).tolist()]
    ]
    radius = f"L2 radius (pixel units{_convention(analysis)})"
    return _figure("Certified accuracy", radius, "certified accuracy", traces)


def time_figure(record: StudyRecord, analysis: Analysis) -> Figure:
    """ACR of each compressed classifier against seconds, by every method that has draws."""
    traces = []
    colours = model_colours(model.name for model in record.models)
    for model in record.compressed:
        for method in analysis.methods(model.name):
            points = analysis.per_input(model.name, method).points
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": f"{plotly(model.title)}, {methods.get(method).title}",
                    "x": [_number(point.seconds) for point in points],
                    "y": [_number(point.acr.value) for point in points],
                    "customdata": [[point.n_p, _acr(point.acr)] for point in points],
                    "hovertemplate": "n_p = %{customdata[0]:,}<br>ACR %{customdata[1]}"
                    "<br>%{x:,.4~g} seconds",
                    "line": {"color": colours[model.name], "dash": methods.get(method).style.dash},
                    "marker": {"symbol": methods.get(method).style.symbol},
                }
            )
    acr = f"average certified radius (pixel units{_convention(analysis)})"
    return _figure("ACR against time", "seconds, all inputs", acr, traces)


def _convention(analysis: Analysis) -> str:
    """What an axis says of its radii; nothing of the field's own."""
    found = analysis.settings.convention
    return "" if found == ONE_SIDED else f", {found}"


def _figure(title: str, x: str, y: str, traces: list[dict[str, Any]]) -> Figure:
    return {
        "data": traces,
        "layout": {
            "title": {"text": title},
            "xaxis": {"title": {"text": x}, "rangemode": "tozero"},
            "yaxis": {"title": {"text": y}, "rangemode": "tozero"},
            "template": "none",
            "height": 460,
        },
    }


def _acr(acr: Interval) -> str:
    value, low, high = down(acr.value), down(acr.low), up(acr.high)
    return f"{value} [{low}, {high}]"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
