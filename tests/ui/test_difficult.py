"""Every page says something sensible about every difficult study."""

import pytest
from app_pages import open_page
from difficult import STUDIES

PAGES = (
    "decide",
    "present",
    "overview",
    "compare",
    "acr_time",
    "certified_accuracy",
    "inputs",
    "zeta_table",
    "pa_histogram",
    "gamma_sweep",
    "share",
)


@pytest.mark.parametrize("name", STUDIES)
def test_no_page_ends_in_a_traceback(name, tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    monkeypatch.setattr("irs_core.jobs.queue.JobQueue.repair", lambda _: [])
    record = STUDIES[name](tmp_path / "store")
    for page in PAGES:
        at = open_page(page, study=record.id)
        assert not at.exception, page
        assert at.title or page == "present", page
