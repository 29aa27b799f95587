"""Figures and tables of the sample-size planner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from irs_core.spec.outward import down
from irs_core.stats import (
    INTERVAL_METHODS,
    IntervalMethod,
    samples_for_error,
    samples_for_radius,
)
from ui.shared import theme
from ui.shared.drawing import add_mark, blank

METHOD_TITLES: Mapping[IntervalMethod, str] = {
    "clopper-pearson": "Clopper-Pearson (exact)",
    "wilson": "Wilson",
    "agresti-coull": "Agresti-Coull",
}
_METHOD_DASHES = ("solid", "dash", "dot")
_SHARES = (1.0, 0.999, 0.99, 0.95, 0.9)


@dataclass(frozen=True)
class RadiusPlan:
    """Draws that a radius needs, for one supposed p_A; NaN where no number suffices."""

    p: float
    radii: NDArray[np.float64]
    draws: NDArray[np.float64]


@dataclass(frozen=True)
class WidthPlan:
    """Draws after which an interval is narrow enough, over the supposed p."""

    method: IntervalMethod
    p: NDArray[np.float64]
    draws: NDArray[np.int64]


def radius_plans(p: float, sigma: float, alpha: float) -> list[RadiusPlan]:
    """Draws against radius for a supposed p_A, and for round values of it."""
    radii = np.linspace(0.0, 4 * sigma, 61)
    return [
        RadiusPlan(share, radii, np.array([_draws(r, share, sigma, alpha) for r in radii]))
        for share in sorted({p, *_SHARES}, reverse=True)
    ]


def width_plans(error: float, alpha: float, *, least_p: float = 0.5) -> list[WidthPlan]:
    """Draws against p, from the least one to 1 in percents, for each interval, at one width."""
    p = np.round(np.linspace(least_p, 1.0, 1 + round(100 * (1 - least_p))), 4)
    return [
        WidthPlan(method, p, samples_for_error(method, p, error, alpha))
        for method in INTERVAL_METHODS
    ]


def against_radius(plans: Sequence[RadiusPlan], p: float, radius: float) -> go.Figure:
    """Draws against radius, the supposed p_A strong, the others faint."""
    figure = blank("certified radius wanted (pixel units)", "draws n (log scale)")
    for plan in plans:
        chosen = plan.p == p
        label = "every draw agrees" if plan.p == 1 else f"p<sub>A</sub> = {plan.p:g}"
        figure.add_scatter(
            x=plan.radii,
            y=plan.draws,
            mode="lines",
            name=label,
            line={
                "color": theme.PALETTE[0] if chosen else theme.NEUTRAL,
                "width": 3 if chosen else 1.5,
                "dash": "solid" if chosen else _dash(plan.p),
            },
            # Its draws certify a smaller radius too.
            customdata=[down(radius) for radius in plan.radii],
            hovertemplate=f"{label}<br>r = %{{customdata}}<br>n = %{{y:,.0f}}<extra></extra>",
        )
    figure.update_yaxes(type="log", dtick=1)
    add_mark(figure, radius, f"r = {radius:g}", "right")
    return figure


def against_share(plans: Sequence[WidthPlan], p: float) -> go.Figure:
    """Draws against p for each interval."""
    figure = blank("success probability p", "draws n")
    for index, plan in enumerate(plans):
        title = METHOD_TITLES[plan.method]
        figure.add_scatter(
            x=plan.p,
            y=plan.draws,
            mode="lines",
            name=title,
            line={
                "color": theme.PALETTE[index],
                "width": 2.5,
                "dash": _METHOD_DASHES[index],
            },
            hovertemplate=f"{title}<br>p = %{{x:.2f}}<br>n = %{{y:,}}<extra></extra>",
        )
    add_mark(figure, p, f"p = {p:g}", "right")
    figure.update_yaxes(rangemode="tozero")
    return figure


def against_error(plans: Sequence[tuple[float, WidthPlan]]) -> go.Figure:
    """Draws against p for several target errors (colour) and intervals (dashes)."""
    figure = blank("success probability p", "draws n")
    errors = list(dict.fromkeys(error for error, _ in plans))
    methods = list(dict.fromkeys(one.method for _, one in plans))
    for error, plan in plans:
        title = f"{METHOD_TITLES[plan.method]}, error {error:.2%}"
        figure.add_scatter(
            x=plan.p,
            y=plan.draws,
            mode="lines",
            name=title,
            line={
                "color": theme.PALETTE[errors.index(error)],
                "width": 2.5,
                "dash": _METHOD_DASHES[methods.index(plan.method)],
            },
            hovertemplate=f"{title}<br>p = %{{x:.2f}}<br>n = %{{y:,}}<extra></extra>",
        )
    return figure


def radius_frame(plans: Sequence[RadiusPlan]) -> pd.DataFrame:
    """The numbers of `against_radius`."""
    return pd.concat(
        pd.DataFrame({"p_A": one.p, "radius": one.radii, "draws": one.draws}) for one in plans
    )


def share_frame(plans: Sequence[WidthPlan]) -> pd.DataFrame:
    """The numbers of `against_share`."""
    return pd.concat(
        pd.DataFrame({"interval": one.method, "p": one.p, "draws": one.draws}) for one in plans
    )


def _draws(radius: float, p: float, sigma: float, alpha: float) -> float:
    found = samples_for_radius(float(radius), p=p, sigma=sigma, alpha=alpha)
    # What takes longer than any study does would flatten the figure.
    return float("nan") if found is None or found > 10_000_000 else float(found)


def _dash(p: float) -> str:
    dashes = ("longdash", "dash", "dashdot", "dot", "dot")
    return dashes[_SHARES.index(p)] if p in _SHARES else "dash"
