"""The button that gives a study as a file."""

import streamlit as st

from irs_core.spec.study import StudySpec
from irs_core.spec.study_file import study_text


def study_as_file(spec: StudySpec, key: str) -> None:
    """Offer the file that `./irs certify` takes."""
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
