"""Which threshold gamma serves best, on inputs held out for that question."""

import streamlit as st

from ui.explore import charts
from ui.shared import (
    columns,
    controls,
    entries,
    figures,
    library,
    navigation,
    pickers,
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

opened = controls.one_sided(controls.open_study(), "IRS and its γ")
held_out = opened.record.data.reported.count(False)
if not held_out:
    st.info(
        "This study has no held-out inputs. Start one with a hold-out on the Certify page, for "
        "example of 20 inputs.",
        icon=":material/lightbulb:",
    )
    st.page_link(controls.CERTIFY_PAGE, label="Start a study", icon=":material/verified_user:")
    st.stop()
left, right = st.columns(2)
with left:
    name = pickers.pick_model(opened.record)
with right:
    budget = pickers.pick_budget(opened.record)
with controls.explained():
    sweep = library.sweep(opened.study, opened.settings, name, budget)
sentence = entries.sweep_sentence(sweep, opened.settings.gamma, held_out)
st.markdown(sentence, help=HELP["gamma"])
figures.show(
    once(charts.gamma_sweep, sweep, opened.settings.gamma, library.colours_of(opened.record)[name]),
    "gamma-sweep",
    once(tables.sweep_table, sweep),
    alt=f"Average certified radius on held-out inputs against gamma. {sentence}",
    note=controls.note(opened, held_out=True),
)
controls.name_main_method(opened)
controls.table(
    once(tables.sweep_table, sweep),
    f"gamma-{opened.record.id}",
    columns.sweep(),
    alt="Average certified radius on held-out inputs for every gamma",
)
