"""How many draws a wish needs, and what a number of draws can reach."""

import streamlit as st

from ui.explore import certified, plan_controls, planning
from ui.shared import figures, navigation, theme
from ui.shared.glossary import HELP
from ui.shared.once import once

navigation.head(
    "sample_sizes",
    "More draws give tighter bounds, and radii grow slowly with them. What does a radius cost, and "
    "what is the most that a number of draws can prove?",
    ("n", "n_p", "p_lower", "radius", "sigma", "alpha", "alpha_zeta", "zeta"),
)

st.header("What n do I need for radius r?", anchor=False)
wish = plan_controls.radius_wish()
st.markdown(plan_controls.radius_answer(wish))
for place, (label, value, explanation) in zip(
    st.columns(3), plan_controls.limits(wish), strict=True
):
    place.metric(label, value, border=True, help=explanation)
plans = certified.radius_plans(wish.p, wish.sigma, wish.alpha)
figures.show(
    once(planning.against_radius, plans, wish.p, wish.radius),
    "draws-for-radius",
    once(planning.radius_frame, plans),
    alt="Draws needed against the radius wanted, for several probabilities of the top class",
    note=f"σ = {wish.sigma:g} · α = {wish.alpha:g}, one-sided Clopper-Pearson · computed, nothing "
    "is drawn. Curves end where no number of draws suffices, or above 10 million.",
)

st.header("How wide is an interval after n draws?", anchor=False)
width = plan_controls.width_wish()
sizes = certified.width_plans(width.error, width.alpha)
st.markdown(plan_controls.width_answer(width))
figures.show(
    once(planning.against_share, sizes, width.p),
    "draws-for-width",
    once(planning.share_frame, sizes),
    alt="Draws needed for an interval of the chosen width, against p, for three intervals",
    note=f"Interval upper - lower at most {width.error:g} · each side at α = {width.alpha:g} · "
    "computed, nothing is drawn. Only Clopper-Pearson never falls short of its confidence; "
    "Wilson and Agresti-Coull are close to it on average.",
)

st.header("How small can ζ get?", help=HELP["floor"], anchor=False)
st.markdown(plan_controls.floor_answer(), help=HELP["zeta"])
st.caption(theme.FORMULA_NOTE)
