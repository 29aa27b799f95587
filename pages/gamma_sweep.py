"""Which threshold gamma serves best, on inputs held out for that question."""

import streamlit as st

from ui.explore import charts
from ui.shared import (
    analyses,
    columns,
    entries,
    figures,
    grid,
    navigation,
    notes,
    opening,
    page_list,
    pickers,
    refusals,
    tables,
)
from ui.shared.glossary import HELP
from ui.shared.once import once

navigation.head(
    "gamma_sweep",
    "Under IRS, γ decides which inputs reuse the original's draws. It may be tuned, but **not on "
    "the inputs that are reported**: a value chosen on them would make their ACR look better than "
    "it is. So this page uses held-out inputs only.",
    ("gamma", "p_lower", "zeta", "acr", "n_p", "interval"),
)

opened = opening.one_sided(opening.open_study(), "IRS and its γ")
held_out = opened.record.data.reported.count(False)
if not held_out:
    st.info(
        "This study has no held-out inputs. Start one with a hold-out on the Certify page, for "
        "example of 20 inputs.",
        icon=":material/lightbulb:",
    )
    page_list.link("certify", "Start a study")
    st.stop()
left, right = st.columns(2)
with left:
    name = pickers.pick_model(opened.record)
with right:
    budget = pickers.pick_budget(opened.record)
with refusals.explained():
    sweep = analyses.sweep(opened.study, opened.settings, name, budget)
sentence = entries.sweep_sentence(sweep, opened.settings.gamma, held_out)
st.markdown(sentence, help=HELP["gamma"])
figures.show(
    once(
        charts.gamma_sweep, sweep, opened.settings.gamma, analyses.colours_of(opened.record)[name]
    ),
    "gamma-sweep",
    once(tables.sweep_table, sweep),
    alt=f"Average certified radius on held-out inputs against gamma. {sentence}",
    note=notes.note(opened, held_out=True),
)
notes.name_main_method(opened)
grid.table(
    once(tables.sweep_table, sweep),
    f"gamma-{opened.record.id}",
    columns.sweep(),
    alt="Average certified radius on held-out inputs for every gamma",
)
