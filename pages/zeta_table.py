"""How much compressed models differ from the original under noise."""

import streamlit as st

from irs_core.text import markdown
from ui.explore import distributions
from ui.shared import (
    analyses,
    columns,
    figures,
    grid,
    navigation,
    notes,
    opening,
    pickers,
    refusals,
    tables,
)
from ui.shared.glossary import HELP
from ui.shared.once import once

navigation.head(
    "zeta_table",
    "ζ bounds the probability that the original and the compressed model answer differently on a "
    "noisy copy of an input. Under IRS, the smaller it is, the more of the original's certificate "
    "survives.",
    ("zeta", "n_p", "alpha_zeta", "p_lower", "gamma", "interval"),
)

opened = opening.open_study()
with refusals.explained():
    entries = analyses.zetas(opened.study, opened.settings)
left, right = st.columns(2)
with right:
    budget = pickers.pick_budget(opened.record)
with left:
    every = st.toggle(
        "All $n_p$ in the table",
        key="all_np",
        bind="query-params",
        help="Otherwise only the chosen number of draws.",
    )
n_p = opened.record.spec.n_p[budget]
shown = [one for one in entries if every or one.row.n_p == n_p]
picked = grid.table(
    once(tables.zeta_table, shown),
    f"zeta-{opened.record.id}",
    columns.zetas(),
    alt="Mean zeta, disagreement and floor of every model",
    selectable=True,
)

st.header("Distribution over inputs", help=HELP["zeta"], anchor=False)
if picked is not None and picked < len(shown):
    entry = shown[picked]
    title = markdown(entry.title)
    st.caption(f"The row that is selected in the table: {title}, $n_p$ = {entry.row.n_p:,}.")
else:
    name = pickers.pick_model(opened.record)
    entry = next(one for one in entries if one.row.name == name and one.row.n_p == n_p)
if not len(entry.row.values):
    st.info(
        f"ζ is counted on the first {n_p:,} draws of the original, answered by both models. No "
        f"input has all of them here: {notes.quoted_methods(opened)} drew others."
    )
else:
    figures.show(
        once(distributions.zeta_histogram, entry.row.values, float(entry.row.floor), entry.colour),
        "zeta-histogram",
        once(tables.zeta_values, entry),
        alt=f"Histogram of zeta over inputs for {entry.title}, its floor marked",
        note=notes.note(opened),
    )
st.caption(
    "Inputs at the floor had no disagreement at all: only more draws can lower their ζ. "
    "Under IRS, certificates use ζ where $p_A$ is below γ."
)
notes.name_main_method(opened)
