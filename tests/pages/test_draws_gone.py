"""Counts are kept beside the draws: pages outlive draws that somebody removed."""

import shutil
from pathlib import Path

import pytest
import streamlit as st
from app_pages import open_page, texts
from synthetic import synthetic_study

from irs_core.store import Library
from ui.shared.page_list import STUDY_PAGES


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_a_page_whose_draws_are_gone_ends_in_no_traceback(store: Path, page: str) -> None:
    library = Library(store, store / "none")
    record = synthetic_study(library)
    assert not open_page(page).exception
    for evidence in record.base.evidence.values():
        shutil.rmtree(library.evidence_folder / evidence)
    st.cache_resource.clear()
    st.cache_data.clear()
    at = open_page(page)
    assert not at.exception
    assert texts(at)
