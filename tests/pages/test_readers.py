"""The same pages for three readers: what each sees, and that a link means the same to all."""

from pathlib import Path

import pytest
from app_pages import open_page, texts
from synthetic import synthetic_study

from irs_core.store import Library
from ui.shared.page_list import PAGES, SECTIONS, STUDY_PAGES
from ui.shared.readers import READERS

EVERY = [page for pages in SECTIONS.values() for page in pages]
ASKED_BY_NAME = {
    "acr_time": "ACR",
    "zeta_table": "zeta",
    "pa_histogram": "pA",
    "gamma_sweep": "gamma",
}


def popovers(at) -> list[str]:
    return [one.proto.popover.label for one in at.get("popover")]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_answers_to_its_address_for_a_stakeholder(store: Path, page: str) -> None:
    synthetic_study(Library(store))
    at = open_page(page, reader="stakeholder")
    assert not at.exception
    assert at.title[0].value
    assert "Symbols" not in popovers(at)


def test_a_stakeholder_is_shown_no_settings_until_a_link_moves_one(store: Path) -> None:
    synthetic_study(Library(store))
    keys = [one.key for one in open_page("decide", reader="stakeholder").select_slider]
    assert "alpha" not in keys
    moved = open_page("decide", reader="stakeholder", alpha="0.01")
    assert "alpha" in [one.key for one in moved.select_slider]
    assert "not proven at" in texts(moved)


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_readers_see_the_same_numbers(store: Path, page: str) -> None:
    synthetic_study(Library(store))
    tables = [
        [frame.value.to_csv() for frame in open_page(page, reader=reader).dataframe]
        for reader in READERS
    ]
    assert tables[0] == tables[1] == tables[2]


def test_an_unknown_reader_in_a_link_is_the_engineer(store: Path) -> None:
    at = open_page("decide", reader="nobody")
    assert not at.exception
    assert at.session_state["reader"] == "engineer"


def test_plain_titles_hold_the_word_that_researchers_look_for() -> None:
    found = {page.name: page for page in EVERY}
    for name, word in ASKED_BY_NAME.items():
        assert word in found[name].title_for("engineer")
        assert found[name].title_for("researcher") == found[name].symbol
        assert found[name].help_for("researcher") == found[name].title
    assert found["decide"].help_for("researcher") is None
