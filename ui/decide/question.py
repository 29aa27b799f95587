"""The question: a model and a requirement, chosen on top of the page; they live in the address."""

import math

import streamlit as st

from irs_core.analysis.decisions import preset_requirement
from irs_core.decide import Requirement
from irs_core.decide.words import required_words
from irs_core.errors import SpecError
from irs_core.store import BASE
from irs_core.text import markdown
from ui.decide import sequential
from ui.shared import library, page_list, pickers
from ui.shared.opening import Opened

_NAMES = {
    "of": "model",
    "at": "radius",
    "short": "tolerance",
    "except": "exceptions",
    "sure": "confidence",
}
_CONFIDENCES = (0.9, 0.95, 0.99, 0.995, 0.999)


def ask(opened: Opened) -> tuple[str, Requirement]:
    """What is asked; the page stops where the study has no compressed model."""
    titles = library.titles_of(opened.record)
    if not titles:
        st.info("This study certifies the original alone: there is no compressed model to judge.")
        sequential.show_runs(opened, BASE)
        page_list.link("certify", "Compress and certify")
        st.stop()
    preset = preset_requirement(opened.record.spec.noise.sigma)
    names = list(titles)
    first = names.index(pickers.preset(titles))
    columns = st.columns([3, 2, 2, 2, 2], vertical_alignment="bottom")
    name = columns[0].selectbox(
        "May this model replace the original?",
        names,
        index=first,
        format_func=titles.__getitem__,
        key="model",
        bind="query-params",
    )
    # Another study has another noise, and so another sensible radius.
    own = opened.record.id[:6]
    radius = columns[1].number_input(
        "Radius",
        min_value=0.001,
        value=preset.radius,
        step=0.05,
        format="%.3f",
        key=f"radius_{own}",
        bind="query-params",
        help="The largest disturbance that matters to you: an L2 norm in pixel units. Wherever the "
        "original withstands it, the compressed model has to withstand nearly as much.",
    )
    tolerance = columns[2].number_input(
        "Tolerance",
        min_value=0.0,
        max_value=float(radius),
        value=min(preset.tolerance, float(radius)),
        step=0.01,
        format="%.3f",
        key=f"tolerance_{own}",
        bind="query-params",
        help="How much less than the radius the compressed model may withstand, in the same unit. "
        "With 0, inputs on which the original itself is barely certified stay open.",
    )
    loss = columns[3].number_input(
        "Exceptions (%)",
        min_value=0.1,
        max_value=50.0,
        value=1.0,
        step=0.5,
        format="%.1f",
        key="exceptions",
        bind="query-params",
        help="The largest share of inputs on which it may fall short by more than the tolerance.",
    )
    confidence = columns[4].selectbox(
        "Confidence",
        _CONFIDENCES,
        index=_CONFIDENCES.index(0.99),
        format_func=lambda one: f"{100 * one:g}%",
        key="confidence",
        bind="query-params",
        help="How sure the answer has to be: a wrong Yes is at most as likely as what is left to "
        "100%, and so is a wrong No.",
    )
    requirement = Requirement(
        radius=float(radius),
        tolerance=float(tolerance),
        max_loss=round(float(loss) / 100, 6),
        confidence=confidence,
    )
    st.markdown(f"**Required:** {markdown(f'{titles[name]} {required_words(requirement)}')}.")
    return name, requirement


def linked(opened: Opened) -> tuple[str, Requirement]:
    """What the address asks, as `link_of` wrote it; presets for what it does not name.

    Raises:
        SpecError: A number makes no sense.
    """
    titles = library.titles_of(opened.record)
    if not titles:
        raise SpecError(
            "this study certifies the original alone, so there is nothing to present; the page "
            "Overview shows it"
        )
    # By position: names may be long, and those of others anything.
    at = _number("of", 1 + list(titles).index(pickers.preset(titles)))
    if at not in range(1, len(titles) + 1):
        raise SpecError(f"of= in the address must be 1 to {len(titles)}; got {at:g}")
    asked = list(titles)[int(at) - 1]
    preset = preset_requirement(opened.record.spec.noise.sigma)
    return asked, Requirement(
        radius=_number("at", preset.radius),
        tolerance=_number("short", preset.tolerance),
        max_loss=round(_number("except", 100 * (preset.max_loss or 0)) / 100, 6),
        confidence=round(_number("sure", 100 * preset.confidence) / 100, 6),
    )


def link_of(opened: Opened, name: str, requirement: Requirement) -> dict[str, str]:
    """Query parameters from which `linked` reads the same.

    They have names of their own: those of widgets leave the address with the page of the widgets.
    """
    assert requirement.max_loss is not None
    return {
        "study": opened.record.id,
        "of": str(1 + list(library.titles_of(opened.record)).index(name)),
        "at": f"{requirement.radius:g}",
        "short": f"{requirement.tolerance:g}",
        "except": f"{100 * requirement.max_loss:g}",
        "sure": f"{100 * requirement.confidence:.10g}",
    }


def _number(name: str, preset: float) -> float:
    text = st.query_params.get(name, f"{preset!r}")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise SpecError(f"{_NAMES[name]} ({name}=) must be a number; got {text!r:.80}")
    return value
