"""ACR against certification cost, from stored evidence only."""

import streamlit as st

from ui.explore import charts
from ui.explore.reasons import show_reasons
from ui.shared import (
    analyses,
    columns,
    figures,
    foresight,
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
    "acr_time",
    "How much certified radius does a second of certification buy? **RS** certifies from scratch, "
    "and so does **ISS**, with fewer draws for inputs that gain little. **IRS** and **CIRS** reuse "
    "the original's draws; CIRS also chooses a budget per input. Higher and further left is "
    "better.",
    ("acr", "irs", "rs", "n_p", "interval", "alpha", "alpha_zeta", "gamma"),
)

opened = opening.open_study()
names = pickers.pick_models(opened.record)
with st.container(horizontal=True, vertical_alignment="bottom"):
    cost = st.segmented_control(
        "Cost in",
        list(charts.COST_TITLES),
        default="seconds",
        required=True,
        key="cost",
        bind="query-params",
        help=f"{HELP['seconds']} {HELP['draws']}",
    )
    layout = st.segmented_control(
        "Models in",
        ["panels", "one figure"],
        default="panels",
        required=True,
        key="layout",
        bind="query-params",
        help="Panels compare a model with its baseline; one figure compares models and studies.",
    )
    scratch = layout == "one figure" and st.toggle(
        "From scratch as well", key="scratch", bind="query-params"
    )
others = (
    pickers.pick_other_studies(opened.record, all_at_first=False) if layout == "one figure" else []
)
if not names:
    alone = not opened.record.compressed
    st.info(pickers.ALONE if alone else "Choose at least one compressed model.")
    st.stop()

with refusals.explained():
    panels = analyses.panels(opened.study, opened.settings, names, others)
if layout == "panels":
    figure = once(charts.acr_against_cost, panels, cost)
else:
    figure = once(charts.acr_in_one, panels, cost, scratch=scratch)
figures.show(
    figure,
    "acr-time",
    once(tables.curve_table, panels),
    alt=f"Average certified radius against {cost}, incremental and from scratch. Speedups: "
    + tables.spoken_speedups(panels, cost),
    note=notes.notes((opened.study, *others), opened.settings),
)
if layout == "panels":
    st.caption(
        "Bands along the curves are 95% intervals over inputs. The grey band across is the "
        "range of ACR that RS and the quoted method both reach: the speedup compares their costs "
        "within it. RS runs "
        "at the level α + $α_ζ$, so that both claim the same confidence."
    )

if not any(panel.comparison.speedups for panel in panels):
    st.info(
        "This study has no baseline (RS), so there is no speedup to state. Its own methods are "
        "shown.",
        icon=":material/info:",
    )
st.header("Speedup", help=HELP["speedup"], anchor=False)
grid.table(
    once(tables.speedup_table, panels),
    f"speedup-{opened.record.id}",
    columns.speedups(),
    alt="Area speedup of every model in seconds and in draws",
)
with st.expander("All points"):
    grid.table(
        once(tables.curve_table, panels),
        f"curves-{opened.record.id}",
        columns.curves(),
        alt="Every point of the curves",
    )
show_reasons(opened, panels[0].name)
if layout == "panels":
    foresight.look_from(
        opened.study,
        opened.settings,
        ("acr_time", tuple(names), cost),
        lambda work: once(
            charts.acr_against_cost, analyses.panels(opened.study, work.settings, names), cost
        ),
    )
