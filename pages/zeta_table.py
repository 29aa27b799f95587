"""How much compressed models differ from the original under noise."""

import streamlit as st

from ui import charts, columns, controls, loaders, navigation, tables
from ui.glossary import HELP

navigation.head(
    "How often compression changes the answer",
    "ζ bounds the probability that the original and the compressed model answer differently on a "
    "noisy copy of an input. The smaller it is, the more of the original's certificate survives.",
)

opened = controls.open_study()
with controls.explained():
    entries = loaders.zetas(opened.study, opened.settings)
controls.table(
    tables.zeta_table(entries),
    f"zeta-{opened.record.id}",
    columns.zetas(),
    alt="Mean zeta, disagreement and floor of every model at every budget",
)

st.subheader("Distribution over inputs", help=HELP["zeta"])
left, right = st.columns(2)
with left:
    name = controls.pick_model(opened.record)
with right:
    budget = controls.pick_budget(opened.record)
entry = next(
    one for one in entries if one.row.name == name and one.row.n_p == opened.record.spec.n_p[budget]
)
if not len(entry.row.values):
    st.info("No paired draws are stored: every input was certified with fresh draws.")
else:
    st.plotly_chart(
        charts.zeta_histogram(entry.row.values, float(entry.row.floor), entry.colour),
        key="zeta",
        alt=f"Histogram of zeta over inputs for {entry.title}",
    )
st.caption(
    "Inputs at the floor had no disagreement at all: only more draws can lower their ζ. "
    "Certificates use ζ where $p_A$ is below γ."
)
controls.caption(opened)
