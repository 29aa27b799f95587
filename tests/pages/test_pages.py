"""Every page in every situation it may meet, run by Streamlit's own test harness."""

from dataclasses import replace
from pathlib import Path

import pytest
from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.compressions import parse_compression
from irs_core.jobs import JobQueue
from irs_core.papers import PARTS
from irs_core.specs import DataSpec, NoiseSpec
from irs_core.store import Library
from irs_core.study.options import Part, Progress

FIGURE_PAGES = (
    "overview",
    "acr_time",
    "certified_accuracy",
    "zeta_table",
    "pa_histogram",
    "gamma_sweep",
    "inputs",
)
STUDY_PAGES = (*FIGURE_PAGES, "share")
PAGES = (*STUDY_PAGES, "models_and_data", "certify", "jobs", "papers", "sample_sizes")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(shipped))
    return tmp_path / "store"


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
        assert len(charts) == 1
        assert charts[0].proto.alt
        assert len(at.dataframe) >= 1
        assert len(at.get("download_button")) == len(at.dataframe) + len(charts)
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
    queue.claim("worker")
    queue.report(job.id, Progress("base on estimate draws", 30, 120, 15.0))
    at = open_page(page)
    assert not at.exception
    if page in STUDY_PAGES:
        assert "25% done" in at.info[0].value
    if page == "jobs":
        assert [button.label for button in at.button] == ["Cancel"]
        at.button[0].click().run()
        assert not at.exception
        assert queue.get(job.id).cancel


def test_running_job_shows_each_model_and_stream_and_an_ended_one_does_not(store: Path) -> None:
    queue = JobQueue(store)
    job = queue.add(synthetic_spec())
    queue.claim("worker")
    parts = (Part("base", "estimate", 40, 100, 20.0), Part("fp16", "scratch-select", 0, 50))
    queue.report(job.id, Progress("base on estimate draws", 30, 140, 15.0, 90.0, parts))
    at = open_page("jobs")
    assert not at.exception
    table = at.dataframe[0].value
    assert table["model"].tolist() == ["original", "fp16 weights"]
    assert table["noise stream"].tolist() == ["estimate", "scratch-select"]
    assert table["progress"].tolist() == [0.4, 0.0]
    assert table["draws/s"].tolist() == ["20", ""]
    assert table["time left"].tolist() == ["3.0 s", ""]
    queue.finish(job.id, "worker", "done")
    assert not open_page("jobs").dataframe


def test_failed_job_shows_its_reason_and_its_log(store: Path) -> None:
    queue = JobQueue(store)
    job = queue.add(synthetic_spec())
    queue.claim("worker")
    queue.finish(job.id, "worker", "failed", "the disk is full")
    queue.log_path(job.id).parent.mkdir(parents=True, exist_ok=True)
    queue.log_path(job.id).write_text("ERROR the disk is full\n")
    at = open_page("jobs")
    assert not at.exception
    assert at.error[0].value == "The disk is full."
    assert "ERROR the disk is full" in at.code[0].value


def test_link_opens_the_study_and_the_settings_it_names(store: Path) -> None:
    library = Library(store)
    first = synthetic_study(library)
    synthetic_study(library, synthetic_spec(noise=NoiseSpec(0.25, seed=9), name="other"))
    at = open_page("overview", study=first.id, alpha="0.01")
    assert not at.exception
    assert at.selectbox(key="study_picker").value == first.id
    assert "α = 0.01" in texts(at)


def test_unknown_study_in_the_link_is_said(store: Path) -> None:
    synthetic_study(Library(store))
    at = open_page("overview", study="nonsense")
    assert not at.exception
    assert "nonsense" in at.warning[0].value


def test_another_study_brings_its_own_settings(store: Path) -> None:
    library = Library(store)
    one = synthetic_study(library)
    spec = synthetic_spec(noise=NoiseSpec(0.25, seed=9), gamma=0.95, alpha=0.01, name="other")
    other = synthetic_study(library, spec)
    at = open_page("pa_histogram", study=one.id)
    at.select_slider(key="gamma").set_value(0.9).run()
    assert "γ = 0.9 " in texts(at)
    at.selectbox(key="study_picker").set_value(other.id).run()
    assert not at.exception
    assert not at.warning
    assert "γ = 0.95 ·" in texts(at)
    assert "α = 0.01" in texts(at)


def test_study_without_baseline_has_no_curves_but_an_overview(store: Path) -> None:
    from irs_core.store import ModelRecord

    library = Library(store)
    record = synthetic_study(library, synthetic_spec(baseline=False))
    empty = library.evidence_folder

    def without(model: ModelRecord) -> ModelRecord:
        for stream in ("scratch-select",):
            for chunk in (empty / model.evidence[stream]).glob("c/*/*"):
                chunk.unlink()
        return model

    for model in record.compressed:
        without(model)
    overview = open_page("overview")
    assert not overview.exception
    assert not overview.error
    curves = open_page("acr_time")
    assert not curves.exception
    assert "baseline" in curves.info[0].value


def test_study_without_hold_out_says_how_to_get_one(store: Path) -> None:
    synthetic_study(Library(store), synthetic_spec(data=DataSpec(max=40)))
    at = open_page("gamma_sweep")
    assert not at.exception
    assert "no held-out inputs" in at.info[0].value


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


def test_certify_refuses_in_one_sentence(store: Path) -> None:
    at = open_page("certify")
    at.number_input(key="form_gamma").set_value(0.3).run()
    assert not at.exception
    assert at.error[0].value == "Gamma must be in (0.5, 1]; got 0.3."


def test_certify_refuses_a_missing_folder(store: Path) -> None:
    at = open_page("certify")
    at.selectbox(key="form_kind").set_value("image-folder").run()
    at.text_input(key="form_root").set_value("/nowhere/at/all").run()
    assert not at.exception
    assert "/nowhere/at/all" in at.error[0].value


def test_start_queues_the_study_that_was_described(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ui import launch

    monkeypatch.setattr(launch, "check_fit", lambda spec: None)
    monkeypatch.setattr(launch, "ensure_worker", lambda root: True)
    at = open_page("certify")
    assert not at.error
    at.number_input(key="form_n").set_value(1000).run()
    at.button(key="start").click().run()
    assert not at.exception
    (job,) = JobQueue(store).jobs()
    assert job.spec.n == 1000
    assert job.spec.n_p[0] == 50
    assert job.spec.compressions[0] == parse_compression("fp16")
    assert str(job.id) in at.success[0].value


def test_waiting_jobs_are_reordered_by_a_click(store: Path) -> None:
    queue = JobQueue(store)
    first, second = (queue.add(synthetic_spec(noise=NoiseSpec(0.5, seed=s))) for s in (1, 2))
    at = open_page("jobs")
    at.button(key=f"first-{second.id}").click().run()
    assert not at.exception
    assert [job.id for job in queue.jobs()] == [second.id, first.id]


def test_an_ended_job_is_changed_and_started_anew(store: Path) -> None:
    queue = JobQueue(store)
    job = queue.add(synthetic_spec(gamma=0.97, noise=NoiseSpec(0.5, seed=11)))
    queue.cancel(job.id)
    at = open_page("jobs")
    at.button(key=f"clone-{job.id}").click().run()
    assert not at.exception
    assert at.title[0].value == "Certify"
    assert at.number_input(key="form_gamma").value == 0.97
    assert at.number_input(key="form_seed").value == 11
    assert at.multiselect(key="form_kinds").value == ["fp16", "prune"]


def test_certify_says_what_is_stored_already(store: Path) -> None:
    synthetic_study(Library(store), synthetic_spec(noise=NoiseSpec(0.5)))
    at = open_page("certify")
    assert "of them are stored already" in texts(at)
    assert "at the rates measured for this model" in texts(at)


def test_papers_without_studies_says_how_to_compute_them(store: Path) -> None:
    at = open_page("papers")
    at.selectbox(key="table").set_value("2").run()
    assert not at.exception
    assert "None of the 27 published numbers has a counterpart" in texts(at)
    assert "reproduce" in texts(at)


def test_papers_shows_published_beside_measured(store: Path) -> None:
    part = next(part for part in PARTS if part.key == "cifar10-resnet20-0.50")
    spec = part.spec(DataSpec("image-folder", root="images"))
    synthetic_study(Library(store), replace(spec, compressions=(parse_compression("fp16"),)))
    at = open_page("papers")
    at.selectbox(key="table").set_value("8").run()
    assert not at.exception
    frame = at.dataframe[0].value
    assert frame["published"].tolist() == [0.006]
    assert frame["measured"].notna().all()
    assert len(at.get("plotly_chart")) == 2
    assert "Ugare" in texts(at)


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
    queue.claim("worker")
    at = open_page(page)
    assert not at.exception
    assert not at.error


def test_controls_come_from_the_address(store: Path) -> None:
    record = synthetic_study(Library(store))
    at = open_page("overview", study=record.id, against="latency", gamma="0.95")
    assert at.get("button_group")[0].value == "latency"
    assert "γ = 0.95 ·" in texts(at)
    at = open_page("certified_accuracy", study=record.id, radii="0.5", shown2="original (fp32)")
    assert at.dataframe[0].value["model"].tolist() == ["original (fp32)"]
    assert "CA(0.5)" in at.dataframe[0].value


def test_tour_leads_from_page_to_page(store: Path) -> None:
    synthetic_study(Library(store))
    at = open_page("overview", tour="1")
    assert not at.exception
    assert "Tour, 1 of" in texts(at)
    assert not open_page("overview", tour="nonsense").exception


def test_certified_accuracy_shows_the_envelope_over_studies(store: Path) -> None:
    library = Library(store)
    first = synthetic_study(library)
    synthetic_study(library, synthetic_spec(noise=NoiseSpec(0.25, seed=9), name="other"))
    at = open_page("certified_accuracy", study=first.id)
    assert not at.exception
    studies = set(at.dataframe[0].value["study"])
    assert studies == {"σ = 0.5", "σ = 0.25", "best σ at each radius"}


def test_inputs_filter_keeps_only_what_the_model_loses(store: Path) -> None:
    synthetic_study(Library(store))
    at = open_page("inputs", show="wrong")
    assert not at.exception
    at.get("button_group")[0].set_value("lost").run()
    assert not at.exception
    assert "of 40 reported inputs" in texts(at) or "No input is of that kind" in texts(at)


def test_inputs_without_images_says_how_to_get_them(store: Path) -> None:
    data = DataSpec("image-folder", root="/nowhere", max=40, holdout=20)
    synthetic_study(Library(store), synthetic_spec(data=data))
    at = open_page("inputs")
    assert not at.exception
    assert "not on this machine" in texts(at)
    assert "ROOT" in texts(at)
    assert len(at.get("plotly_chart")) == 1


def test_share_links_to_the_settings_in_view(store: Path) -> None:
    record = synthetic_study(Library(store))
    at = open_page("share", study=record.id)
    at.select_slider(key="gamma").set_value(0.95).run()
    assert not at.exception
    assert f"?study={record.id}&gamma=0.95" in at.code[0].value


def test_sample_sizes_answers_what_a_radius_needs(store: Path) -> None:
    at = open_page("sample_sizes", plan_p="0.9", plan_radius="1.5")
    assert not at.exception
    assert "No number of draws certifies r = 1.5" in texts(at)
    at.number_input(key="plan_radius").set_value(0.5).run()
    assert "needs **n = " in texts(at)
