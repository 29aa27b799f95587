"""Widgets and sentences of the sample-size planner."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from irs_core.spec.outward import down, up
from irs_core.stats import (
    INTERVAL_METHODS,
    chance_of_radius,
    largest_certifiable_radius,
    least_n_to_certify,
    samples_for_error,
    samples_for_radius,
    zeta_floor,
)
from ui.explore.planning import METHOD_TITLES
from ui.shared import theme
from ui.shared.glossary import HELP

_LEVELS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05)


@dataclass(frozen=True)
class RadiusWish:
    """A radius, and what is supposed about the model."""

    radius: float
    p: float
    sigma: float
    alpha: float
    n: int


@dataclass(frozen=True)
class WidthWish:
    """A width of the interval on p."""

    error: float
    p: float
    alpha: float


def radius_wish() -> RadiusWish:
    """Radius, sigma, supposed p_A, alpha and n."""
    columns = st.columns(3)
    sigma = _number(columns[0], "σ, noise", 0.01, 5.0, 0.5, 0.05, "plan_sigma", HELP["sigma"])
    radius = _number(
        columns[1], "r, radius wanted", 0.0, 20.0, 0.5, 0.05, "plan_radius", HELP["radius"]
    )
    p = columns[2].select_slider(
        "$p_A$, supposed",
        [0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999, 0.9999, 1.0],
        value=0.95,
        key="plan_p",
        bind="query-params",
        help="How often the model answers with its top class under this noise. The page pA "
        "histogram shows it for a study.",
    )
    left, right = st.columns(2)
    alpha = _level(left, "α", "plan_alpha", HELP["alpha"])
    n = right.select_slider(
        "n, draws",
        [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 1_000_000],
        value=10_000,
        format_func=theme.count,
        key="plan_n",
        bind="query-params",
        help=HELP["n"],
    )
    return RadiusWish(radius, float(p), sigma, float(alpha), int(n))


def radius_answer(wish: RadiusWish) -> str:
    """What the radius needs, in Markdown."""
    need = samples_for_radius(wish.radius, p=wish.p, sigma=wish.sigma, alpha=wish.alpha)
    chance, least = chance_of_radius(
        wish.radius, n=wish.n, p=wish.p, sigma=wish.sigma, alpha=wish.alpha
    )
    if need is None:
        text = (
            f"**No number of draws certifies r = {wish.radius:g}** if exactly {100 * wish.p:g}% of "
            "them give the top class: its radius is smaller, however well it is known."
        )
    else:
        text = (
            f"A radius of {wish.radius:g} needs **n = {theme.count(need)}** draws if exactly "
            f"{100 * wish.p:g}% of them give the top class."
        )
    if least is None:
        return f"{text} With n = {theme.count(wish.n)} not even unanimous draws reach it."
    return (
        f"{text} With n = {theme.count(wish.n)} at least {theme.count(least)} must agree, which "
        f"happens with probability **{_chance(chance)}**."
    )


def limits(wish: RadiusWish) -> tuple[tuple[str, str, str], ...]:
    """Labels, values and explanations of what n and alpha allow at best."""
    largest = float(largest_certifiable_radius(wish.n, wish.alpha, wish.sigma))
    return (
        (
            "Least n that certifies anything",
            theme.count(least_n_to_certify(wish.alpha)),
            "With fewer draws even unanimous ones leave the bound at or below ½.",
        ),
        (
            f"Largest radius with n = {theme.count(wish.n)}",
            down(largest),
            "σ times the normal quantile of $α^{1/n}$: reached when every draw agrees.",
        ),
        (
            "With 10 times the draws",
            down(float(largest_certifiable_radius(10 * wish.n, wish.alpha, wish.sigma))),
            "Radii grow with the square root of the logarithm of n.",
        ),
    )


def width_wish() -> WidthWish:
    """Width, p and alpha."""
    columns = st.columns(3)
    error = columns[0].select_slider(
        "Width of the interval",
        [0.002, 0.005, 0.01, 0.02, 0.05, 0.1],
        value=0.01,
        key="plan_width",
        bind="query-params",
        help="Upper end minus lower end.",
    )
    p = columns[1].slider(
        "p, supposed",
        0.5,
        1.0,
        0.95,
        0.01,
        key="plan_share",
        bind="query-params",
        help="Intervals are widest, and draws most needed, at ½.",
    )
    alpha = _level(columns[2], "α of each side", "plan_side", HELP["alpha"])
    return WidthWish(float(error), float(p), float(alpha))


def width_answer(wish: WidthWish) -> str:
    """Draws of each interval, in Markdown."""
    needs = [
        f"**{theme.count(samples_for_error(method, wish.p, wish.error, wish.alpha))}** draws for "
        f"{METHOD_TITLES[method]}"
        for method in INTERVAL_METHODS
    ]
    return f"At p = {wish.p:g} a width of {wish.error:g} takes {theme.listing(needs)}."


def floor_answer() -> str:
    """The floor of zeta at a few budgets, in Markdown."""
    alpha = float(_level(st, "$α_ζ$", "plan_alpha_zeta", HELP["alpha_zeta"]))
    budgets = (100, 500, 1000, 5000, 10_000)
    floors = [
        f"**{up(float(zeta_floor(n_p, alpha)), 5)}** with {theme.count(n_p)}" for n_p in budgets
    ]
    return (
        f"When no draw disagrees, ζ is 1 - $α_ζ^{{1/n_p}}$: {theme.listing(floors)} draws. "
        "No compression, however faithful, pays less."
    )


def _chance(probability: float) -> str:
    """A probability in percent, not rounded to what never or always happens."""
    if probability > 0.999:
        return "more than 99.9%"
    if probability < 0.001:
        return "less than 0.1%"
    return theme.percent(probability)


def _number(
    place: Any, label: str, low: float, high: float, value: float, step: float, key: str, text: str
) -> float:
    return float(
        place.number_input(label, low, high, value, step, key=key, bind="query-params", help=text)
    )


def _level(place: Any, label: str, key: str, text: str) -> Any:
    return place.select_slider(
        label,
        _LEVELS,
        value=0.001,
        format_func=lambda one: f"{one:g}",
        key=key,
        bind="query-params",
        help=text,
    )
