"""Three readers of the same pages and addresses: who decides, who engineers, who researches."""

from typing import Literal, get_args

import streamlit as st

Reader = Literal["stakeholder", "engineer", "researcher"]
READERS: tuple[Reader, ...] = get_args(Reader)
_KEY = "reader"
_DEFAULT: Reader = "engineer"


def choose() -> Reader:
    """The choice in the sidebar; it lives in the address, so that a link keeps it."""
    with st.sidebar:
        return st.segmented_control(
            "View for a",
            READERS,
            default=_DEFAULT,
            required=True,
            key=_KEY,
            bind="query-params",
            help="The same pages and numbers: a stakeholder sees the answer and the pictures, an "
            "engineer everything in plain words, a researcher symbols, settings and provenance.",
        )


def query(reader: Reader) -> dict[str, str]:
    """What an address says of its reader; nothing of the usual one."""
    return {} if reader == _DEFAULT else {_KEY: reader}


def current() -> Reader:
    """The reader of this page; the engineer where nobody chose."""
    found = st.session_state.get(_KEY, _DEFAULT)
    return found if found in READERS else _DEFAULT
