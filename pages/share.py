"""Links, bundles, tables: out of here and into here."""

import streamlit as st

from ui.share import bundles
from ui.shared import navigation
from ui.shared.notes import caption
from ui.shared.opening import open_study

navigation.head(
    "share",
    "A **link** opens the same view for somebody else, a **bundle** takes a whole study to another "
    "machine, where every number comes out the same.",
)

st.header("Bring in a bundle", anchor=False)
bundles.show_import()
bundles.show_results_of_others()
st.header("Take a study along", anchor=False)
opened = open_study()
bundles.show_downloads(opened)
st.header("Link to a view", anchor=False)
bundles.show_link(opened)
caption(opened)
