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
from irs_core.jobs import JobQueue, Lease, Roster, ensure_worker, run_job, tend, work
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


@pytest.fixture
def store(tmp_path):
    """A store whose workers, whoever started them, end with the test."""
    yield tmp_path
    for worker in Roster(tmp_path).living():
        os.kill(worker.pid, signal.SIGCONT)
        os.kill(worker.pid, signal.SIGTERM)
        wait_for(lambda worker=worker: not alive(worker.pid), 60)


def start_worker(root):
    command = [sys.executable, "-m", "irs_core", "worker", "--store", str(root)]
    return subprocess.Popen(command)


@pytest.mark.parametrize("order", [signal.SIGKILL, signal.SIGSTOP])
def test_a_job_finds_itself_another_worker_when_its_own_is_gone(store, order):
    queue = JobQueue(store)
    # It may end by itself before a stopped worker is given up, and still has to be filed.
    job = queue.add(replace(SMALL, n=20_000))
    worker = start_worker(store)
    wait_for(lambda: queue.get(job.id).done > 0 and queue.get(job.id).pid)
    first = queue.get(job.id)
    os.kill(worker.pid, order)
    # Nobody helps.
    wait_for(lambda: queue.get(job.id).state == "done", 180)
    ended = queue.get(job.id)
    assert (ended.attempts, alive(first.pid)) == (2, False)
    assert f"its worker (process {worker.pid}) was " in ended.note
    assert not queue.holds(first.lease)
    if order == signal.SIGSTOP:
        os.kill(worker.pid, signal.SIGCONT)
        time.sleep(3)
        assert queue.get(job.id) == ended
    worker.kill()
    worker.wait()


def test_a_stopped_job_is_ended_and_tried_again_by_its_worker(store, monkeypatch):
    monkeypatch.setattr("irs_core.jobs.worker.LEASE_SECONDS", 1.0)
    queue = JobQueue(store)
    job = queue.add(replace(SMALL, n=20_000))
    worker = threading.Thread(target=work, args=(store,), kwargs={"once": True})
    worker.start()
    wait_for(lambda: queue.get(job.id).done > 0 and queue.get(job.id).pid)
    pid = queue.get(job.id).pid
    os.kill(pid, signal.SIGSTOP)
    worker.join(120)
    ended = queue.get(job.id)
    assert (ended.state, ended.attempts, alive(pid)) == ("done", 2, False)
    assert f"its process (process {pid}) was stopped" in ended.note


def test_a_killed_worker_and_job_are_made_good_when_somebody_looks(store):
    queue = JobQueue(store)
    job = queue.add(replace(SMALL, n=20_000))
    worker = start_worker(store)
    wait_for(lambda: queue.get(job.id).done > 0 and queue.get(job.id).pid)
    for pid in (queue.get(job.id).pid, worker.pid):
        os.kill(pid, signal.SIGKILL)
    worker.wait()
    assert tend(store) == [job.id]
    assert queue.get(job.id).state == "queued"
    assert tend(store) == []
    assert len(Roster(store).living()) == 1
    wait_for(lambda: queue.get(job.id).state == "done", 180)


def test_a_job_that_was_taken_over_computes_and_writes_nothing(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr("irs_core.jobs.child.ensure_worker", started.append)
    queue = JobQueue(tmp_path)
    job = queue.add(SMALL)
    lease = queue.claim().lease
    nobody = os.getpid()  # never its own parent
    assert run_job(tmp_path, lease, nobody) == 3
    # Its worker is gone, so it asks for another, and so does the thread that watches.
    assert set(started) == {tmp_path}
    asked = len(started)
    older = Lease(job.id, lease.fence - 1)
    assert run_job(tmp_path, older, os.getppid()) == 3
    command = ["jobs", "run", str(job.id), "--store", str(tmp_path)]
    assert main([*command, "--parent", str(nobody)]) == 3
    assert main([*command, "--fence", str(older.fence)]) == 3
    assert list(tmp_path.glob("evidence/*")) == []
    assert list(tmp_path.glob("studies/*")) == []
    assert run_job(tmp_path, lease, os.getppid()) == 0
    assert len(started) > asked


def test_a_worker_is_started_once_and_serves_the_store(store):
    queue = JobQueue(store)
    job = queue.add(synthetic_spec(n=600, n_p=(100,), n0=50, noise=NoiseSpec(0.5, seed=9)))
    assert ensure_worker(store)
    assert ensure_worker(store)
    assert len(Roster(store).living()) == 1
    wait_for(lambda: queue.get(job.id).state == "done")
    assert ensure_worker(store)
    assert len(Roster(store).living()) == 1


@pytest.mark.parametrize("argument", ["--once", "--idle-exit=0"])
def test_a_worker_without_work_stops(tmp_path, argument):
    subprocess.run(
        [sys.executable, "-m", "irs_core", "worker", argument, "--store", str(tmp_path)],
        check=True,
        timeout=60,
    )
    assert Roster(tmp_path).living() == []
