"""A page finds made what it named beforehand, and says the same as without."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from app_pages import on_screen, open_page
from synthetic import synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.store import Library
from ui.decide import decisions
from ui.shared import analyses, foresight, once


def shown(page: str) -> str:
    """What the page says at another alpha, but for marks that differ each time."""
    return re.sub(r"[0-9a-f]{32,}", "", on_screen(open_page(page, alpha="0.01")))


@pytest.mark.parametrize("page", ["decide", "overview", "acr_time", "certified_accuracy"])
def test_a_page_says_the_same_and_certifies_nothing(
    store: Path, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthetic_study(Library(store))
    expected = shown(page)
    st.cache_resource.clear()
    once.clear()
    asked: list[foresight.Unit] = []

    def looked(study, settings, what, make):  # type: ignore[no-untyped-def]
        asked.append(foresight.Unit(study, replace(settings, alpha=0.01), settings, what, make))

    monkeypatch.setattr(foresight, "look_from", looked)
    open_page(page)
    (unit,) = asked
    ahead = foresight.Ahead()
    ahead._units.append(unit)
    ahead.make_next()
    for name in ("compare", "summary", "main_certificates"):
        monkeypatch.setattr(Analysis, name, None)
    for name in ("study_decisions", "study_together", "study_gaps"):
        monkeypatch.setattr(decisions, name, None)
    monkeypatch.setattr(analyses, "equal_draws", None)
    assert shown(page) == expected
