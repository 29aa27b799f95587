"""How sure the original, and its compressed versions, are of their answers under noise."""

import streamlit as st

from ui.explore import certified, distributions
from ui.shared import (
    columns,
    entries,
    figures,
    grid,
    navigation,
    notes,
    opening,
    pickers,
    refusals,
    tables,
    theme,
)
from ui.shared.glossary import HELP
from ui.shared.once import once

navigation.head(
    "pa_histogram",
    "$p_A$ is a lower bound on the probability that a model answers with its top class on a noisy "
    "copy of an input. Above ½ the input has a certified radius. Under IRS, inputs below γ reuse "
    "the original's draws and the others get fresh ones.",
    ("p_lower", "gamma", "zeta", "n", "alpha"),
)

opened = opening.open_study()
left, right = st.columns(2)
with left:
    names = pickers.pick_any_models(opened.record, first=1)
with right:
    others = pickers.pick_other_studies(opened.record, all_at_first=False)
if not names:
    st.info("Choose at least one model.", icon=":material/lightbulb:")
    st.stop()
with refusals.explained():
    base = opened.analysis.one_sided.base.p_lower
    series = certified.bounds(opened.study, others, opened.settings, names)
gamma = opened.settings.gamma
shares = entries.branch_shares(base, gamma)
metrics = st.columns(3)
metrics[0].metric(
    "At or above γ",
    theme.percent(shares.direct),
    border=True,
    help=f"Of the original. {HELP['gamma']}",
)
metrics[1].metric(
    "Between ½ and γ",
    theme.percent(shares.incremental),
    border=True,
    help=f"Of the original. Under IRS, these inputs reuse its draws and pay ζ. {HELP['zeta']}",
)
metrics[2].metric(
    "At most ½",
    theme.percent(shares.abstaining),
    border=True,
    help="The original abstains: no class can be certified for these inputs; they count as "
    "radius 0.",
)
alone = len(series) == 1 and series[0].name == opened.record.base.name
figures.show(
    once(distributions.p_lower_histogram, base, gamma)
    if alone
    else once(distributions.p_lower_outlines, series, gamma),
    "pa-histogram",
    once(tables.bounds_table, opened.record, base)
    if alone
    else once(distributions.bound_points, series),
    alt=f"Histogram of the lower bound on p_A with gamma marked; the original is at or above "
    f"gamma on {theme.percent(shares.direct)} of the inputs",
    note=notes.notes((opened.study, *others), opened.settings),
)
st.caption("Inputs on which a model abstains lie left of the picture and are not drawn.")
notes.name_main_method(opened)
grid.table(
    once(distributions.share_table, series, gamma),
    f"pa-{opened.record.id}",
    columns.shares(),
    alt="How the inputs of each model split at one half and at gamma",
)
