"""ACR against certification cost, from stored evidence only."""

import streamlit as st

from ui import charts, columns, controls, loaders, navigation, tables
from ui.glossary import HELP

navigation.head(
    "ACR against certification time",
    "How much certified radius does a second of certification buy? **IRS** reuses what the "
    "original's certification left behind, **RS** starts from scratch. Further left and higher "
    "is better.",
)

opened = controls.open_study()
left, right = st.columns([3, 1])
with left:
    names = controls.pick_models(opened.record)
with right:
    cost = st.segmented_control(
        "Cost in",
        ["seconds", "draws"],
        default="seconds",
        required=True,
        key="cost",
        bind="query-params",
        help=f"{HELP['seconds']} {HELP['draws']}",
    )
if not names:
    st.info("Choose at least one compressed model.")
    st.stop()

with controls.explained():
    panels = loaders.panels(opened.study, opened.settings, names)
st.plotly_chart(
    charts.acr_against_cost(panels, cost),
    key="acr_time",
    alt=f"Average certified radius against {cost}, incremental and from scratch",
)
st.caption(
    "Bands along the curves are 95% bootstrap intervals over inputs. The level band across is the "
    "range of ACR that both methods reach: the speedup compares the areas under cost in it. RS "
    "runs at the level α + $α_ζ$, so that both claim the same confidence."
)

st.subheader("Speedup", help=HELP["speedup"])
controls.table(
    tables.speedup_table(panels),
    f"speedup-{opened.record.id}",
    columns.speedups(),
    alt="Area speedup of every model in seconds and in draws",
)
with st.expander("All points"):
    controls.table(
        tables.curve_table(panels),
        f"curves-{opened.record.id}",
        columns.curves(),
        alt="Every point of the curves",
    )
controls.caption(opened)
