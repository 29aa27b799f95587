"""Plotly figures as pure functions of plain data. Colours and fonts follow the page's theme."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from irs_core.study.analysis import Interval, Point
from ui import theme
from ui.views import Budgets, ModelRow, Panel, Sweep

Cost = Literal["seconds", "draws"]
COST_TITLES: dict[Cost, str] = {
    "seconds": "certification time, all inputs (s)",
    "draws": "forward passes, all inputs (draws)",
}
IRS, RS = "IRS, incremental (in the colour of the model)", "RS, from scratch"
ACR_TITLE = "average certified radius (pixel units)"
_LEGEND = {"orientation": "h", "yanchor": "bottom", "y": 1.09, "x": 0, "font": {"size": 14}}
_MARGINS = {"l": 10, "r": 20, "t": 60, "b": 10}


def acr_against_size(rows: Sequence[ModelRow]) -> go.Figure:
    """ACR with its interval against the size of the weights, one point per classifier."""
    figure = _figure("size of the weights (kB)", ACR_TITLE)
    for row in rows:
        acr = row.summary.acr
        figure.add_scatter(
            x=[row.size_bytes / 1000],
            y=[acr.value],
            error_y=_error([acr], row.colour),
            mode="markers",
            name=row.title,
            marker={
                "color": row.colour,
                "size": 13,
                "symbol": "diamond" if row.is_base else "circle",
            },
            hovertemplate=f"<b>{row.title}</b><br>%{{x:,.1f}} kB<br>"
            f"ACR {theme.interval(acr.value, acr.low, acr.high)}<extra></extra>",
        )
    figure.update_xaxes(rangemode="tozero")
    return figure


def acr_against_draws(models: Sequence[Budgets], base: Interval) -> go.Figure:
    """ACR of every compressed model against its draws per input, with the original's level."""
    figure = _figure("draws per input of the compressed model, n<sub>p</sub>", ACR_TITLE)
    for model in models:
        budgets = [point.n_p for point in model.points]
        _band(figure, budgets, [point.acr for point in model.points], model.colour)
        figure.add_scatter(
            x=budgets,
            y=[point.acr.value for point in model.points],
            mode="lines+markers",
            name=model.title,
            line={"color": model.colour, "width": 2.5},
            hovertemplate=f"<b>{model.title}</b><br>n<sub>p</sub> %{{x:,}}<br>ACR %{{y:.3f}}"
            "<extra></extra>",
        )
    figure.add_hline(y=base.value, line={"color": theme.NEUTRAL, "dash": "dot", "width": 2})
    # A line's own legend entry, which add_hline has not.
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="lines",
        name="original, all n draws",
        line={"color": theme.NEUTRAL, "dash": "dot", "width": 2},
    )
    figure.update_xaxes(rangemode="tozero")
    return figure


def acr_against_cost(panels: Sequence[Panel], cost: Cost) -> go.Figure:
    """Small multiples: ACR of IRS and RS against cost, the common range of ACR shaded."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes="all",
        subplot_titles=[_panel_title(panel, cost) for panel in panels],
        vertical_spacing=0.34 / rows if rows > 1 else 0.1,
        horizontal_spacing=0.06,
    )
    for index, panel in enumerate(panels):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        _curve(figure, panel.comparison.irs, cost, panel.colour, IRS, place)
        _curve(figure, panel.comparison.rs, cost, theme.NEUTRAL, RS, place)
        _shade_common(figure, panel, place)
        figure.update_yaxes(title=ACR_TITLE if place["col"] == 1 else None, **place)
        figure.update_xaxes(title=COST_TITLES[cost], rangemode="tozero", **place)
    _seen_once(figure)
    _legible(figure)
    figure.update_layout(
        height=100 + 370 * rows,
        margin={**_MARGINS, "t": 90},
        legend={**_LEGEND, "y": 1 + 38 / (370 * rows)},
    )
    return figure


def zeta_histogram(values: ArrayLike, floor: float, colour: str) -> go.Figure:
    """How many inputs have which zeta, with the floor marked."""
    zeta = np.asarray(values, np.float64)
    top = max(float(zeta.max(initial=0.0)), 1.5 * floor)
    edges = np.linspace(0, top * 1.02, 31)
    figure = _figure("ζ, upper bound on P(different answers)", "inputs (count)")
    _bars(figure, zeta, edges, colour, "inputs")
    _mark(figure, floor, f"floor {floor:.4f}", "left")
    figure.update_layout(showlegend=False)
    _whole_ticks(figure, int(np.histogram(zeta, edges)[0].max()))
    return figure


def p_lower_histogram(values: ArrayLike, gamma: float) -> go.Figure:
    """How many inputs have which lower bound on p_A, split at gamma."""
    bounds = np.asarray(values, np.float64)
    shown = bounds[bounds > 0.5]
    edges = np.linspace(0.5, 1.0, 26)
    figure = _figure("p<sub>A</sub>, lower bound of the original (probability)", "inputs (count)")
    below, above = theme.PALETTE[0], theme.PALETTE[1]
    _bars(figure, shown[shown < gamma], edges, below, "below γ: reuses the original's draws")
    _bars(figure, shown[shown >= gamma], edges, above, "at or above γ: fresh draws")
    _whole_ticks(figure, int(np.histogram(shown, edges)[0].max()))
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    _mark(figure, gamma, f"γ = {gamma:g}", "right")
    figure.update_xaxes(range=[0.495, 1.005])
    return figure


def p_lower_densities(bounds: Sequence[tuple[str, ArrayLike]]) -> go.Figure:
    """Share of inputs over the lower bound on p_A above 1/2, one line per label."""
    edges = np.linspace(0.5, 1.0, 26)
    figure = _figure("lower bound on p<sub>A</sub>", "inputs (%)")
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


def gamma_sweep(sweep: Sweep, study_gamma: float, colour: str) -> go.Figure:
    """ACR on held-out inputs against gamma; the value in use and the best one marked."""
    figure = _figure("γ, threshold on p<sub>A</sub> (probability)", f"held-out {ACR_TITLE}")
    gammas = [float(gamma) for gamma in sweep.gammas]
    _band(figure, gammas, sweep.acr, colour)
    figure.add_scatter(
        x=gammas,
        y=[one.value for one in sweep.acr],
        mode="lines+markers",
        name="ACR of IRS",
        line={"color": colour, "width": 2.5},
        hovertemplate="γ %{x:.4g}<br>ACR %{y:.3f}<extra></extra>",
    )
    best = sweep.best
    figure.add_scatter(
        x=[gammas[best]],
        y=[sweep.acr[best].value],
        mode="markers",
        name=f"best: γ = {gammas[best]:g}",
        marker={"symbol": "star", "size": 17, "color": theme.PALETTE[1]},
        hoverinfo="skip",
    )
    _mark(figure, study_gamma, f"in use: γ = {study_gamma:g}", "right")
    return figure


def _figure(x_title: str, y_title: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(height=400, margin=_MARGINS, legend=_LEGEND, bargap=0.04)
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title)
    _legible(figure)
    return figure


def _legible(figure: go.Figure) -> None:
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(automargin=True, title_font_size=14, tickfont_size=13)


def _error(intervals: Sequence[Interval], colour: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [one.high - one.value for one in intervals],
        "arrayminus": [one.value - one.low for one in intervals],
        "color": theme.faded(colour, 0.55),
        "thickness": 1.5,
        "width": 4,
    }


def _band(
    figure: go.Figure,
    x: Sequence[float],
    intervals: Sequence[Interval],
    colour: str,
    **place: int,
) -> None:
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[one.high for one in intervals] + [one.low for one in reversed(intervals)],
        fill="toself",
        fillcolor=theme.faded(colour, 0.12),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        **place,
    )


def _curve(
    figure: go.Figure,
    points: Sequence[Point],
    cost: Cost,
    colour: str,
    name: str,
    place: dict[str, int],
) -> None:
    incremental = name == IRS
    costs = [float(getattr(point, cost)) for point in points]
    _band(figure, costs, [point.acr for point in points], colour, **place)
    figure.add_scatter(
        x=costs,
        y=[point.acr.value for point in points],
        customdata=[[point.n_p, point.acr.low, point.acr.high] for point in points],
        mode="lines+markers",
        name=name,
        legendgroup=name,
        line={"color": colour, "width": 2.5, "dash": "solid" if incremental else "dash"},
        marker={"symbol": "circle" if incremental else "circle-open", "size": 8},
        hovertemplate=f"<b>{name[:3].strip(',')}</b>, n<sub>p</sub> = %{{customdata[0]:,}}<br>"
        "ACR %{y:.3f} [%{customdata[1]:.3f}, %{customdata[2]:.3f}]<br>"
        f"%{{x:,.4~g}} {cost}<extra></extra>",
        **place,
    )


def _shade_common(figure: go.Figure, panel: Panel, place: dict[str, int]) -> None:
    methods = (panel.comparison.irs, panel.comparison.rs)
    low = max(min(point.acr.value for point in points) for points in methods)
    high = min(max(point.acr.value for point in points) for points in methods)
    if low < high:
        figure.add_hrect(
            y0=low, y1=high, fillcolor=theme.faded(theme.NEUTRAL, 0.14), line_width=0, **place
        )


def _panel_title(panel: Panel, cost: Cost) -> str:
    speedup = getattr(panel.comparison, f"speedup_{cost}")
    return f"{panel.title} · speedup {theme.times(speedup)} ({cost})"


def _seen_once(figure: go.Figure) -> None:
    """Leave one legend entry per method."""
    seen = set[str]()
    for trace in figure.data:
        if trace.legendgroup is not None:
            trace.showlegend = trace.legendgroup not in seen
            seen.add(trace.legendgroup)


def _bars(
    figure: go.Figure,
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    edges: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    colour: str,
    name: str,
) -> None:
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


def _whole_ticks(figure: go.Figure, highest: int) -> None:
    """No ticks between whole counts."""
    if highest <= 5:
        figure.update_yaxes(dtick=1)


def _mark(figure: go.Figure, at: float, text: str, side: str) -> None:
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
