import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from synthetic import synthetic_spec

from irs_core.errors import JobError, StoreError
from irs_core.jobs import JobQueue, Roster
from irs_core.jobs.job import evidence_scope
from irs_core.jobs.lease import LEASE_SECONDS, MAX_ATTEMPTS
from irs_core.run.options import Part, Progress, RunOptions
from irs_core.spec.study import NoiseSpec
from irs_core.store.process import Process, process

# A worker on another host, whose process and clock mean nothing here.
ELSEWHERE = Process("far", "0123456789ab", 1, "1")


@pytest.fixture
def queue(tmp_path):
    return JobQueue(tmp_path)


@pytest.fixture
def gone():
    """A process of this machine that ended."""
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = process(ended.pid)
    ended.communicate()
    return found


@pytest.fixture
def stopped():
    """A process of this machine that is stopped, leader of its group."""
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    os.kill(child.pid, signal.SIGSTOP)
    found = process(child.pid)
    while found.condition() != "stopped":
        time.sleep(0.01)
    yield found
    child.kill()
    child.communicate()


def let_pass(queue, seconds=LEASE_SECONDS + 1):
    """Make every sign of life so much older."""
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET heartbeat = heartbeat - ?", (seconds,))
        db.execute("UPDATE roster SET beat = beat - ?", (seconds,))


def be_silent(queue, seconds=LEASE_SECONDS + 1):
    """Make it so much longer ago that signs of life from elsewhere changed."""
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        db.execute("UPDATE sightings SET since = since - ?", (seconds,))


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
    queue.claim()
    assert queue.add(spec()).id == first.id
    queue.finish(queue.get(first.id).lease, "done")
    assert queue.add(spec()).id != first.id


def test_a_job_that_may_run_less_does_not_stand_for_one_that_may_run_programs(queue):
    plain = queue.add(spec())
    free = RunOptions(programs=True, original="a" * 64)
    named = queue.add(spec(), free)
    assert named.id != plain.id
    assert (queue.get(plain.id).options.programs, queue.get(named.id).options) == (False, free)
    # Whoever asks for less gets what is there; another file is another right.
    assert queue.add(spec()).id == plain.id
    assert queue.add(spec(), free).id == named.id
    assert queue.add(spec(), RunOptions(programs=True, original="b" * 64)).id > named.id


def test_a_pilot_is_a_job_of_its_own(queue):
    pilot = queue.add(spec(), until="pilot")
    whole = queue.add(spec())
    assert (pilot.until, whole.until) == ("pilot", "end")
    assert queue.add(spec(), until="pilot").id == pilot.id
    assert queue.add(spec()).id == whole.id


def test_jobs_are_claimed_in_order_and_once(queue):
    ids = [queue.add(spec(seed)).id for seed in range(3)]
    assert [queue.claim().id for _ in range(3)] == ids
    assert queue.claim() is None


def _claim_all(root, results):
    queue = JobQueue(root)
    while (job := queue.claim()) is not None:
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
    queue.claim()
    queue.cancel(running.id)
    queue.cancel(waiting.id)
    assert queue.get(waiting.id).state == "cancelled"
    assert queue.get(running.id).state == "running"
    assert queue.get(running.id).cancel


def test_retry_takes_ended_jobs_only(queue):
    job = queue.add(spec())
    for _ in range(2):
        with pytest.raises(JobError, match="has not ended"):
            queue.retry(job.id)
        queue.claim()
    queue.requeue(queue.get(job.id).lease, "why")
    queue.cancel(job.id)
    queue.retry(job.id)
    assert queue.get(job.id).state == "queued"


def test_a_silent_holder_loses_its_job_and_every_write(queue):
    job = queue.add(spec())
    first = queue.claim()
    assert queue.claim() is None
    let_pass(queue)
    second = queue.claim()
    assert (second.id, second.attempts) == (job.id, 2)
    assert second.lease.fence > first.lease.fence
    assert "gave no sign of life for 15 s" in second.note
    for lease, taken in ((first.lease, False), (second.lease, True)):
        assert queue.holds(lease) is taken
        assert queue.beat(lease, os.getpid()) is taken
        assert queue.report(lease, Progress("s", 1, 2, 0.0)) is taken
        assert queue.note_error(lease, "why") is taken
    before = queue.get(job.id)
    assert not queue.requeue(first.lease, "lost")
    assert not queue.finish(first.lease, "failed", "x")
    assert queue.get(job.id) == before
    assert queue.finish(second.lease, "done")
    assert not queue.report(second.lease, Progress("s", 2, 2, 0.0))


def test_a_retried_job_never_gets_an_earlier_lease(queue):
    job = queue.add(spec())
    first = queue.claim()
    queue.finish(first.lease, "failed", "x")
    queue.retry(job.id)
    assert not queue.holds(first.lease)
    assert queue.claim().lease != first.lease
    assert not queue.holds(first.lease)


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_the_time_of_day_decides_nothing(queue, monkeypatch, jump):
    first = queue.add(spec(0))
    lease = queue.claim().lease
    moved = time.time() + jump
    monkeypatch.setattr(time, "time", lambda: moved)
    second = queue.add(spec(1))
    assert queue.repair() == []
    assert queue.holds(lease)
    third = queue.add(spec(2))
    monkeypatch.undo()
    assert [queue.claim().id for _ in range(2)] == [second.id, third.id]
    assert queue.get(first.id).state == "running"


def test_jobs_that_may_share_evidence_run_one_after_the_other(queue):
    first = queue.add(spec(0))
    second = queue.add(synthetic_spec(n=3000, noise=NoiseSpec(0.5, seed=0)))
    other = queue.add(spec(1))
    lease = queue.claim().lease
    assert lease.job == first.id
    assert queue.claim().id == other.id
    assert queue.claim() is None
    queue.finish(lease, "done")
    assert queue.claim().id == second.id


def test_a_dead_worker_of_this_machine_loses_its_job_at_once(queue, gone):
    job = queue.add(spec())
    queue.claim(gone)
    assert queue.repair() == [job.id]
    found = queue.get(job.id)
    assert found.state == "queued"
    assert found.note.startswith(f"its worker (process {gone.pid}) was killed or ended; ")
    assert queue.repair() == []


def test_a_number_that_another_process_has_now_is_not_its_worker(queue):
    job = queue.add(spec())
    me = process(os.getpid())
    queue.claim(Process(me.node, me.machine, me.pid, "before"))
    assert queue.repair() == [job.id]


def test_a_holder_elsewhere_is_judged_by_its_silence_seen_from_here(queue):
    job = queue.add(spec())
    lease = queue.claim(ELSEWHERE).lease
    # Its clock may say anything.
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET heartbeat = 1e9")
    assert queue.repair() == []
    be_silent(queue)
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET heartbeat = 5")
    assert queue.repair() == []
    assert queue.holds(lease)
    be_silent(queue)
    assert queue.repair() == [job.id]
    assert queue.get(job.id).note.startswith("its worker on far gave no sign of life for 15 s; ")
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        assert db.execute("SELECT COUNT(*) FROM sightings").fetchone()[0] == 0


def test_what_still_runs_of_a_lost_job_is_ended(queue, stopped, gone):
    job = queue.add(spec())
    lease = queue.claim(gone).lease
    assert queue.beat(lease, stopped.pid)
    assert queue.get(job.id).process == stopped
    assert queue.repair() == [job.id]
    assert stopped.condition() == "gone"
    assert queue.get(job.id).process is None


def test_only_a_process_that_leads_its_group_is_ended(queue, gone):
    queue.add(spec())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lease = queue.claim(gone).lease
    queue.beat(lease, child.pid)
    queue.repair()
    assert child.poll() is None
    child.communicate()


@pytest.mark.parametrize("condition", ["gone", "stopped"])
def test_a_job_whose_worker_cannot_answer_is_cancelled_at_once(queue, request, condition):
    job = queue.add(spec())
    queue.claim(request.getfixturevalue(condition))
    queue.cancel(job.id)
    found = queue.get(job.id)
    assert (found.state, found.cancel, found.error) == ("cancelled", False, "")
    queue.retry(job.id)
    assert queue.get(job.id).state == "queued"


def test_a_job_whose_worker_is_dead_is_retried_at_once(queue, gone):
    job = queue.add(spec())
    queue.claim(gone)
    queue.retry(job.id)
    assert queue.get(job.id).state == "queued"


def test_a_job_that_was_to_be_cancelled_ends_with_its_worker(queue):
    job = queue.add(spec())
    queue.claim()
    queue.cancel(job.id)
    assert queue.get(job.id).cancel
    let_pass(queue)
    assert queue.repair() == [job.id]
    assert queue.get(job.id).state == "cancelled"


def test_waiting_jobs_can_be_reordered(queue):
    ids = [queue.add(spec(seed)).id for seed in range(4)]
    queue.move(ids[3], -2)
    queue.move(ids[0], 99)
    late = queue.add(spec(9)).id
    assert [queue.claim().id for _ in range(5)] == [ids[3], ids[1], ids[2], ids[0], late]
    with pytest.raises(JobError, match="not waiting"):
        queue.move(ids[0], 1)


def _add_many(root, first):
    queue = JobQueue(root)
    for seed in range(first, first + 50):
        queue.add(spec(seed))


def test_many_processes_queue_at_once_without_losing_a_job(tmp_path):
    context = multiprocessing.get_context("spawn")
    root = tmp_path / "new"
    workers = [context.Process(target=_add_many, args=(root, 50 * k)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len({job.study for job in JobQueue(root).jobs()}) == 200


def test_attempts_are_bounded(queue, gone):
    job = queue.add(spec())
    for attempt in range(MAX_ATTEMPTS):
        assert queue.claim(gone).attempts == attempt + 1
    assert queue.claim() is None
    failed = queue.get(job.id)
    assert (failed.state, failed.note) == ("failed", "")
    assert failed.error.startswith("interrupted 3 times, the last time because its worker (")
    queue.retry(job.id)
    assert queue.claim().attempts == 1


def test_a_worker_that_stops_by_itself_costs_no_attempt(queue):
    job = queue.add(spec())
    queue.requeue(queue.claim().lease, "its worker was asked to stop", attempted=False)
    assert queue.get(job.id).attempts == 0


def test_progress_and_time_left(queue):
    job = queue.add(spec())
    assert queue.get(job.id).seconds_left is None
    queue.report(queue.claim().lease, Progress("original: counting", 250, 1000, 50.0))
    job = queue.get(job.id)
    assert (job.fraction, job.seconds_left, job.progress.parts) == (0.25, 15.0, ())
    assert job.progress.stage == "original: counting"


def test_progress_per_model_and_stream_comes_back(queue):
    job = queue.add(spec())
    parts = (Part("base", "estimate", 30, 100, 12.5), Part("fp16", "scratch-select", 0, 40))
    reported = Progress("original: counting", 30, 140, 12.5, 8.8, parts)
    queue.report(queue.claim().lease, reported)
    assert queue.get(job.id).progress == reported
    assert queue.get(job.id).seconds_left == 8.8


def test_a_job_that_starts_again_shows_no_old_progress(queue):
    queue.add(spec())
    lease = queue.claim().lease
    queue.report(lease, Progress("s", 30, 140, 12.5, 8.8, (Part("base", "select", 1, 2, 3.0),)))
    queue.requeue(lease, "why")
    assert queue.claim().progress == Progress("", 0, 0, 0.0)


@pytest.mark.parametrize("killed", [False, True])
def test_a_job_given_back_is_first_in_line(queue, killed):
    jobs = [queue.add(spec(seed)) for seed in range(3)]
    lease = queue.claim().lease
    assert lease.job == jobs[0].id
    queue.move(jobs[2].id, -1)
    if killed:
        let_pass(queue)
    else:
        queue.requeue(lease, "why")
    order = [queue.claim().id for _ in jobs]
    assert order == [jobs[0].id, jobs[2].id, jobs[1].id]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"parts": [{"name": 1}]}', "null"])
def test_progress_that_cannot_be_read_is_none(queue, text):
    job = queue.add(spec())
    queue.report(queue.claim().lease, Progress("s", 30, 140, 10.0, 8.8))
    with sqlite3.connect(queue.root / "jobs.sqlite") as db:
        db.execute("UPDATE jobs SET progress = ?", (text,))
    assert queue.get(job.id).progress == Progress("s", 30, 140, 10.0)
    assert queue.get(job.id).seconds_left == 11.0


def _of_version_3(folder):
    """A queue as version 3 left it: a running job of a worker long dead, one waiting, one done."""
    described = json.dumps(spec(0).to_dict()), json.dumps(spec(1).to_dict())
    scopes = [evidence_scope(spec(seed).to_dict()) for seed in range(2)]
    progress = '{"seconds_left": 8.8, "parts": []}'
    with sqlite3.connect(folder / "jobs.sqlite") as db:
        db.executescript((Path(__file__).parent / "queue_version_3.sql").read_text())
        rows = [
            (1, spec(0).id, scopes[0], described[0], "running", 1.7e9, "vm:999999:abcdef", 999999),
            (2, spec(1).id, scopes[1], described[1], "queued", 1.7e9 + 5, None, None),
            (3, spec(1).id, scopes[1], described[1], "done", 1.7e9 - 5, None, None),
        ]
        for row in rows:
            db.execute(
                "INSERT INTO jobs (id, study, scope, spec, options, until, state, position, created"
                ", started, worker, pid, heartbeat, attempts, progress)"
                " VALUES (?, ?, ?, ?, ?, 'end', ?, ?, 1.7e9, 1.7e9, ?, ?, 1.7e9, 1, ?)",
                (*row[:4], json.dumps(asdict(RunOptions())), *row[4:], progress),
            )
        db.execute("INSERT INTO workers VALUES ('vm:999999:abcdef', 999999, 1.7e9)")


def test_a_queue_of_version_3_goes_on(tmp_path):
    _of_version_3(tmp_path)
    queue = JobQueue(tmp_path)
    assert [job.state for job in queue.jobs()] == ["running", "queued", "done"]
    assert queue.get(1).progress.seconds_left == 8.8
    assert Roster(tmp_path).living() == []
    # Nothing is known of its worker, so silence decides.
    assert queue.repair() == []
    be_silent(queue)
    assert queue.repair() == [1]
    assert queue.get(1).note.startswith("its worker gave no sign of life")
    later = queue.add(spec(2))
    assert [queue.claim().id for _ in range(3)] == [1, 2, later.id]
    with sqlite3.connect(tmp_path / "jobs.sqlite") as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 5


@pytest.mark.parametrize("missing", [("until", "scope", "progress"), ("until", "progress")])
def test_older_tables_are_brought_up_to_date(tmp_path, missing):
    _of_version_3(tmp_path)
    with sqlite3.connect(tmp_path / "jobs.sqlite") as db:
        for column in missing:
            db.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
        db.execute("PRAGMA user_version = 1")
    queue = JobQueue(tmp_path)
    assert queue.get(2).until == "end"
    same = queue.add(synthetic_spec(n=3000, noise=NoiseSpec(0.5, seed=1)))
    # Jobs of one scope still run one after the other.
    assert queue.claim().id == 2
    assert queue.claim() is None
    assert queue.get(same.id).state == "queued"


def test_jobs_shows_running_then_waiting_then_ended(queue):
    ids = [queue.add(spec(seed)).id for seed in range(4)]
    queue.cancel(ids[3])
    queue.claim()
    assert [job.id for job in queue.jobs()] == ids


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


def test_what_is_active_of_one_owner(queue):
    first, second = queue.add(spec(0), owner="a"), queue.add(spec(1), owner="a")
    queue.add(spec(2), owner="b")
    assert queue.active("a") == {first.id, second.id}
    queue.cancel(second.id)
    assert queue.active("a") == {first.id}
    assert queue.active("nobody") == set()
