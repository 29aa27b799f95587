"""The dashboard: `streamlit run app.py`."""

import streamlit as st

from ui.shared import keeper, navigation, readers, theme, warm_up, who

st.set_page_config(page_title=navigation.PRODUCT, page_icon="🛡️", layout="wide")
st.html(theme.STYLE)
who.enter()
st.navigation(navigation.sections(readers.choose())).run()
warm_up.settle()
keeper.start()
