"""The controls that set a goal for the draws of compressed models."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import streamlit as st

from irs_core.spec.goal import Goal
from irs_core.spec.study import StudySpec
from ui.shared.glossary import HELP

Kind = Literal["none", "draws", "seconds", "acr", "loss"]
TITLES: Mapping[Kind, str] = {
    "none": "none: shares of n",
    "draws": "a number of draws",
    "seconds": "a time",
    "acr": "an ACR",
    "loss": "a bound on the loss",
}


def pick_goal() -> Goal | None:
    """What compressed models are to reach; None where the form names n_p itself."""
    kind: Kind = st.segmented_control(
        "Goal for the compressed models",
        list(TITLES),
        default="none",
        required=True,
        format_func=TITLES.__getitem__,
        key="form_goal",
        bind="query-params",
        help=HELP["goal"],
    )
    return None if kind == "none" else _PICKERS[kind]()


def goal_values(spec: StudySpec) -> dict[str, Any]:
    """Session values that show a study's goal in the form; a budget has become its n_p."""
    if spec.max_loss is not None:
        return {"form_goal": "loss", "form_goal_loss": spec.max_loss}
    return {"form_goal": "none"}


def _draws() -> Goal:
    return Goal(
        draws=int(
            _number(
                "B, draws on each compressed model, all inputs together",
                "form_goal_draws",
                20_000,
                1000,
                "The pilot is part of it. Draws of the original are not.",
            )
        )
    )


def _seconds() -> Goal:
    return Goal(
        seconds=_number(
            "T, seconds on each compressed model",
            "form_goal_seconds",
            60.0,
            10.0,
            "Approximate: draws are counted at the rate that the pilot measures.",
        )
    )


def _acr() -> Goal:
    return Goal(
        acr=_number(
            "ACR to reach",
            "form_goal_acr",
            0.3,
            0.05,
            f"{HELP['acr']} The fewest draws that are expected to reach it.",
        )
    )


def _loss() -> Goal:
    return Goal(
        loss=_number(
            "U, radius that an input may lose",
            "form_goal_loss",
            0.1,
            0.05,
            "Against certifying the compressed model from scratch with n draws, in pixel units. "
            "Each input gets the fewest draws that are expected to lose no more.",
        )
    )


_PICKERS: Mapping[Kind, Callable[[], Goal]] = {
    "draws": _draws,
    "seconds": _seconds,
    "acr": _acr,
    "loss": _loss,
}


def _number(label: str, key: str, value: float, step: float, text: str) -> float:
    """A number; whole where `value` and `step` are."""
    return st.number_input(label, value=value, step=step, key=key, bind="query-params", help=text)
