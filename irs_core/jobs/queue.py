"""The queue: one SQLite table that is the only truth about jobs."""

import contextlib
import errno
import json
import os
import platform
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from irs_core.errors import JobError, StoreError
from irs_core.specs import StudySpec, stable_id
from irs_core.store.files import storage_error
from irs_core.study.options import Progress, RunOptions

State = Literal["queued", "running", "done", "failed", "cancelled"]
ACTIVE: tuple[State, ...] = ("queued", "running")
LEASE_SECONDS = 15.0
MAX_ATTEMPTS = 3
_VERSION = 1
_RESERVE_BYTES = 1 << 17

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study TEXT NOT NULL,
    scope TEXT NOT NULL,
    spec TEXT NOT NULL,
    options TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    position REAL NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    worker TEXT,
    pid INTEGER,
    heartbeat REAL,
    cancel INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    rate REAL NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, position);
CREATE TABLE IF NOT EXISTS workers (
    name TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    heartbeat REAL NOT NULL
);
"""
# The row that a worker may change: its own, and only while nobody else took it over.
_HELD = "id = ? AND worker = ? AND state = 'running'"


@dataclass(frozen=True)
class Job:
    """One row of the table.

    Args:
        created, started, ended, heartbeat: Unix times; None where it has not happened.
        done, total, rate, stage: The progress last reported: predictions, and predictions a second.
        error: Why it failed, one sentence.
    """

    id: int
    study: str
    spec: StudySpec
    options: RunOptions
    state: State
    created: float
    started: float | None
    ended: float | None
    heartbeat: float | None
    pid: int | None
    cancel: bool
    attempts: int
    stage: str
    done: int
    total: int
    rate: float
    error: str

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ACTIVE

    @property
    def fraction(self) -> float:
        """Share done, in [0, 1]."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the measured rate; None before there is one."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


class JobQueue:
    """Jobs of one store. Every call has its own connection: any process or thread may use it."""

    def __init__(self, root: Path) -> None:
        """Use the store at `root`; the table is made if it is not there."""
        self.root = root
        self._path = root / "jobs.sqlite"

    def log_path(self, job_id: int) -> Path:
        """Where a job's output goes."""
        return self.root / "logs" / f"job-{job_id}.log"

    def add(self, spec: StudySpec, options: RunOptions | None = None) -> Job:
        """Queue a study. The same study already waiting or running is returned instead."""
        now = time.time()
        self._keep_reserve()
        with self._transaction() as db:
            row = db.execute(
                f"SELECT id FROM jobs WHERE study = ? AND state IN {ACTIVE} AND cancel = 0",
                (spec.id,),
            ).fetchone()
            job_id = (
                row["id"]
                if row
                else db.execute(
                    "INSERT INTO jobs (study, scope, spec, options, position, created)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        spec.id,
                        evidence_scope(spec),
                        json.dumps(spec.to_dict()),
                        json.dumps(asdict(options or RunOptions())),
                        now,
                        now,
                    ),
                ).lastrowid
            )
        assert job_id is not None
        return self.get(int(job_id))

    def get(self, job_id: int) -> Job:
        """One job.

        Raises:
            JobError: There is none of that id.
        """
        with self._transaction(write=False) as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise JobError(f"no job {job_id}")
        return _job(row)

    def jobs(self) -> list[Job]:
        """All jobs: running, then waiting in their order, then ended, latest first."""
        with self._transaction(write=False) as db:
            rows = db.execute(
                "SELECT * FROM jobs"
                " ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END,"
                " CASE WHEN state = 'queued' THEN position ELSE -COALESCE(ended, created) END"
            ).fetchall()
        return [_job(row) for row in rows]

    def claim(self, worker: str) -> Job | None:
        """Take the next waiting job, or None. No two workers ever get the same one.

        A job waits while another one of the same scope runs, so that evidence that both need is
        computed once.
        """
        now = time.time()
        with self._transaction() as db:
            self._requeue_stale(db, now)
            row = db.execute(
                "SELECT id FROM jobs WHERE state = 'queued' AND scope NOT IN"
                " (SELECT scope FROM jobs WHERE state = 'running') ORDER BY position LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE jobs SET state = 'running', worker = ?, heartbeat = ?, started = ?,"
                " ended = NULL, attempts = attempts + 1, error = '' WHERE id = ?",
                (worker, now, now, row["id"]),
            )
        return self.get(row["id"])

    def beat(self, job_id: int, worker: str, pid: int) -> bool:
        """Renew the lease. False: it is no longer this worker's, stop the child."""
        with self._transaction() as db:
            return (
                db.execute(
                    f"UPDATE jobs SET heartbeat = ?, pid = ? WHERE {_HELD}",
                    (time.time(), pid, job_id, worker),
                ).rowcount
                == 1
            )

    def report(self, job_id: int, progress: Progress) -> None:
        """Store a job's progress."""
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET stage = ?, done = ?, total = ?, rate = ? WHERE id = ?",
                (progress.stage, progress.done, progress.total, progress.rate, job_id),
            )

    def finish(self, job_id: int, worker: str, state: State, error: str = "") -> None:
        """End a job, if this worker still holds it."""
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET state = ?, error = ?, ended = ?, pid = NULL, heartbeat = NULL,"
                f" cancel = 0 WHERE {_HELD}",
                (state, error, time.time(), job_id, worker),
            )

    def requeue(self, job_id: int, worker: str, *, attempted: bool = True) -> None:
        """Give a job back to the queue, first in line.

        Args:
            attempted: It counts as an attempt; False where its worker stops by itself.
        """
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET state = 'queued', worker = NULL, pid = NULL,"
                f" attempts = attempts - ? WHERE {_HELD}",
                (0 if attempted else 1, job_id, worker),
            )

    def note_error(self, job_id: int, error: str) -> None:
        """Leave the sentence that explains a failure, for the worker to file."""
        with self._transaction() as db:
            db.execute("UPDATE jobs SET error = ? WHERE id = ?", (error, job_id))

    def cancel(self, job_id: int) -> None:
        """Ask for a stop: at once where it waits, by its worker where it runs."""
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'queued'",
                (time.time(), job_id),
            )
            db.execute("UPDATE jobs SET cancel = 1 WHERE id = ? AND state = 'running'", (job_id,))

    def retry(self, job_id: int) -> None:
        """Put an ended job back into the queue; it resumes from what is stored.

        Raises:
            JobError: It has not ended.
        """
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE jobs SET state = 'queued', position = ?, attempts = 0, cancel = 0,"
                f" error = '' WHERE id = ? AND state NOT IN {ACTIVE}",
                (time.time(), job_id),
            ).rowcount
        if not changed:
            raise JobError(f"job {job_id} has not ended, so it cannot be started again")

    def move(self, job_id: int, places: int) -> None:
        """Move a waiting job so many places, negative towards the front.

        Raises:
            JobError: It is not waiting.
        """
        with self._transaction() as db:
            rows = db.execute(
                "SELECT id FROM jobs WHERE state = 'queued' ORDER BY position"
            ).fetchall()
            order = [row["id"] for row in rows]
            if job_id not in order:
                raise JobError(f"job {job_id} is not waiting, so it cannot be moved")
            at = order.index(job_id)
            order.insert(max(0, min(len(order) - 1, at + places)), order.pop(at))
            # Positions are times of arrival, so later jobs still come after all of these.
            for place, one in enumerate(order):
                db.execute("UPDATE jobs SET position = ? WHERE id = ?", (place, one))

    def worker_beat(self, name: str, pid: int) -> None:
        """Say that a worker lives."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO workers VALUES (?, ?, ?)", (name, pid, time.time()))

    def worker_gone(self, name: str) -> None:
        """Say that a worker stopped."""
        with self._transaction() as db:
            db.execute("DELETE FROM workers WHERE name = ?", (name,))

    def worker_pids(self) -> list[int]:
        """Process ids of the workers heard of within the lease."""
        with self._transaction(write=False) as db:
            rows = db.execute(
                "SELECT pid FROM workers WHERE heartbeat > ?", (time.time() - LEASE_SECONDS,)
            ).fetchall()
        return [int(row["pid"]) for row in rows]

    def live_workers(self) -> int:
        """Workers heard of within the lease."""
        return len(self.worker_pids())

    def _keep_reserve(self) -> None:
        reserve = self.root / "reserve"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not reserve.exists() and shutil.disk_usage(self.root).free > 2 * _RESERVE_BYTES:
                reserve.write_bytes(os.urandom(_RESERVE_BYTES))
        except OSError:
            reserve.unlink(missing_ok=True)

    def free_reserve(self) -> None:
        """Give up the space kept aside, so that a full disk can still be written down as such."""
        with contextlib.suppress(OSError):
            (self.root / "reserve").unlink(missing_ok=True)

    def _requeue_stale(self, db: sqlite3.Connection, now: float) -> None:
        running = db.execute("SELECT * FROM jobs WHERE state = 'running'").fetchall()
        for row in running:
            if row["heartbeat"] >= now - LEASE_SECONDS and not worker_is_dead(row["worker"]):
                continue
            state, error = "queued", ""
            if row["cancel"]:
                state = "cancelled"
            elif row["attempts"] >= MAX_ATTEMPTS:
                state, error = "failed", f"its process disappeared {MAX_ATTEMPTS} times"
            db.execute(
                "UPDATE jobs SET state = ?, error = ?, ended = ?, worker = NULL, pid = NULL"
                " WHERE id = ?",
                (state, error, None if state == "queued" else now, row["id"]),
            )

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"cannot open the job queue in {self.root}: {error}") from None
        try:
            db.row_factory = sqlite3.Row
            _prepare(db)
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield db
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if "disk" in str(error):
                raise storage_error(self._path, OSError(errno.ENOSPC, str(error))) from error
            raise StoreError(f"the job queue in {self.root} refused: {error}") from error
        finally:
            # Closing rolls back what was not committed.
            db.close()


def evidence_scope(spec: StudySpec) -> str:
    """Equal for studies that may share evidence: the same model, inputs and noise."""
    described = spec.to_dict()
    return stable_id([described["model"], described["data"], described["noise"]])


def worker_name() -> str:
    """A name for this process as a worker, unlike any other."""
    return f"{platform.node()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


def worker_is_dead(name: str) -> bool:
    """Whether a worker ran on this machine and its process is gone; False where unknown."""
    node, _, rest = name.rpartition(":")[0].rpartition(":")
    if node != platform.node() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _prepare(db: sqlite3.Connection) -> None:
    if db.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
        return
    # Switching to the write-ahead log does not wait for others by itself.
    for attempt in range(100):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if attempt == 99:
                raise
            time.sleep(0.05)
    db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")


def _job(row: sqlite3.Row) -> Job:
    fields: dict[str, Any] = {name: row[name] for name in Job.__dataclass_fields__}
    fields["spec"] = StudySpec.from_dict(json.loads(row["spec"]))
    fields["options"] = RunOptions(**json.loads(row["options"]))
    fields["cancel"] = bool(row["cancel"])
    return Job(**fields)
