"""The dashboard: `streamlit run app.py`."""

import streamlit as st

from ui.shared import navigation, theme, turns, warm_up

st.set_page_config(page_title="Incremental robustness certification", page_icon="🛡️", layout="wide")
st.html(theme.STYLE)
with turns.taken():
    st.navigation(navigation.sections()).run()
warm_up.settle()
