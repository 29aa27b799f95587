"""How sure the original is of its answers under noise."""

import streamlit as st

from ui import charts, columns, controls, loaders, navigation, tables, theme, views
from ui.glossary import HELP

navigation.head(
    "How sure the original is under noise",
    "$p_A$ is a lower bound on the probability that the original answers with its top class on a "
    "noisy copy of an input. Above ½ the input has a certified radius; at γ the incremental "
    "method changes its estimator.",
)

opened = controls.open_study()
with controls.explained():
    bounds = loaders.analysis(opened.study, opened.settings).cache.p_lower
shares = views.branch_shares(bounds, opened.settings.gamma)
metrics = st.columns(3)
metrics[0].metric(
    "At or above γ: fresh draws", theme.percent(shares.direct), border=True, help=HELP["gamma"]
)
metrics[1].metric(
    "Below γ: reuse and pay ζ", theme.percent(shares.incremental), border=True, help=HELP["zeta"]
)
metrics[2].metric(
    "Abstaining: $p_A$ at most ½",
    theme.percent(shares.abstaining),
    border=True,
    help="No class can be certified for these inputs; they count as radius 0.",
)
st.plotly_chart(
    charts.p_lower_histogram(bounds, opened.settings.gamma),
    key="pa",
    alt="Histogram of the lower bound on p_A with gamma marked",
)
st.caption("Abstaining inputs lie left of the picture and are not drawn.")
controls.table(
    tables.bounds_table(opened.record, bounds),
    f"pa-{opened.record.id}",
    columns.bounds(),
    alt="The lower bound on p_A of every reported input",
)
controls.caption(opened)
