"""A guided first tour of a study: one step per page, carried by the address."""

from dataclasses import dataclass

import streamlit as st

from ui.shared import page_list


@dataclass(frozen=True)
class Step:
    """What to look at on one page."""

    page: str
    text: str


STEPS = (
    Step(
        "overview",
        "The sentence and the three numbers are the result. In the picture each point is a model: "
        "higher is more robust, further left is cheaper. Faded points are beaten by another one "
        "in both respects.",
    ),
    Step(
        "acr_time",
        "Each panel compares certifying a compressed model from scratch (dashed) with reusing the "
        "original's certification (solid). The further the solid curve is to the left, the more "
        "time is saved at equal robustness.",
    ),
    Step(
        "zeta_table",
        "Why does it work? A compressed model rarely answers differently. ζ bounds how often; "
        "under IRS, the original's certificate shrinks by that much.",
    ),
    Step(
        "gamma_sweep",
        "Under IRS, one parameter is left to choose, γ. It is chosen on inputs that no reported "
        "number contains. Open the settings and move γ: nothing is drawn again.",
    ),
    Step(
        "certified_accuracy",
        "The share of inputs that are right and certified to stay right up to each radius: what a "
        "requirement like “90% within 0.25” is read from.",
    ),
    Step(
        "inputs",
        "The images behind the numbers. Choose those that a compression loses, and see the noisy "
        "copies, the votes and the reason.",
    ),
    Step(
        "certify",
        "That was the tour. The form below is filled in for a study of your own that takes less "
        "than a minute.",
    ),
)


def offer(study: str) -> None:
    """A link that begins the tour, where it is not under way."""
    if "tour" not in st.query_params:
        st.page_link(
            _script(STEPS[0]),
            label="New here? Take the tour",
            icon=":material/tour:",
            query_params={"study": study, "tour": "1"},
        )


def show() -> None:
    """The current step, with the way to the next one."""
    step = st.query_params.get("tour", "")
    if not step.isdecimal() or not 1 <= int(step) <= len(STEPS):
        return
    number = int(step)
    with st.container(border=True, key="tour"):
        st.markdown(f"**Tour, {number} of {len(STEPS)}.** {STEPS[number - 1].text}")
        with st.container(horizontal=True):
            if number < len(STEPS):
                _link(
                    f"Next: {page_list.title(STEPS[number].page)}",
                    number + 1,
                    ":material/arrow_forward:",
                )
            if number > 1:
                _link("Back", number - 1, ":material/arrow_back:")
            _leave(STEPS[number - 1])


def _link(label: str, number: int, icon: str) -> None:
    st.page_link(
        _script(STEPS[number - 1]),
        label=label,
        icon=icon,
        query_params={**_study(), "tour": str(number)},
    )


def _leave(step: Step) -> None:
    st.page_link(
        _script(step), label="End the tour", icon=":material/close:", query_params=_study()
    )


def _script(step: Step) -> str:
    return f"pages/{step.page}.py"


def _study() -> dict[str, str]:
    study = st.query_params.get("study") or st.session_state.get("study_seen", "")
    return {"study": study} if study else {}
