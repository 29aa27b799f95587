"""Every page in every situation it may meet, run by Streamlit's own test harness."""

from dataclasses import replace
from pathlib import Path

import pytest
from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.jobs import JobQueue
from irs_core.run.options import Progress
from irs_core.spec.study import NoiseSpec
from irs_core.store import Library
from ui.shared.page_list import PAGES, STUDY_PAGES

FIGURE_PAGES = STUDY_PAGES[:-1]


@pytest.mark.parametrize("page", PAGES)
def test_page_without_any_study_runs(store: Path, page: str) -> None:
    at = open_page(page)
    assert not at.exception
    assert at.title[0].value
    if page in STUDY_PAGES:
        assert "no study yet" in at.info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_page_with_a_study_shows_figures_and_provenance(store: Path, page: str) -> None:
    record = synthetic_study(Library(store))
    at = open_page(page)
    assert not at.exception
    assert not at.error
    if page in FIGURE_PAGES:
        charts = at.get("plotly_chart")
        assert charts
        assert all(one.proto.alt for one in charts)
        assert len(at.dataframe) >= 1
        tables = [one for one in at.get("download_button") if one.proto.label == "CSV"]
        assert len(tables) == len(at.dataframe) + len(charts)
    if page in STUDY_PAGES:
        assert record.hardware in texts(at)
        assert at.query_params["study"] == [record.id] or at.query_params["study"] == record.id


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_unfinished_study_says_what_to_do(store: Path, page: str) -> None:
    library = Library(store)
    library.save(replace(synthetic_study(library), finished=False))
    at = open_page(page)
    assert not at.exception
    assert "stopped before it was finished" in at.info[0].value
    assert not at.get("plotly_chart")


@pytest.mark.parametrize("page", PAGES)
def test_running_job_is_shown_while_its_study_is_unfinished(store: Path, page: str) -> None:
    library = Library(store)
    record = synthetic_study(library)
    library.save(replace(record, finished=False))
    queue = JobQueue(store)
    job = queue.add(record.spec)
    queue.report(queue.claim().lease, Progress("original: counting", 30, 120, 15.0))
    at = open_page(page)
    assert not at.exception
    if page in STUDY_PAGES:
        assert "25% done" in at.info[0].value
    if page == "jobs":
        assert [button.label for button in at.button] == ["Cancel"]
        at.button[0].click().run()
        assert not at.exception
        assert queue.get(job.id).cancel


def test_study_without_compression_has_an_overview(store: Path) -> None:
    synthetic_study(Library(store), synthetic_spec(compressions=()))
    for page in STUDY_PAGES:
        at = open_page(page)
        assert not at.exception, page
        assert not at.error, page


def test_damaged_manifest_is_left_out(store: Path) -> None:
    (store / "studies").mkdir(parents=True)
    (store / "studies" / "0123456789abcdef.json").write_text('{"schema": 1}')
    at = open_page("overview")
    assert not at.exception
    assert "no study yet" in at.info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_broken_bundle_is_left_out_on_every_page(store: Path, page: str) -> None:
    (store / "bundles").mkdir(parents=True)
    (store / "bundles" / "broken.irs.zip").write_bytes(b"PK no bundle at all")
    record = synthetic_study(Library(store))
    at = open_page(page)
    assert not at.exception
    assert not at.error
    if page in STUDY_PAGES:
        assert at.selectbox(key="study_picker").options[0].startswith(record.title)


@pytest.mark.parametrize("page", PAGES)
def test_running_job_leaves_finished_studies_in_view(store: Path, page: str) -> None:
    synthetic_study(Library(store))
    queue = JobQueue(store)
    queue.add(synthetic_spec(noise=NoiseSpec(0.25, seed=3)))
    queue.claim()
    at = open_page(page)
    assert not at.exception
    assert not at.error


@pytest.mark.parametrize(
    ("query", "gamma", "alpha"),
    [({"gamma": "0.97", "alpha": "0.05"}, 0.97, 0.05), ({"gamma": "7", "alpha": "x"}, None, None)],
)
def test_settings_of_a_link_are_named_at_once(
    store: Path, query: dict[str, str], gamma: float | None, alpha: float | None
) -> None:
    spec = synthetic_study(Library(store)).spec
    at = open_page("overview", **query)
    label = at.get("popover")[-1].proto.popover.label
    assert label == f"γ = {gamma or spec.gamma:g}, α = {alpha or spec.alpha:g}"
