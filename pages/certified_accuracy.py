"""Certified accuracy against radius, of models and studies, with envelopes over sigma."""

import streamlit as st

from ui.explore import certified, radii
from ui.shared import (
    columns,
    figures,
    foresight,
    grid,
    navigation,
    notes,
    opening,
    pickers,
    refusals,
)
from ui.shared.once import once

navigation.head(
    "certified_accuracy",
    "Which share of the inputs is answered right, and is certified to stay right under every "
    "change of the pixels up to r? A curve that stays high further to the right is more robust.",
    ("certified", "radius", "acr", "sigma", "p_lower", "alpha", "alpha_zeta"),
)

opened = opening.open_study()
left, right = st.columns(2)
with left:
    names = pickers.pick_any_models(opened.record)
with right:
    others = pickers.pick_other_studies(opened.record)
if not names:
    st.info("Choose at least one model.", icon=":material/lightbulb:")
    st.stop()
cuts = pickers.pick_radii(opened.record.spec.noise.sigma)
with refusals.explained():
    curves = certified.radius_curves(opened.study, others, opened.settings, names)
if others and st.toggle(
    "Envelope over σ",
    value=True,
    key="envelope",
    bind="query-params",
    help="At each radius the best of the studies in view. It describes a family of models: no "
    "single one reaches all of it.",
):
    curves = [*curves, *once(radii.envelopes, curves)]
figures.show(
    once(radii.against_radius, curves, cuts),
    "certified-accuracy",
    once(radii.curve_points, curves),
    alt="Certified accuracy against radius, one curve per model and study",
    note=notes.notes((opened.study, *others), opened.settings),
)
grid.table(
    once(radii.at_radii, curves, cuts),
    f"certified-{opened.record.id}",
    columns.certified(cuts),
    alt="Certified accuracy at the chosen radii and ACR of every curve",
)
st.caption(
    "Compressed models are certified incrementally at the largest $n_p$ of their study. Dotted "
    "lines mark the chosen radii; abstaining inputs count as not certified."
)
foresight.look_from(
    opened.study,
    opened.settings,
    ("certified_accuracy", tuple(one.record.id for one in others)),
    lambda work: certified.foresee((opened.study, *others), work),
)
