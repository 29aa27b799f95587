"""Numbers from papers beside the same numbers measured with this program."""

import streamlit as st

from irs_core.papers import TABLES, find_table
from irs_core.text import markdown
from ui.explore import accountings, papers, peers, reproduction
from ui.shared import columns, figures, grid, navigation, refusals

navigation.head(
    "papers",
    "Does this program find what the papers report? Each published number stands beside its "
    "counterpart, computed from the studies that come along; where the two differ by more than "
    "the choice of images explains, a sentence says why.",
)

titles = {table.key: f"{table.place}: {table.title}" for table in TABLES}
left, right = st.columns([3, 1], vertical_alignment="bottom")
with left:
    key = st.selectbox(
        "Table",
        list(titles),
        index=list(titles).index("2"),
        format_func=titles.__getitem__,
        key="table",
        bind="query-params",
    )
with right:
    every = st.toggle(
        "All rows",
        key="every",
        bind="query-params",
        help="Also numbers that have no counterpart here, with the reason.",
    )
table = find_table(key)
with refusals.explained():
    rows = reproduction.paper_table(table)
shown = papers.paper_rows(rows, every=every)
st.markdown(papers.agreement(rows))
if meaning := accountings.explained(rows):
    st.markdown(meaning)
if any(row.measured for row in shown):
    figures.show(
        papers.published_and_measured(shown, table.unit),
        f"paper-{key}",
        papers.paper_table(shown),
        alt=f"Published and measured numbers of {table.place}",
    )
if shown:
    grid.table(
        papers.paper_table(shown),
        f"paper-table-{key}",
        columns.papers(),
        alt=f"{table.place} beside measured numbers",
    )
reasons = papers.notes(shown)
if reasons:
    st.header("Why they differ", anchor=False)
    st.markdown("\n".join(f"- {markdown(reason)}" for reason in reasons))
st.caption(
    f"{papers.citation(table)} Measured: 95% intervals over images, bootstrapped for means and "
    "exact for shares; a published number agrees where it lies in the interval, give "
    "or take its last printed digit."
)

st.header("Figures", anchor=False)
available = reproduction.paper_figures()
chosen = st.selectbox(
    "Figure",
    available,
    index=papers.first_figure(available),
    format_func=papers.figure_title,
    key="figure",
    bind="query-params",
)
with refusals.explained():
    view = reproduction.paper_figure(chosen)
figures.show(
    papers.figure(view),
    f"paper-figure-{chosen}",
    papers.figure_table(view),
    alt=papers.figure_title(chosen),
    note=papers.figure_caption(chosen, view),
)
if counted := papers.figure_accounting(chosen, view):
    st.caption(counted)
st.caption(papers.NO_COUNTERPART)

st.header("Ways to certify, on the same draws", anchor=False)
peers.show()
