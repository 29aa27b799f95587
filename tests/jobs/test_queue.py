import multiprocessing
import platform
import sqlite3
import subprocess
import sys
import time

import pytest
from synthetic import synthetic_spec

from irs_core.errors import JobError, StoreError
from irs_core.jobs import JobQueue
from irs_core.jobs import queue as queue_module
from irs_core.run.options import Part, Progress, RunOptions
from irs_core.spec.study import NoiseSpec


@pytest.fixture
def queue(tmp_path):
    return JobQueue(tmp_path)


def spec(seed=0):
    return synthetic_spec(noise=NoiseSpec(0.5, seed=seed))


def test_a_job_comes_back_as_it_went_in(queue):
    job = queue.add(spec(), RunOptions("cpu", 64))
    assert queue.get(job.id).spec == spec()
    assert queue.get(job.id).options == RunOptions("cpu", 64)
    assert job.state == "queued"


def test_the_same_study_is_not_queued_twice_while_it_is_active(queue):
    first = queue.add(spec())
    assert queue.add(spec()).id == first.id
    queue.claim("w")
    assert queue.add(spec()).id == first.id
    queue.finish(first.id, "w", "done")
    assert queue.add(spec()).id != first.id


def test_a_pilot_is_a_job_of_its_own(queue):
    pilot = queue.add(spec(), until="pilot")
    whole = queue.add(spec())
    assert (pilot.until, whole.until) == ("pilot", "end")
    assert queue.add(spec(), until="pilot").id == pilot.id
    assert queue.add(spec()).id == whole.id


def test_jobs_are_claimed_in_order_and_once(queue):
    ids = [queue.add(spec(seed)).id for seed in range(3)]
    assert [queue.claim("w").id for _ in range(3)] == ids
    assert queue.claim("w") is None


def _claim_all(root, results):
    queue = JobQueue(root)
    while (job := queue.claim(multiprocessing.current_process().name)) is not None:
        results.put(job.id)


def test_two_workers_never_get_the_same_job(queue):
    ids = {queue.add(spec(seed)).id for seed in range(40)}
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_claim_all, args=(queue.root, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    claimed = [results.get(timeout=60) for _ in ids]
    for worker in workers:
        worker.join(60)
    assert sorted(claimed) == sorted(ids)
    assert results.empty()


def test_cancel_ends_a_waiting_job_at_once_and_flags_a_running_one(queue):
    running, waiting = queue.add(spec(0)), queue.add(spec(1))
    queue.claim("w")
    queue.cancel(running.id)
    queue.cancel(waiting.id)
    assert queue.get(waiting.id).state == "cancelled"
    assert queue.get(running.id).state == "running"
    assert queue.get(running.id).cancel


def test_retry_takes_ended_jobs_only(queue):
    job = queue.add(spec())
    with pytest.raises(JobError, match="has not ended"):
        queue.retry(job.id)
    queue.cancel(job.id)
    queue.retry(job.id)
    assert queue.get(job.id).state == "queued"


def test_a_stale_lease_is_queued_again_and_the_old_worker_loses_it(queue, monkeypatch):
    job = queue.add(spec())
    queue.claim("dead")
    assert queue.claim("alive") is None
    later = time.time() + queue_module.LEASE_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert queue.claim("alive").id == job.id
    assert not queue.beat(job.id, "dead", 1)
    assert queue.beat(job.id, "alive", 2)
    queue.finish(job.id, "dead", "failed", "x")
    assert queue.get(job.id).state == "running"


def test_jobs_that_may_share_evidence_run_one_after_the_other(queue):
    first = queue.add(spec(0))
    second = queue.add(synthetic_spec(n=3000, noise=NoiseSpec(0.5, seed=0)))
    other = queue.add(spec(1))
    assert queue.claim("a").id == first.id
    assert queue.claim("b").id == other.id
    assert queue.claim("c") is None
    queue.finish(first.id, "a", "done")
    assert queue.claim("c").id == second.id


def test_a_dead_worker_of_this_machine_loses_its_job_at_once(queue):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    job = queue.add(spec())
    queue.claim(f"{platform.node()}:{gone.pid}:abcdef")
    assert queue.claim("elsewhere:1:abcdef").id == job.id
    assert queue.claim("third") is None


def test_waiting_jobs_can_be_reordered(queue):
    ids = [queue.add(spec(seed)).id for seed in range(4)]
    queue.move(ids[3], -2)
    queue.move(ids[0], 99)
    late = queue.add(spec(9)).id
    assert [queue.claim("w").id for _ in range(5)] == [ids[3], ids[1], ids[2], ids[0], late]
    with pytest.raises(JobError, match="not waiting"):
        queue.move(ids[0], 1)


def _add_many(root, first):
    queue = JobQueue(root)
    for seed in range(first, first + 25):
        queue.add(spec(seed))


def test_many_processes_queue_at_once_without_losing_a_job(tmp_path):
    context = multiprocessing.get_context("spawn")
    root = tmp_path / "new"
    workers = [context.Process(target=_add_many, args=(root, 25 * k)) for k in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 8
    assert len({job.study for job in JobQueue(root).jobs()}) == 200


def test_attempts_are_bounded(queue, monkeypatch):
    job = queue.add(spec())
    now = time.time()
    for attempt in range(queue_module.MAX_ATTEMPTS):
        monkeypatch.setattr(time, "time", lambda t=now + attempt * 100: t)
        assert queue.claim("w").attempts == attempt + 1
    monkeypatch.setattr(time, "time", lambda: now + 1000)
    assert queue.claim("w") is None
    assert queue.get(job.id).state == "failed"
    assert "disappeared 3 times" in queue.get(job.id).error


def test_progress_and_time_left(queue):
    job = queue.add(spec())
    assert queue.get(job.id).seconds_left is None
    queue.report(job.id, Progress("base on estimate draws", 250, 1000, 50.0))
    job = queue.get(job.id)
    assert (job.fraction, job.seconds_left, job.progress.parts) == (0.25, 15.0, ())
    assert job.progress.stage == "base on estimate draws"


def test_progress_per_model_and_stream_comes_back(queue):
    job = queue.add(spec())
    parts = (Part("base", "estimate", 30, 100, 12.5), Part("fp16", "scratch-select", 0, 40))
    reported = Progress("base on estimate draws", 30, 140, 12.5, 8.8, parts)
    queue.report(job.id, reported)
    assert queue.get(job.id).progress == reported
    assert queue.get(job.id).seconds_left == 8.8


def test_a_job_that_starts_again_shows_no_old_progress(queue):
    job = queue.add(spec())
    queue.claim("w")
    queue.report(job.id, Progress("s", 30, 140, 12.5, 8.8, (Part("base", "select", 1, 2, 3.0),)))
    queue.requeue(job.id, "w")
    assert queue.claim("w").progress == Progress("", 0, 0, 0.0)


@pytest.mark.parametrize("killed", [False, True])
def test_a_job_given_back_is_first_in_line(queue, killed, monkeypatch):
    jobs = [queue.add(spec(seed)) for seed in range(3)]
    assert queue.claim("w").id == jobs[0].id
    queue.move(jobs[2].id, -1)
    if killed:
        monkeypatch.setattr(queue_module, "worker_is_dead", lambda name: name == "w")
    else:
        queue.requeue(jobs[0].id, "w")
    order = [queue.claim("v").id for _ in jobs]
    assert order == [jobs[0].id, jobs[2].id, jobs[1].id]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"parts": [{"name": 1}]}', "null"])
def test_progress_that_cannot_be_read_is_none(queue, text):
    job = queue.add(spec())
    queue.report(job.id, Progress("s", 30, 140, 10.0, 8.8))
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET progress = ?", (text,))
    assert queue.get(job.id).progress == Progress("s", 30, 140, 10.0)
    assert queue.get(job.id).seconds_left == 11.0


@pytest.mark.parametrize(
    "missing",
    [("until", "scope", "progress", "owner"), ("until", "progress", "owner"), ("owner",)],
)
def test_a_table_of_an_older_version_is_brought_up_to_date(queue, missing):
    first = queue.add(spec(0))
    second = queue.add(synthetic_spec(n=3000, noise=NoiseSpec(0.5, seed=0)))
    other = queue.add(spec(1))
    queue.report(first.id, Progress("s", 30, 140, 10.0))
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        for column in missing:
            db.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 1")
    again = JobQueue(queue.root)
    assert again.get(first.id).progress == Progress("s", 30, 140, 10.0)
    assert again.get(first.id).until == "end"
    assert again.get(first.id).owner == ""
    # Jobs of one scope still run one after the other.
    assert [again.claim("w").id for _ in range(2)] == [first.id, other.id]
    assert again.claim("w") is None
    assert again.get(second.id).state == "queued"
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 4


def test_jobs_shows_running_then_waiting_then_ended(queue):
    ids = [queue.add(spec(seed)).id for seed in range(4)]
    queue.cancel(ids[3])
    queue.claim("w")
    assert [job.id for job in queue.jobs()] == ids


def test_workers_are_known_while_they_beat(queue, monkeypatch):
    assert queue.live_workers() == 0
    queue.worker_beat("w", 1)
    assert queue.live_workers() == 1
    later = time.time() + queue_module.LEASE_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert queue.live_workers() == 0


def test_an_unknown_job_is_named(queue):
    with pytest.raises(JobError, match="no job 7"):
        queue.get(7)


def test_what_is_not_a_database_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "jobs.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="the job queue in"):
        JobQueue(tmp_path).jobs()


def test_the_table_uses_a_write_ahead_log(queue):
    queue.add(spec())
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
