"""Describe a study, see what it costs and promises, start it."""

import streamlit as st

from irs_core.people import Action
from ui.certify import dry_run, goal_forecast, start, study_form
from ui.shared import launch, navigation, refusals, who
from ui.shared.study_file import study_as_file

navigation.head(
    "certify",
    "Certify the original once; compressed versions then reuse its draws. The form is filled in "
    "for a study of handwritten digits that takes less than a minute.",
    ("sigma", "n0", "n", "n_p", "alpha", "alpha_zeta", "zeta", "gamma", "acr", "irs", "rs"),
)

with refusals.explained():
    spec, goal = study_form.read_form()
    with st.container(border=True):
        st.header("5 · What it takes and what it gives")
        options = start.pick_backend()
        if goal is not None:
            spec = goal_forecast.predicted(spec, goal, options)
        start.describe_launch(spec, options)
        if who.button(
            "Start", Action.LAUNCH, type="primary", icon=":material/play_arrow:", key="start"
        ):
            launch.watch(launch.start(spec, options))
        dry_run.try_out(spec.model, spec.data, spec.noise.sigma, spec.compressions)
        study_as_file(spec, "study_file", goal)
