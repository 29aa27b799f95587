"""The images behind the numbers: which inputs a compression loses, and why."""

import streamlit as st

from ui.explore import gallery, one_input
from ui.explore.reasons import show_reasons
from ui.shared import navigation, pickers
from ui.shared.opening import open_study

navigation.head(
    "inputs",
    "Which inputs does a compression lose, and why? Choose a model and a filter; below the gallery "
    "one input is taken apart: its radius under every model, the votes, the noisy copies.",
    ("radius", "p_lower", "zeta", "gamma", "n", "n_p", "sigma"),
)

opened = open_study()
name = pickers.pick_model(opened.record)
rows = gallery.pick_rows(opened, name)
read = gallery.images(opened)
if len(rows):
    st.caption(
        f"{len(rows)} of {len(opened.analysis.labels)} reported inputs. Each label: the original's "
        f"certified radius with all {opened.record.spec.n:,} draws → the compressed model's with "
        "its own, fewer ones. Fewer draws alone make a radius smaller."
    )
    gallery.show_gallery(opened, rows, name, read)
else:
    st.info(
        "No input is of that kind. Choose another filter, or a stronger compression.",
        icon=":material/filter_alt_off:",
    )
show_reasons(opened, name)
if len(rows):
    st.header("One input", divider="gray", anchor=False)
    one_input.show_input(opened, one_input.pick_input(opened, rows), name, read)
