"""The Certify page: what it refuses, what it says, what it queues."""

from pathlib import Path

import pytest
from app_pages import as_read, open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.jobs import JobQueue
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, NoiseSpec
from irs_core.store import Library


def test_certify_refuses_in_one_sentence(store: Path) -> None:
    at = open_page("certify")
    at.number_input(key="form_gamma").set_value(0.3).run()
    assert not at.exception
    assert as_read(at.error[0].value) == "Gamma must be in (0.5, 1]; got 0.3."


def test_certify_refuses_a_missing_folder(store: Path) -> None:
    at = open_page("certify")
    at.selectbox(key="form_kind").set_value("image-folder").run()
    at.text_input(key="form_root").set_value("/nowhere/at/all").run()
    assert not at.exception
    assert "/nowhere/at/all" in at.error[0].value


def test_start_queues_the_study_that_was_described(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.shared.launch.check_fit", lambda spec: None)
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
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


def test_certify_says_what_is_stored_already(store: Path) -> None:
    synthetic_study(Library(store), synthetic_spec(noise=NoiseSpec(0.5)))
    at = open_page("certify")
    assert "of them are stored already" in texts(at)
    assert "at the rates measured for this model" in texts(at)


def test_draws_whose_results_were_seen_are_named(store: Path) -> None:
    at = open_page("certify")
    assert not any("showed results on these draws" in one.value for one in at.warning)
    spec = synthetic_spec(
        data=DataSpec(max=40, holdout=20), noise=NoiseSpec(0.5, seed=0), n=500, n_p=(50,)
    )
    study = synthetic_study(Library(store), spec)
    at = open_page("certify")
    (said,) = [one.value for one in at.warning if "showed results on these draws" in one.value]
    assert study.id[:6] in said
    assert "with seed 1 it stands by itself" in said


def test_a_denoiser_in_front_is_part_of_the_study(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.shared.launch.check_fit", lambda spec: None)
    monkeypatch.setattr("ui.shared.launch.ensure_worker", lambda root: True)
    at = open_page("certify")
    assert "two networks as one function" not in texts(at)
    at.selectbox(key="form_model").set_value("shipped:digits-clean").run()
    at.selectbox(key="form_denoiser").set_value("shipped:digits-0.50").run()
    assert not at.exception
    # A model that never saw noise has none of its own to start from.
    assert at.number_input(key="form_sigma_shipped:digits-clean").value == 0.5
    assert "the denoiser shipped:digits-0.50, then the classifier shipped:digits-clean" in texts(at)
    at.button(key="start").click().run()
    (job,) = JobQueue(store).jobs()
    assert job.spec.model.denoiser == "shipped:digits-0.50"


def test_a_denoiser_outside_the_listed_folders_is_refused(
    store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "d.safetensors").write_bytes(b"anything")
    at = open_page("certify")
    at.selectbox(key="form_denoiser").set_value("own file").run()
    at.text_input(key="form_denoiser_file").set_value(str(tmp_path / "d.safetensors")).run()
    assert not at.exception
    assert "is below none of them" in at.error[0].value
    assert not JobQueue(store).jobs()
