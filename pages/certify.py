"""Describe a study, see what it costs and promises, start it."""

import streamlit as st

from ui import controls, goal_outlook, launch, navigation, study_form

navigation.head(
    "Certify",
    "Certify a model once, and its compressed versions from what that left behind. The values "
    "below make a study of handwritten digits that takes well under a minute.",
    ("sigma", "n0", "n", "n_p", "alpha", "alpha_zeta", "zeta", "gamma", "acr", "irs", "rs"),
)

with controls.explained():
    spec, goal = study_form.read_form()
    with st.container(border=True):
        st.subheader("5 · What it takes and what it gives")
        options = launch.pick_backend()
        if goal is not None:
            spec = goal_outlook.predicted(spec, goal, options)
        launch.describe_launch(spec)
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="start"):
            launch.show_started(launch.start(spec, options))
