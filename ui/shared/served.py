"""Addresses below the one under which the app is served."""

import streamlit as st


def below(path: str) -> str:
    """A path of the app, which begins with a slash, as the browser has to ask for it."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{path}" if base else path
