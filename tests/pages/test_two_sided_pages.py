"""Two-sided radii are named wherever they are shown, and never stand beside others unsaid."""

from dataclasses import replace
from pathlib import Path

import pytest
from app_pages import on_screen, open_page
from synthetic import synthetic_spec, synthetic_study

from irs_core.spec.settings import Settings
from irs_core.store import Library
from ui.shared.page_list import STUDY_PAGES, moved_query

ONE_SIDED_ALWAYS = {"decide": "Decisions", "gamma_sweep": "IRS and its γ"}


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_every_page_names_the_convention(store: Path, page: str) -> None:
    synthetic_study(Library(store), skewed=True)
    at = open_page(page, convention="two-sided")
    assert not at.exception
    shown = on_screen(at)
    assert "two-sided radii" in shown
    if page in ONE_SIDED_ALWAYS:
        said = [one.value for one in at.info]
        wanted = f"{ONE_SIDED_ALWAYS[page]} use one-sided radii, whatever the settings."
        assert wanted in said


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_nothing_is_said_of_the_usual_convention(store: Path, page: str) -> None:
    synthetic_study(Library(store))
    at = open_page(page)
    assert "two-sided radii" not in on_screen(at).replace("Two-sided", "")


def test_tables_of_two_sided_radii_have_no_method_without_them(store: Path) -> None:
    synthetic_study(Library(store), skewed=True)
    at = open_page("acr_time", convention="two-sided")
    tables = [one.value for one in at.dataframe]
    methods = {one for frame in tables if "method" in frame for one in frame["method"]}
    assert methods == {"RS", "CIRS"}


def test_the_address_carries_the_convention() -> None:
    own = Settings.of(synthetic_spec())
    moved = replace(own, convention="two-sided")
    assert moved_query(moved, own) == {"convention": "two-sided"}
    assert moved_query(own, own) == {}


def test_a_study_that_was_asked_for_two_sided_radii_opens_with_them(store: Path) -> None:
    synthetic_study(Library(store), synthetic_spec(convention="two-sided"), skewed=True)
    at = open_page("overview")
    assert not at.exception
    shown = on_screen(at)
    assert "two-sided radii" in shown
    assert "exploring" not in shown
    assert "exploring" not in on_screen(open_page("decide"))
