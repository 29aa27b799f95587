"""The button that gives a study as a file."""

import streamlit as st

from irs_core.spec.goal import Goal
from irs_core.spec.study import StudySpec
from irs_core.spec.study_file import study_text


def study_as_file(spec: StudySpec, key: str, goal: Goal | None = None) -> None:
    """Offer the file that `./irs certify` takes.

    Args:
        goal: What chose the study's draws; a second file then says it in their place.
    """
    st.download_button(
        "Study as a file",
        study_text(spec),
        f"{spec.id}.yaml",
        "application/yaml",
        key=key,
        icon=":material/description:",
        on_click="ignore",
        help="What is certified and how, as YAML to keep with your code; "
        "`./irs certify FILE` runs it.",
    )
    if goal is not None:
        st.download_button(
            "Goal as a file",
            study_text(spec, goal),
            f"{spec.id}-goal.yaml",
            "application/yaml",
            key=f"{key}_goal",
            icon=":material/flag:",
            on_click="ignore",
            help="The same with the goal in place of the draws: wherever `./irs certify FILE` runs "
            "it, a pilot chooses them anew.",
        )
