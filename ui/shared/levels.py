"""Confidence levels, gamma and the kind of radii, chosen for stored draws."""

from collections.abc import Sequence

import streamlit as st

from irs_core.analysis.sweep import sweep_gammas
from irs_core.spec.convention import COLUMN, CONVENTIONS, TWO_SIDED
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from ui.shared import readers
from ui.shared.glossary import HELP

_LEVELS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


def start_from(spec: StudySpec) -> None:
    """Put the widgets at a study's own settings."""
    st.session_state["alpha"] = spec.alpha
    st.session_state["alpha_zeta"] = spec.alpha_zeta
    st.session_state["gamma"] = spec.gamma
    st.session_state[COLUMN] = spec.convention


def settings(spec: StudySpec) -> Settings:
    """Confidence levels and gamma, applied to the stored draws.

    Somebody who decides is not asked for them, but sees them once a link or a slider moved one.
    """
    own = {
        "alpha": spec.alpha,
        "alpha_zeta": spec.alpha_zeta,
        "gamma": spec.gamma,
        COLUMN: spec.convention,
    }
    moved = any(
        one in st.query_params or st.session_state.get(one, own[one]) != own[one] for one in own
    )
    if readers.current() == "stakeholder" and not moved:
        return Settings.of(spec)
    gammas = gamma_options(spec.gamma)
    label = "Settings"
    if moved or readers.current() == "researcher":
        label = (
            f"γ = {_current('gamma', gammas, spec.gamma):g}, "
            f"α = {_current('alpha', options(spec.alpha), spec.alpha):g}"
        )
    radii = st.session_state.get(COLUMN) or st.query_params.get(COLUMN, spec.convention)
    if radii == TWO_SIDED:
        label = f"{label}, two-sided radii"
    with st.popover(label, icon=":material/tune:", key="settings"):
        st.caption(
            "They are applied to the stored draws: nothing is drawn again. The study itself ran "
            f"with α = {spec.alpha:g}, $α_ζ$ = {spec.alpha_zeta:g} and γ = {spec.gamma:g}."
        )
        gamma = st.select_slider(
            "γ, threshold on $p_A$",
            gammas,
            value=spec.gamma,
            format_func=lambda one: f"{one:g}",
            key="gamma",
            bind="query-params",
            help=HELP["gamma"],
        )
        alpha = _level("α, for $p_A$", "alpha", spec.alpha)
        alpha_zeta = _level("$α_ζ$, for ζ", "alpha_zeta", spec.alpha_zeta)
        convention = st.radio(
            "Radii",
            CONVENTIONS,
            index=CONVENTIONS.index(spec.convention),
            horizontal=True,
            key=COLUMN,
            bind="query-params",
            help=HELP[COLUMN],
        )
    return Settings(alpha, alpha_zeta, gamma, convention)


def _current(key: str, options: Sequence[float], default: float) -> float:
    """A slider's value before it is drawn; when a link is opened only the address has it."""
    asked = {f"{one:g}": one for one in options}.get(st.query_params.get(key, ""), default)
    return float(st.session_state.get(key, asked))


def gamma_options(own: float) -> list[float]:
    """Thresholds to choose from, with a study's own among them."""
    return [float(one) for one in sweep_gammas(own)]


def options(own: float) -> list[float]:
    """Confidence levels to choose from, with a study's own among them."""
    return sorted({*_LEVELS, own})


def _level(label: str, key: str, value: float) -> float:
    return float(
        st.select_slider(
            label,
            options(value),
            value=value,
            format_func=lambda one: f"{one:g}",
            key=key,
            bind="query-params",
            help=HELP[key],
        )
    )
