"""Trainings that are started: room for what they keep, what they use, what is left of them."""

import os
import time

import pytest
from people_at_work import OTHER, RUNNER

from irs_core.actions import jobs, tidy, uploads
from irs_core.actions.training import start_training
from irs_core.errors import CheckpointError, SpecError
from irs_core.jobs import JobQueue
from irs_core.jobs.training import work_folder
from irs_core.people.audit import entries
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train.task import denoiser_training, finetuning


def tuning(weights="shipped:digits-clean", size=1_500_000):
    return finetuning(ModelSpec(weights), DataSpec(), 0.5, arch="digits_resnet", size_bytes=size)


@pytest.fixture
def two_megabytes(monkeypatch):
    monkeypatch.setenv("IRS_UPLOAD_QUOTA_MB", "2:3")


def test_what_trains_takes_room_before_it_is_there(root, by, two_megabytes):
    job = start_training(by(RUNNER), tuning())
    # The same again is the same job.
    assert start_training(by(RUNNER), tuning()).id == job.id
    more = denoiser_training(ModelSpec("shipped:digits-clean"), DataSpec(), 0.5, against=True)
    with pytest.raises(SpecError, match="2 MB, yours"):
        start_training(by(RUNNER), more)
    with pytest.raises(SpecError, match="2 MB, yours"):
        uploads.upload_data(by(RUNNER), "x.npz", bytes(900_000), lambda path: None)
    start_training(by(OTHER), more)
    jobs.cancel(by(RUNNER), job.id)
    uploads.upload_data(by(RUNNER), "x.npz", b"1" + bytes(900_000), lambda path: None)
    with pytest.raises(SpecError, match="2 MB, yours"):
        jobs.retry(by(RUNNER), job.id)
    assert JobQueue(root).get(job.id).state == "cancelled"


def test_what_cannot_be_trained_is_not_queued_and_noted(root, by):
    def refuse():
        raise CheckpointError("it is damaged")

    with pytest.raises(CheckpointError):
        start_training(by(RUNNER), tuning(), check=refuse)
    assert JobQueue(root).jobs() == []
    (entry,) = entries(root)
    assert (entry.action, entry.on, entry.result) == ("train", tuning().id, "failed")


def test_an_upload_that_is_trained_from_is_not_deleted(root, by):
    kept = uploads.upload_data(by(RUNNER), "x.npz", b"1", lambda path: None)
    job = start_training(by(RUNNER), tuning(str(kept.path)))
    assert uploads.uploads(root)[0].used_by == (f"job {job.id}",)


def test_what_nobody_went_on_with_is_removed_with_time(root, by):
    waits = start_training(by(RUNNER), tuning())
    left = tuning(size=7)
    old = time.time() - 100 * 86_400
    for one in (waits.spec, left):
        folder = work_folder(root, one)
        folder.mkdir(parents=True)
        os.utime(folder, (old, old))
    (root / "tidied").unlink(missing_ok=True)
    tidy.tidy(root)
    assert [one.name for one in (root / "training").iterdir()] == [waits.study]
