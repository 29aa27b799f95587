"""How pages are reached, and what each begins with."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ui.shared import figures, page_list, readers, served, tour, who
from ui.shared.glossary import HELP, SYMBOLS
from ui.shared.readers import Reader

PRODUCT = "Incremental robustness certification"
_ENTERED = "entered_through_app"
_MARK = "mark_of_the_title"


def _to_first_page(request: Request) -> Response:
    """The first page under its own name; Streamlit knows it without one only.

    Relative, so that it leads below the address under which the app is served.
    """
    query = request.url.query
    return RedirectResponse(f"./?{query}" if query else "./")


def routes() -> list[Route]:
    """What the server answers beside Streamlit's own pages."""
    return [Route(served.below(f"/{page_list.PAGES[0]}"), _to_first_page)]


def configure() -> None:
    """Title, icon and width of every page; to be called before the pages are named.

    Without an icon of its own the browser would fetch that of the first page from another machine.
    """
    st.set_page_config(page_title=PRODUCT, page_icon="🛡️", layout="wide")


def mark_title(mark: str) -> None:
    """Put a sign before the next title of the tab, to be seen while another tab is looked at."""
    st.session_state[_MARK] = mark


def sections(reader: Reader) -> dict[str, list[Any]]:
    """Pages by section, for `st.navigation`; addresses are the names of the files.

    Every page answers to its address, whoever reads; a stakeholder is not shown the way to all.
    """
    st.session_state[_ENTERED] = True
    return {
        section: [
            st.Page(
                f"pages/{page.name}.py",
                title=page.title_for(reader),
                icon=page.icon,
                default=page.name == page_list.PAGES[0],
                visibility="visible" if page.shown_to(reader) else "hidden",
                help=page.help_for(reader),
            )
            for page in pages
        ]
        for section, pages in page_list.SECTIONS.items()
    }


def head(page: str, introduction: str, symbols: Sequence[str] = ()) -> None:
    """Begin a page: its title, a sentence or two for newcomers, its symbols, a step of the tour.

    Args:
        page: Name of its file; it is called what the navigation calls it.
        symbols: Keys of `SYMBOLS` that the page uses without explaining them.
    """
    begin(page)
    tour.show()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.title(page_list.title(page), anchor=False)
        if symbols and readers.current() != "stakeholder":
            with st.popover("Symbols", icon=":material/help:", type="tertiary"):
                st.markdown("\n\n".join(f"**{SYMBOLS[name]}** {HELP[name]}" for name in symbols))
    st.markdown(introduction)


def begin(page: str) -> None:
    """Let in whoever may, and name the tab; `head` does this for pages with a title."""
    # As app.py did, unless Streamlit ran this page without it; see below.
    who.let_in()
    if _ENTERED not in st.session_state:
        # Until app.py has run once in a server, Streamlit takes pages/ for an app of its own and
        # runs the page of a deep link without app.py. Naming the pages ends that.
        configure()
        st.navigation(sections(readers.current()))
        st.rerun()
    mark = st.session_state.pop(_MARK, "")
    st.set_page_config(page_title=f"{mark} {page_list.title(page)} · {PRODUCT}".strip())
    figures.about()
