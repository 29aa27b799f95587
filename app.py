"""The dashboard: `streamlit run app.py`."""

import streamlit as st

from ui import navigation

st.set_page_config(page_title="Incremental robustness certification", page_icon="🛡️", layout="wide")
st.navigation(navigation.sections()).run()
