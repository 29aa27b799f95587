"""Links, bundles, tables: out of here and into here."""

import streamlit as st

from ui import navigation, sharing
from ui.controls import caption, open_study

navigation.head(
    "Share",
    "A **link** opens the same view for somebody else, a **bundle** takes a whole study to another "
    "machine, where every number comes out the same.",
)

st.subheader("Bring in a bundle", anchor=False)
sharing.show_import()
sharing.show_results_of_others()
st.subheader("Take a study along", anchor=False)
opened = open_study()
sharing.show_downloads(opened)
st.subheader("Link to a view", anchor=False)
sharing.show_link(opened)
caption(opened)
