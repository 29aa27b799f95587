"""Training as a job: the same weights as in the foreground, interrupted or not."""

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from irs_core.data import load_dataset
from irs_core.errors import CancelledError, SpecError
from irs_core.jobs import JobQueue, work
from irs_core.jobs.job import scope_of
from irs_core.jobs.training import outcome, run_training, work_folder
from irs_core.server_files import uploads_folder
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store.about import read_about
from irs_core.train import TrainSpec
from irs_core.train.denoise import train_denoiser
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.progress import progress_path
from irs_core.train.task import Training, denoiser_training, finetuning, fitting_levels

CLEAN = ModelSpec("shipped:digits-clean")
FIRST = DenoiserSpec("digits", "a.safetensors", (0.5,), epochs=2, width=4, levels=1, max_images=200)
BOTH = Training(
    (
        FIRST,
        replace(FIRST, out="b.safetensors", start="a.safetensors", against=CLEAN.weights, epochs=1),
    ),
    keep=True,
    model=CLEAN,
    size_bytes=100_000,
)


def wait_for(condition, seconds=120.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def same(one, other):
    return all(
        (value == there).all()
        for value, there in zip(load_file(one).values(), load_file(other).values(), strict=True)
    )


@pytest.fixture(scope="module")
def in_foreground(tmp_path_factory):
    """What both steps give without a queue."""
    folder = tmp_path_factory.mktemp("foreground")
    for step in BOTH.in_folder(folder):
        made = train_denoiser(step)
    return made.weights


def test_a_training_becomes_an_upload_of_its_owner(tmp_path, in_foreground):
    queue = JobQueue(tmp_path)
    job = queue.add(BOTH, owner="her@example.org")
    assert work(tmp_path, once=True) == [job.id]
    ended = queue.get(job.id)
    assert (ended.state, ended.error, ended.fraction) == ("done", "", 1.0)
    found = outcome(tmp_path, ended.result)
    assert found is not None
    assert found.parent.parent == uploads_folder(tmp_path)
    assert sorted(one.name for one in found.parent.iterdir()) == ["b.json", "b.safetensors"]
    assert read_about(tmp_path, "uploads", found.parent.name).owner == "her@example.org"
    assert not work_folder(tmp_path, BOTH).exists()
    assert same(found, in_foreground)
    said = queue.log_path(job.id).read_text()
    assert "a.safetensors: " in said
    assert "the classifier answers as on the clean image for" in said


def test_a_killed_training_is_tried_again_by_its_worker(tmp_path):
    longer = replace(BOTH, steps=(replace(FIRST, epochs=100),))
    state = work_folder(tmp_path, longer) / "a.partial.pt"
    queue = JobQueue(tmp_path)
    job = queue.add(longer)
    worker = threading.Thread(target=work, args=(tmp_path,), kwargs={"once": True})
    worker.start()
    wait_for(lambda: state.exists() and queue.get(job.id).pid)
    os.kill(queue.get(job.id).pid, signal.SIGKILL)
    worker.join(120)
    ended = queue.get(job.id)
    assert (ended.state, ended.attempts) == ("done", 2)
    assert outcome(tmp_path, ended.result) is not None


def test_cancelled_it_keeps_what_it_has_for_who_tries_again(tmp_path):
    longer = replace(BOTH, steps=(replace(FIRST, epochs=10_000),))
    state = work_folder(tmp_path, longer) / "a.partial.pt"
    queue = JobQueue(tmp_path)
    job = queue.add(longer)
    worker = threading.Thread(target=work, args=(tmp_path,), kwargs={"once": True})
    worker.start()
    wait_for(state.exists)
    queue.cancel(job.id)
    worker.join(60)
    assert queue.get(job.id).state == "cancelled"
    assert state.exists()
    assert not uploads_folder(tmp_path).exists()


def test_stopped_after_any_epoch_it_goes_on_and_ends_with_the_same_weights(tmp_path, in_foreground):
    asked, begun = iter([False, True, False, True]), []

    def run(should_stop):
        found = []
        try:
            return run_training(BOTH, tmp_path, on_progress=found.append, should_stop=should_stop)
        finally:
            begun.append(found[0].stage)

    # Asked once before each state is saved: the first epoch is kept, the second one is not.
    for _ in range(2):
        with pytest.raises(CancelledError):
            run(lambda: next(asked))
    assert same(run(lambda: False), in_foreground)
    assert begun == [
        "denoiser, step 1 of 2, epoch 1 of 2",
        "denoiser, step 1 of 2, epoch 2 of 2",
        "denoiser, step 2 of 2, epoch 1 of 1",
    ]


def test_images_that_changed_since_it_was_stopped_begin_it_again(tmp_path):
    digits = load_dataset(DataSpec(split="train", max=60))
    images = digits.pixels.transpose(0, 2, 3, 1)
    training = replace(
        BOTH, steps=(replace(FIRST, images=f"npz:{tmp_path / 'a.npz'}", max_images=None),)
    )
    (step,) = training.in_folder(work_folder(tmp_path, training))
    np.savez(tmp_path / "a.npz", x_train=images, y_train=digits.labels)

    def stop(done, total):
        if done > total / 2:
            raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        train_denoiser(step, on_images=stop)
    assert progress_path(Path(step.out)).exists()
    np.savez(tmp_path / "a.npz", x_train=images[::-1], y_train=digits.labels[::-1])
    made = run_training(training, tmp_path)
    alone = train_denoiser(replace(step, out=str(tmp_path / "alone.safetensors")))
    assert same(made, alone.weights)


def test_who_lost_the_job_writes_no_state(tmp_path):
    with pytest.raises(CancelledError):
        run_training(BOTH, tmp_path, owned=lambda: False)
    assert not work_folder(tmp_path, BOTH).exists()


def test_progress_counts_all_steps(tmp_path):
    found = []
    run_training(BOTH, tmp_path, on_progress=found.append)
    assert found[0].stage == "denoiser, step 1 of 2, epoch 1 of 2"
    assert found[-1].stage == "denoiser, step 2 of 2, epoch 1 of 1"
    assert [one.done for one in found] == sorted(one.done for one in found)
    assert {one.total for one in found} == {found[-1].done}


def test_a_file_that_a_command_names_stays_there(tmp_path):
    out = tmp_path / "own" / "mine.safetensors"
    spec = replace(FIRST, out=str(out), epochs=1)
    assert run_training(Training((spec,)), tmp_path / "store") == out
    assert out.exists()
    assert not uploads_folder(tmp_path / "store").exists()


def test_a_training_that_fails_says_why(tmp_path):
    queue = JobQueue(tmp_path)
    nothing = replace(FIRST, images=str(tmp_path / "nothing"))
    job = queue.add(Training((nothing,), keep=True))
    work(tmp_path, once=True)
    assert (queue.get(job.id).state, queue.get(job.id).result) == ("failed", "")
    assert "no folder" in queue.get(job.id).error


def test_the_same_training_is_queued_once_and_runs_beside_others(tmp_path):
    queue = JobQueue(tmp_path)
    one, again = queue.add(BOTH), queue.add(BOTH)
    other = queue.add(replace(BOTH, steps=(FIRST,)))
    assert one.id == again.id != other.id
    assert scope_of(one.spec) != scope_of(other.spec)
    assert {queue.claim().id, queue.claim().id} == {one.id, other.id}


TRAININGS = [
    BOTH,
    Training((TrainSpec("digits_resnet", "x/c.safetensors", mean=(0.5,), std=(0.2,), start="w"),)),
    denoiser_training(ModelSpec("m.onnx"), DataSpec("npz", "d.npz"), 0.25, against=False),
    finetuning(CLEAN, DataSpec(channels=1), 0.5, arch="digits_resnet", size_bytes=5),
]


@pytest.mark.parametrize("training", TRAININGS, ids=lambda one: one.title)
def test_a_training_is_what_its_json_says(training):
    assert Training.from_dict(json.loads(json.dumps(training.to_dict()))) == training


@pytest.mark.parametrize(
    "described",
    [{"training": []}, {"training": [{"kind": "other"}], "keep": True}, {"training": 3}],
)
def test_what_describes_no_training_is_refused(described):
    whole = {"keep": False, "model": None, "size_bytes": 0, **described}
    with pytest.raises(SpecError):
        Training.from_dict(whole)


def test_what_the_store_keeps_has_no_folder():
    with pytest.raises(SpecError, match="without a folder"):
        Training((replace(FIRST, out="/tmp/x.safetensors"),), keep=True)


def test_titles_say_what_is_trained():
    assert [one.title for one in TRAININGS] == [
        "denoiser for shipped:digits-clean, sigma 0.5",
        "fine-tuning w, sigma 0.5",
        "denoiser for m.onnx, sigma 0.25",
        "fine-tuning shipped:digits-clean, sigma 0.5",
    ]


def test_paths_mean_the_same_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = DenoiserSpec("pictures", "d.safetensors", (0.5,), against="shipped:x", start="s")
    (found,) = Training((spec,)).from_anywhere().steps
    assert isinstance(found, DenoiserSpec)
    assert (found.images, found.out) == (f"{tmp_path}/pictures", f"{tmp_path}/d.safetensors")
    assert (found.against, found.start) == ("shipped:x", f"{tmp_path}/s")
    npz = replace(spec, images="npz:a.npz")
    (found,) = Training((npz,)).from_anywhere().steps
    assert found.images == f"npz:{tmp_path}/a.npz"
    classifier = TrainSpec("resnet20", "c.safetensors", data="npz", root="a.npz")
    (found,) = Training((classifier,)).from_anywhere().steps
    assert (found.out, found.root) == (f"{tmp_path}/c.safetensors", f"{tmp_path}/a.npz")


@pytest.mark.parametrize(
    ("shape", "levels"), [((8, 8), 2), ((28, 28), 2), ((32, 32), 3), ((30, 34), 1), ((7, 7), 0)]
)
def test_levels_fit_the_images(shape, levels):
    assert fitting_levels(*shape) == levels


def test_a_store_that_was_moved_still_finds_what_was_trained(tmp_path):
    made = tmp_path / "there" / "uploads" / "abc" / "d.safetensors"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"x")
    assert outcome(tmp_path / "there", "/gone/store/uploads/abc/d.safetensors") == made
    assert outcome(tmp_path / "there", "") is None
    assert outcome(tmp_path, str(Path("/gone/e.safetensors"))) is None
