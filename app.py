"""The dashboard: `streamlit run app.py`."""

import streamlit as st

from ui import navigation, quickness, theme

st.set_page_config(page_title="Incremental robustness certification", page_icon="🛡️", layout="wide")
st.html(theme.STYLE)
st.navigation(navigation.sections()).run()
quickness.settle()
