"""The Jobs page: progress, reasons, order, a job changed and started anew."""

import json
import subprocess
import sys
from pathlib import Path

from app_pages import on_screen, open_page, texts
from synthetic import synthetic_spec

from irs_core.jobs import JobQueue
from irs_core.run.options import Part, Progress
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec
from irs_core.store.process import process, this_process
from irs_core.train.task import Training, denoiser_training, finetuning
from ui.certify import training_cards


def test_running_job_shows_each_model_and_stream_and_an_ended_one_does_not(store: Path) -> None:
    queue = JobQueue(store)
    queue.add(synthetic_spec())
    lease = queue.claim().lease
    parts = (Part("base", "estimate", 40, 100, 20.0), Part("fp16", "scratch-select", 0, 50))
    queue.report(lease, Progress("original: counting", 30, 140, 15.0, 90.0, parts))
    at = open_page("jobs")
    assert not at.exception
    table = at.dataframe[0].value
    assert table["model"].tolist() == ["original", "fp16 weights"]
    assert table["draws for"].tolist() == ["counting", "baseline, choosing the class"]
    assert table["progress"].tolist() == [0.4, 0.0]
    assert table["draws/s"].tolist() == ["20", ""]
    assert table["time left"].tolist() == ["3.0 s", ""]
    queue.finish(lease, "done")
    assert not open_page("jobs").dataframe


def test_failed_job_shows_its_reason_and_its_log(store: Path) -> None:
    queue = JobQueue(store)
    job = queue.add(synthetic_spec())
    queue.finish(queue.claim().lease, "failed", "the disk is full")
    queue.log_path(job.id).parent.mkdir(parents=True, exist_ok=True)
    queue.log_path(job.id).write_text("ERROR the disk is full\n")
    at = open_page("jobs")
    assert not at.exception
    assert at.error[0].value == "The disk is full."
    assert "ERROR the disk is full" in at.code[0].value


def test_job_whose_worker_was_killed_is_back_in_the_queue_and_says_so(store: Path) -> None:
    queue = JobQueue(store)
    job = queue.add(synthetic_spec())
    worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = process(worker.pid)
    worker.communicate()
    queue.claim(found)
    at = open_page("jobs")
    assert not at.exception
    assert at.info[0].value == (
        f"Its worker (process {worker.pid}) was killed or ended; the job goes on from what is "
        "stored."
    )
    assert at.warning[0].value == "Jobs wait, and no worker runs them."
    at.button(key=f"cancel-{job.id}").click().run()
    assert queue.get(job.id).state == "cancelled"
    at.button(key=f"retry-{job.id}")


def test_what_was_trained_is_put_into_the_form(store: Path) -> None:
    queue = JobQueue(store)
    clean = ModelSpec("shipped:digits-clean")
    denoiser = denoiser_training(clean, DataSpec(), 0.25, against=True)
    tuned = finetuning(clean, DataSpec(), 0.25, arch="digits_resnet", size_bytes=1)
    for training, name in ((denoiser, "denoiser.safetensors"), (tuned, "finetuned.safetensors")):
        job = queue.add(training)
        lease = queue.claim().lease
        path = store / "uploads" / "abc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")
        queue.note_result(lease, path)
        queue.finish(lease, "done")
        at = open_page("jobs")
        assert not at.exception
        assert training.title in texts(at)
        at.button(key=f"use-{job.id}").click().run()
        state = at.session_state
        assert state["form_denoiser_file" if training is denoiser else "form_weights"] == str(path)
        model = "own file" if training is tuned else clean.weights
        assert (state["form_model"], state[f"form_sigma_{model}"]) == (model, 0.25)
        path.unlink()
        assert "Its file was deleted." in texts(open_page("jobs"))


def test_what_was_trained_is_tried_on_the_images_of_its_pilot(store: Path, tmp_path: Path) -> None:
    data = DataSpec("image-folder", "data", split="val", class_list="names.txt", max=50)
    training = denoiser_training(ModelSpec("shipped:digits-clean"), data, 0.25, against=True)
    again = Training.from_dict(json.loads(json.dumps(training.to_dict())))
    assert again == training
    values = training_cards.form_values(again, tmp_path / "d.safetensors")
    assert (values["form_split"], values["form_classes"]) == ("val", "names.txt")


def test_a_training_says_how_far_it_is(store: Path) -> None:
    queue = JobQueue(store)
    queue.add(denoiser_training(ModelSpec("m.onnx"), DataSpec(), 0.25, against=False))
    lease = queue.claim(this_process()).lease
    queue.report(lease, Progress("denoiser, epoch 2 of 4", 1500, 4000, 250.0))
    at = open_page("jobs")
    assert not at.exception
    shown = on_screen(at)
    assert "denoiser, epoch 2 of 4 · 1,500 of 4,000 images · 250 images/s · 10 s left" in shown
    assert "digits · σ = 0.25 · 4 epochs" in shown


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
