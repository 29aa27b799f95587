"""A job that the app queues reads below the listed folders only, whatever was swapped since."""

import os

import numpy as np

from irs_core.jobs import JobQueue, run_job
from irs_core.run.options import RunOptions
from irs_core.sandbox import opening
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec


def test_a_link_that_was_put_there_later_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "_folders", None)
    listed, outside = tmp_path / "listed", tmp_path / "outside"
    listed.mkdir()
    outside.mkdir()
    np.savez(outside / "a.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.arange(4))
    data = DataSpec("npz", str(listed / "a.npz"))
    spec = StudySpec(ModelSpec("shipped:digits-0.50"), data, NoiseSpec(0.5), (), n=10, n_p=(5,))
    queue = JobQueue(tmp_path / "store")
    job = queue.add(spec, RunOptions(folders=(str(listed),)))
    (listed / "a.npz").symlink_to(outside / "a.npz")
    assert queue.get(job.id).options.folders == (str(listed),)
    claimed = queue.claim()
    assert claimed is not None
    assert run_job(tmp_path / "store", claimed.lease, os.getppid()) == 2
    assert not list((tmp_path / "store").rglob("c/*"))
    assert "leads out of the folders" in queue.get(job.id).error
