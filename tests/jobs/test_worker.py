import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import synthetic_spec

from irs_core.cli.main import main
from irs_core.jobs import JobQueue, ensure_worker, run_job, work
from irs_core.run.study import run_study
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec
from irs_core.store import Library

SMALL = synthetic_spec(n=600, n_p=(100,), n0=50)
LONG = synthetic_spec(n=400_000, n_p=(100,), n0=50, data=DataSpec(max=200))


def wait_for(condition, seconds=90.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_queued_job_ends_done_with_the_same_evidence(tmp_path):
    queue = JobQueue(tmp_path / "a")
    job = queue.add(SMALL)
    work(tmp_path / "a", once=True)
    ended = queue.get(job.id)
    assert (ended.state, ended.error) == ("done", "")
    assert ended.fraction == 1.0
    direct = run_study(SMALL, Library(tmp_path / "b"))
    assert Library(tmp_path / "a").open(SMALL.id).record.digests == direct.digests


def test_a_failing_job_says_why(tmp_path):
    queue = JobQueue(tmp_path)
    job = queue.add(
        synthetic_spec(model=ModelSpec(str(tmp_path / "nothing.safetensors"), arch="digits_resnet"))
    )
    assert work(tmp_path, once=True) == [job.id]
    assert queue.get(job.id).state == "failed"
    assert "nothing.safetensors" in queue.get(job.id).error
    assert "nothing.safetensors" in queue.log_path(job.id).read_text()


def test_cancel_frees_the_process(tmp_path):
    queue = JobQueue(tmp_path)
    job, after = queue.add(LONG), queue.add(SMALL)
    worker = threading.Thread(target=work, args=(tmp_path,), kwargs={"once": True})
    worker.start()
    wait_for(lambda: queue.get(job.id).done > 0)
    pid = queue.get(job.id).pid
    queue.cancel(job.id)
    wait_for(lambda: queue.get(job.id).state == "cancelled", 30)
    assert not alive(pid)
    worker.join(90)
    assert queue.get(after.id).state == "done"


def test_a_killed_job_is_tried_again_by_its_worker(tmp_path):
    queue = JobQueue(tmp_path)
    job = queue.add(replace(SMALL, n=20_000))
    worker = threading.Thread(target=work, args=(tmp_path,), kwargs={"once": True})
    worker.start()
    wait_for(lambda: queue.get(job.id).done > 0 and queue.get(job.id).pid)
    os.kill(queue.get(job.id).pid, signal.SIGKILL)
    worker.join(120)
    ended = queue.get(job.id)
    assert (ended.state, ended.attempts) == ("done", 2)


def test_a_killed_worker_leaves_no_orphan_and_its_job_is_resumed(tmp_path):
    queue = JobQueue(tmp_path)
    job = queue.add(LONG)
    worker = subprocess.Popen(
        [sys.executable, "-m", "irs_core", "worker", "--store", str(tmp_path)]
    )
    try:
        wait_for(lambda: queue.get(job.id).done > 0 and queue.get(job.id).pid)
        child = queue.get(job.id).pid
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    wait_for(lambda: not alive(child), 30)
    assert queue.get(job.id).state == "running"
    wait_for(lambda: queue.claim("next") is not None, 30)
    assert queue.get(job.id).attempts == 2


def test_a_job_whose_worker_was_gone_before_it_began_computes_nothing(tmp_path):
    job = JobQueue(tmp_path).add(SMALL)
    nobody = os.getpid()  # never its own parent
    assert run_job(tmp_path, job.id, nobody) == 3
    assert list(tmp_path.glob("evidence/*")) == []
    command = ["jobs", "run", str(job.id), "--store", str(tmp_path), "--parent", str(nobody)]
    assert main(command) == 3
    assert run_job(tmp_path, job.id, os.getppid()) == 0


def test_a_worker_is_started_once_and_serves_the_store(tmp_path):
    queue = JobQueue(tmp_path)
    job = queue.add(synthetic_spec(n=600, n_p=(100,), n0=50, noise=NoiseSpec(0.5, seed=9)))
    assert ensure_worker(tmp_path)
    assert ensure_worker(tmp_path)
    pid = None
    try:
        wait_for(lambda: queue.get(job.id).state == "done")
        assert ensure_worker(tmp_path)
        assert queue.live_workers() == 1
    finally:
        pid = queue.worker_pids()
        for one in pid:
            os.kill(one, signal.SIGTERM)
    wait_for(lambda: not any(alive(one) for one in pid), 30)


@pytest.mark.parametrize("argument", ["--once", "--idle-exit=0"])
def test_a_worker_without_work_stops(tmp_path, argument):
    subprocess.run(
        [sys.executable, "-m", "irs_core", "worker", argument, "--store", str(tmp_path)],
        check=True,
        timeout=60,
    )
    assert JobQueue(tmp_path).live_workers() == 0
