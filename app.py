"""The dashboard: `streamlit run app.py`."""

import gc

import streamlit as st
from threadpoolctl import threadpool_limits

from ui import navigation, theme


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    """Make later reruns quick, once per process, when all is imported."""
    # What the imports left stays for ever; to look through it again takes 100 ms each time.
    gc.collect()
    gc.freeze()
    # Products of this size gain nothing from threads, which spin where the browser could run.
    threadpool_limits(1, user_api="blas")


st.set_page_config(page_title="Incremental robustness certification", page_icon="🛡️", layout="wide")
st.html(theme.STYLE)
st.navigation(navigation.sections()).run()
_settle()
