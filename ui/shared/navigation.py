"""The pages of the dashboard and how they are reached."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.shared import tour
from ui.shared.glossary import HELP, SYMBOLS

_SECTIONS = {
    "Start here": (
        ("decide", "May it ship?", ":material/gavel:"),
        ("overview", "Overview", ":material/space_dashboard:"),
        ("models_and_data", "Models and data", ":material/inventory_2:"),
    ),
    "Run": (
        ("certify", "Certify", ":material/verified_user:"),
        ("jobs", "Jobs", ":material/pending_actions:"),
    ),
    "Explore": (
        ("acr_time", "ACR vs time", ":material/speed:"),
        ("certified_accuracy", "Certified accuracy", ":material/stacked_line_chart:"),
        ("zeta_table", "zeta table", ":material/difference:"),
        ("pa_histogram", "pA histogram", ":material/bar_chart:"),
        ("gamma_sweep", "gamma sweep", ":material/tune:"),
        ("inputs", "Inputs", ":material/photo_library:"),
        ("papers", "Papers", ":material/menu_book:"),
    ),
    "Plan and share": (
        ("sample_sizes", "Sample sizes", ":material/calculate:"),
        ("share", "Share", ":material/ios_share:"),
    ),
}
TITLES = {name: title for pages in _SECTIONS.values() for name, title, _ in pages}
PAGES = tuple(TITLES)
# Pages that look at one study.
STUDY_PAGES = (
    "decide",
    "overview",
    "acr_time",
    "certified_accuracy",
    "zeta_table",
    "pa_histogram",
    "gamma_sweep",
    "inputs",
    "share",
)
_ENTERED = "entered_through_app"


def configure() -> None:
    """Title, icon and width of every page; to be called before the pages are named.

    Without an icon of its own the browser would fetch that of the first page from another machine.
    """
    st.set_page_config(
        page_title="Incremental robustness certification", page_icon="🛡️", layout="wide"
    )


def sections() -> dict[str, list[Any]]:
    """Pages by section, for `st.navigation`; addresses are the names of the files."""
    st.session_state[_ENTERED] = True
    return {
        section: [
            st.Page(f"pages/{name}.py", title=title, icon=icon, default=name == PAGES[0])
            for name, title, icon in pages
        ]
        for section, pages in _SECTIONS.items()
    }


def head(title: str, introduction: str, symbols: Sequence[str] = ()) -> None:
    """Begin a page: its title, a sentence or two for newcomers, its symbols, a step of the tour.

    Args:
        symbols: Keys of `SYMBOLS` that the page uses without explaining them.
    """
    if _ENTERED not in st.session_state:
        # Until app.py has run once in a server, Streamlit takes pages/ for an app of its own and
        # runs the page of a deep link without app.py. Naming the pages ends that.
        configure()
        st.navigation(sections())
        st.rerun()
    tour.show()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.title(title, anchor=False)
        if symbols:
            with st.popover("Symbols", icon=":material/help:", type="tertiary"):
                st.markdown("\n\n".join(f"**{SYMBOLS[name]}** {HELP[name]}" for name in symbols))
    st.markdown(introduction)
