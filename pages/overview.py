"""The story of one study for somebody who has a minute."""

import streamlit as st

from ui.explore import certified, equal, pareto
from ui.shared import (
    analyses,
    captions,
    choice,
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
    tour,
)
from ui.shared.glossary import HELP
from ui.shared.once import once

navigation.head(
    "overview",
    "Is a compressed model as robust as the original, and how cheaply can that be **certified**?",
    ("acr", "interval", "certified", "sigma", "n_p", "alpha", "alpha_zeta", "gamma"),
)

opened = opening.open_study()
record, settings = opened.record, opened.settings
with refusals.explained():
    rows = analyses.overview(opened.study, settings)
moved = opened.ledger.moved

st.header(
    choice.headline(record, rows, captions.union_failure(rows), moved, opened.study.banner),
    divider="gray",
    anchor=False,
)
for place, number in zip(st.columns(3), choice.key_numbers(rows), strict=True):
    place.metric(
        number.label,
        number.value,
        border=True,
        help=number.help,
        delta=number.beside,
        delta_color="off",
        delta_arrow="off",
    )
with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
    axis = st.segmented_control(
        "ACR against",
        list(pareto.AXIS_NAMES),
        default="size",
        required=True,
        format_func=pareto.AXIS_NAMES.__getitem__,
        key="against",
        bind="query-params",
        help=HELP["pareto"],
    )
    tour.offer(record.id)
figures.show(
    once(pareto.pareto, rows, axis),
    f"pareto-{axis}",
    once(pareto.points, rows, axis),
    alt=f"Average certified radius of every model against its {pareto.AXIS_NAMES[axis]}; "
    + choice.spoken(rows, axis),
    note=notes.note(opened),
)
st.header("All choices", anchor=False)
radii = pickers.pick_radii(record.spec.noise.sigma)
with refusals.explained():
    at_radii = once(certified.certified, opened.study, settings, tuple(radii))
    frame = once(tables.choice_table, rows, at_radii)
grid.table(
    frame,
    f"overview-{record.id}",
    columns.models(radii),
    alt="Verdict, accuracy, certified radius, size and speedup of every model",
)
st.caption(
    "A compressed model is certified with fewer draws than the original, and fewer draws certify "
    "smaller radii even where no answer changes. Kept ACR and verdicts therefore compare both "
    "models at the same number of draws; the columns ACR and CA do not. "
    f"{captions.choice_among(rows, moved)}"
)
equal.show(opened, radii)
foresight.look_from(
    opened.study, settings, "overview", lambda work: certified.foresee((opened.study,), work)
)
