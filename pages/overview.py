"""The story of one study for somebody who has a minute."""

import streamlit as st

from ui import captions, charts, columns, controls, loaders, navigation, tables, theme, views
from ui.glossary import HELP

navigation.head(
    "Overview",
    "Is a compressed model as robust as the original, and how cheaply can that be **proven**?",
)

opened = controls.open_study()
record, settings = opened.record, opened.settings
with controls.explained():
    rows = loaders.overview(opened.study, settings)

st.subheader(views.headline(record, rows, captions.union_failure(record, settings)), divider="gray")
best = views.best_row(rows) or rows[0]
acr = best.summary.acr
metrics = st.columns(3)
metrics[0].metric(
    "ACR kept",
    theme.percent(best.kept),
    border=True,
    help=HELP["kept"],
    delta=f"{acr.value:.3f} of {rows[0].summary.acr.value:.3f} pixel units",
    delta_color="off",
    delta_arrow="off",
)
metrics[1].metric(
    "Size",
    theme.percent(best.size_share),
    border=True,
    help=HELP["size"],
    delta=f"{theme.file_size(best.size_bytes)} of {theme.file_size(rows[0].size_bytes)}",
    delta_color="off",
    delta_arrow="off",
)
metrics[2].metric(
    "Recertification speedup",
    theme.times(best.summary.speedup_seconds),
    border=True,
    help=HELP["speedup"],
    delta=f"{theme.times(best.summary.speedup_draws)} counted in draws",
    delta_color="off",
    delta_arrow="off",
)

against = st.segmented_control(
    "ACR against",
    ["draws", "size"],
    default="draws",
    required=True,
    key="against",
    bind="query-params",
)
if against == "size" or len(rows) == 1:
    figure = charts.acr_against_size(rows)
else:
    with controls.explained():
        figure = charts.acr_against_draws(
            loaders.budgets(opened.study, settings), rows[0].summary.acr
        )
st.plotly_chart(figure, key="overview", alt=f"Average certified radius against {against}")

controls.table(
    tables.model_table(rows),
    f"overview-{record.id}",
    columns.models(),
    alt="Accuracy, certified radius, size and speedup of every model",
)
st.caption(
    "A compressed model is certified with fewer draws than the original; a part of the ACR that "
    f"it loses is the price of those. {captions.choice_among(record, settings)}"
)
controls.caption(opened)
