"""Describe a study, see what it costs and promises, start it."""

import streamlit as st

from ui import controls, launch, navigation, study_form

navigation.head(
    "Certify",
    "Certify a model once, and its compressed versions from what that left behind. The values "
    "below make a study of handwritten digits that takes well under a minute.",
)

with controls.explained():
    spec = study_form.read_form()
    with st.container(border=True):
        st.subheader("5 · What it takes and what it gives")
        launch.describe_launch(spec)
        options = launch.pick_backend()
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="start"):
            launch.show_started(launch.start(spec, options))
