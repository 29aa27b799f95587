"""The dashboard: `streamlit run app.py`."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.starlette import App

from ui.decide import ended
from ui.shared import (
    address,
    exports,
    guard,
    keeper,
    navigation,
    readers,
    theme,
    turns,
    warm_up,
    who,
)

# What Streamlit serves: this very file for every session, behind the guard.
app = App(__file__, middleware=guard.MIDDLEWARE, routes=[*exports.routes(), *navigation.routes()])

if get_script_run_ctx(suppress_warning=True) is not None:
    navigation.configure()
    st.html(theme.STYLE)
    address.complete_in_place()
    who.enter()
    # Before the page, which may stop the script wherever it likes.
    ended.watch()
    with turns.taken():
        st.navigation(navigation.sections(readers.choose()), expanded=True).run()
    warm_up.settle()
    keeper.start()
