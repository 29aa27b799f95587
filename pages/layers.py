"""Which layers may be compressed, and which mix may ship."""

import streamlit as st

from irs_core.tune.record import kept
from ui.explore import layers, mixes
from ui.shared import library, navigation

navigation.head(
    "layers",
    "How many answers change under noise when a single layer is compressed, and which mix of "
    "treatments may replace the original.",
)
measured, searched = kept(library.store_root()), mixes.known()
if not measured and not searched:
    st.info("Nothing is measured yet. In a terminal:")
    st.code(layers.COMMANDS, language="bash")
if measured:
    st.header("Sensitivity of layers", anchor=False)
    layers.show(measured)
if searched:
    st.header("Search for a mix", anchor=False)
    mixes.show(searched)
