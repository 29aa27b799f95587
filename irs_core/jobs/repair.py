"""Jobs whose holder is gone go back to the queue, and with them goes what still ran of it."""

import contextlib
import os
import signal
import sqlite3
import time

from irs_core.jobs.job import State
from irs_core.jobs.lease import MAX_ATTEMPTS, why_lost
from irs_core.store.process import parse

# How long a killed process may take to disappear.
_END_SECONDS = 2.0
# Before every job that waits, wherever moves have put those.
_FIRST = "(SELECT COALESCE(MIN(position), 0) - 1 FROM jobs WHERE state = 'queued')"


def repair(db: sqlite3.Connection) -> list[int]:
    """Take their jobs from holders that lost them, and forget workers that are gone.

    Args:
        db: In a transaction that may write.

    Returns:
        The jobs.
    """
    found = []
    # The last first, so that several that go back to the front keep their order.
    for row in db.execute(
        "SELECT * FROM jobs WHERE state = 'running' ORDER BY position DESC"
    ).fetchall():
        why = why_lost(db, subject(row), row["worker"], row["heartbeat"])
        if why:
            put_back(db, row, why)
            found.append(int(row["id"]))
    forget_workers(db)
    db.execute(
        "DELETE FROM sightings WHERE subject NOT IN (SELECT process FROM roster UNION ALL"
        " SELECT 'job ' || id || ' ' || fence FROM jobs WHERE state = 'running')"
    )
    return found[::-1]


def forget_workers(db: sqlite3.Connection) -> None:
    """Strike workers that are gone or silent off the roster.

    Their jobs stay as they are, so that a job may ask for a worker without ending itself.
    """
    for row in db.execute("SELECT * FROM roster").fetchall():
        if why_lost(db, row["process"], row["process"], row["beat"]):
            db.execute("DELETE FROM roster WHERE process = ?", (row["process"],))


def subject(row: sqlite3.Row) -> str:
    """What the holder of a running job holds."""
    return f"job {row['id']} {row['fence']}"


def put_back(db: sqlite3.Connection, row: sqlite3.Row, why: str, *, attempted: bool = True) -> None:
    """End what runs of a job and give it back to the queue, first in line.

    One that is to be cancelled, or was interrupted too often, ends instead.

    Args:
        why: What happened, in words.
        attempted: It counts as an attempt; False where its worker stops by itself.
    """
    _end(row["process"])
    state: State = "queued"
    note, error = f"{why}; the job goes on from what is stored", ""
    if row["cancel"]:
        state, note = "cancelled", ""
    elif attempted and row["attempts"] >= MAX_ATTEMPTS:
        state, note = "failed", ""
        error = f"interrupted {MAX_ATTEMPTS} times, the last time because {why}"
    db.execute(
        f"UPDATE jobs SET state = ?, position = {_FIRST}, note = ?, error = ?, ended = ?,"
        " worker = NULL, heartbeat = NULL, process = '', cancel = 0, attempts = attempts - ?"
        " WHERE id = ?",
        (
            state,
            note,
            error,
            None if state == "queued" else time.time(),
            0 if attempted else 1,
            row["id"],
        ),
    )


def _end(text: str) -> None:
    """Kill a job's process and its group, where it is of this machine, and see it gone.

    It may be stopped in the middle of a write with a lock in its hand: only its end frees that.
    """
    job = parse(text)
    if job is None or not job.here or job.condition() == "gone":
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # The job's process leads its group; anything else is not ours to end.
        if os.getpgid(job.pid) == job.pid:
            os.killpg(job.pid, signal.SIGKILL)
    deadline = time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.01)
        if job.condition() == "gone":
            return
