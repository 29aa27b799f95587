"""A study without compressed models: every page says so, none is opened with it first."""

from dataclasses import replace
from pathlib import Path

import pytest
from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.spec.study import NoiseSpec
from irs_core.store import Library
from ui.shared.page_list import STUDY_PAGES


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return Library(tmp_path / "store", tmp_path / "none")


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_page_explains_itself(library: Library, page: str) -> None:
    synthetic_study(library, synthetic_spec(compressions=()))
    at = open_page(page)
    assert not at.exception
    assert not at.error
    assert texts(at)


def test_a_comparison_is_opened_first(library: Library) -> None:
    compared = synthetic_study(library)
    alone = synthetic_study(library, synthetic_spec(compressions=(), noise=NoiseSpec(0.25)))
    library.save(replace(alone, created="2099-01-01T00:00:00+00:00"))
    at = open_page("overview")
    assert at.selectbox(key="study_picker").value == compared.id
