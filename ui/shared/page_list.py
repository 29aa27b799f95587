"""The pages of the dashboard, by section, and links to them."""

from dataclasses import dataclass
from typing import NoReturn

import streamlit as st

from irs_core.spec.convention import COLUMN
from irs_core.spec.settings import Settings
from ui.shared import readers
from ui.shared.readers import Reader


@dataclass(frozen=True)
class Page:
    """A page as the navigation shows it.

    Args:
        title: Its name in plain words.
        symbol: Its name among researchers; empty where it is the same.
        for_all: Whether somebody who decides, and does not run or diagnose, needs it.
        listed: Whether the navigation shows it; others are reached from a page.
    """

    name: str
    title: str
    icon: str
    symbol: str = ""
    for_all: bool = False
    listed: bool = True

    def shown_to(self, reader: Reader) -> bool:
        """Whether the navigation shows it; every page answers to its address."""
        return self.listed and (self.for_all or reader != "stakeholder")

    def title_for(self, reader: Reader) -> str:
        """Its name in the reader's words."""
        return self.symbol if self.symbol and reader == "researcher" else self.title

    def help_for(self, reader: Reader) -> str | None:
        """Its other name."""
        other = {self.title, self.symbol} - {self.title_for(reader), ""}
        return next(iter(other), None)


SECTIONS = {
    "Decide": (
        Page("decide", "May it ship?", ":material/gavel:", for_all=True),
        Page("present", "Present", ":material/slideshow:", listed=False),
    ),
    "Compare": (
        Page("overview", "Overview", ":material/space_dashboard:", for_all=True),
        Page("compare", "Side by side", ":material/compare:"),
        Page("certified_accuracy", "Certified accuracy", ":material/stacked_line_chart:"),
        Page("acr_time", "Robustness against time (ACR)", ":material/speed:", "ACR vs time"),
        Page("inputs", "Inputs", ":material/photo_library:", for_all=True),
        Page("layers", "Layers and mixes", ":material/layers:"),
    ),
    "Diagnose": (
        Page("zeta_table", "Changed answers (zeta)", ":material/difference:", "zeta table"),
        Page("pa_histogram", "Confidence of votes (pA)", ":material/bar_chart:", "pA histogram"),
        Page("gamma_sweep", "Reuse threshold (gamma)", ":material/tune:", "gamma sweep"),
        Page("sample_sizes", "How many draws", ":material/calculate:"),
        Page("papers", "Papers", ":material/menu_book:"),
    ),
    "Run": (
        Page("certify", "Certify", ":material/verified_user:"),
        Page("jobs", "Jobs", ":material/pending_actions:"),
        Page("models_and_data", "Models and data", ":material/inventory_2:"),
    ),
    "Share": (
        Page("share", "Share", ":material/ios_share:", for_all=True),
        Page("studies", "Studies", ":material/folder_managed:"),
    ),
}
_BY_NAME = {page.name: page for pages in SECTIONS.values() for page in pages}
TITLES = {name: page.title for name, page in _BY_NAME.items()}
PAGES = tuple(TITLES)
# Pages that look at one study.
STUDY_PAGES = (
    "decide",
    "overview",
    "compare",
    "acr_time",
    "certified_accuracy",
    "zeta_table",
    "pa_histogram",
    "gamma_sweep",
    "inputs",
    "share",
)


def title(page: str) -> str:
    """The name of a page in the reader's words."""
    return _BY_NAME[page].title_for(readers.current())


def icon(page: str) -> str:
    """The icon of a page."""
    return _BY_NAME[page].icon


def link(page: str, label: str = "", /, **query: str) -> None:
    """A link to a page, under the name that the navigation gives it or another one."""
    st.page_link(
        f"pages/{page}.py", label=label or title(page), icon=icon(page), query_params=query
    )


def go(page: str, /, **query: str) -> NoReturn:
    """Leave for a page at once.

    An address of its own is always given: Streamlit refuses to clear one that widgets live in.
    """
    reader = readers.current()
    st.switch_page(f"pages/{page}.py", query_params={**readers.query(reader), **query})


def moved_query(settings: Settings, own: Settings) -> dict[str, str]:
    """Query parameters of the settings that are not a study's own."""
    query = {
        name: f"{getattr(settings, name):g}"
        for name in ("gamma", "alpha", "alpha_zeta")
        if getattr(settings, name) != getattr(own, name)
    }
    if settings.convention != own.convention:
        query[COLUMN] = settings.convention
    return query
