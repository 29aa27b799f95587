"""Which layers may be compressed, and which mix may ship."""

import streamlit as st

from irs_core.text import markdown
from irs_core.tune.record import kept
from ui.explore import layers, mixes
from ui.shared import controls, figures, library, navigation
from ui.shared.once import once

navigation.head(
    "Layers and mixes",
    "How many answers change under noise when a single layer is compressed, and which mix of "
    "treatments may replace the original.",
)
found = kept(library.store_root())
known = mixes.known()
if not found and not known:
    st.info("Nothing is measured yet. In a terminal:")
    st.code(
        "./irs tune sensitivity shipped:digits-0.50 --treatments int8 int4 --groups\n"
        "./irs tune --study ID --max-loss 1% --objective latency",
        language="bash",
    )
    st.stop()

if found:
    st.header("Sensitivity of layers", anchor=False)
    chosen = st.selectbox("Measurement", found, format_func=layers.label, key="sensitivity")
    treatments = st.pills(
        "Treatments",
        chosen.treatments,
        default=chosen.treatments[0],
        selection_mode="multi",
        key="treatments",
    )
    groups = any(one.group for one in chosen.effects) and st.toggle("Whole blocks", key="blocks")
    shown = layers.effects(chosen, treatments, groups=groups)
    if not shown:
        st.info("Choose at least one treatment.")
        st.stop()
    figures.show(
        once(layers.bars, chosen, shown),
        "layers",
        once(layers.frame, chosen, shown),
        alt="Share of noisy images that change their class, by layer and treatment",
        note=layers.note(chosen),
    )
    ranked = once(layers.frame, chosen, shown)
    picked = controls.table(
        ranked,
        f"layers-{chosen.id[:6]}",
        layers.columns(),
        alt="Layers, the most sensitive first",
        selectable=True,
    )
    row = ranked.iloc[picked or 0]
    st.header("Images that it hurts", anchor=False)
    st.caption(f"{markdown(row['layer'])} under {markdown(row['treatment'])}; select a row above.")
    effect = next(o for o in shown if (o.name, o.treatment) == (row["layer"], row["treatment"]))
    layers.pictures(chosen, effect)

if known:
    st.header("Search for a mix", anchor=False)
    search = st.selectbox("Search", known, format_func=mixes.label, key="search")
    with controls.explained():
        stands = mixes.opened(search)
    if stands is None:
        st.info("Its original is not drawn yet.")
        st.stop()
    st.markdown(markdown(stands.sentence))
    figures.show(
        mixes.front(stands),
        "mixes",
        mixes.frame(stands),
        alt="Share of inputs kept against the objective, by candidate",
        note=f"{stands.draws:,} draws of all candidates; certifying two of them from scratch takes "
        f"{stands.alone:,}.",
    )
    controls.table(
        mixes.frame(stands),
        f"mixes-{search.study[:6]}",
        mixes.columns(),
        alt="Every candidate with its verdict, bounds, draws, time and size",
    )
