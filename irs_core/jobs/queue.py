"""The queue: one SQLite table that is the only truth about jobs."""

import json
import sqlite3
import time
from dataclasses import asdict
from pathlib import Path

from irs_core.errors import JobError
from irs_core.jobs.job import ACTIVE, Job, State, details_text, evidence_scope, job_of
from irs_core.jobs.lease import LEASE_SECONDS, MAX_ATTEMPTS, worker_is_dead
from irs_core.jobs.table import Database
from irs_core.run.options import Progress, RunOptions, Until
from irs_core.spec.study import StudySpec

# The row that a worker may change: its own, and only while nobody else took it over.
_HELD = "id = ? AND worker = ? AND state = 'running'"
# Before every job that waits, wherever moves have put those.
_FIRST = "(SELECT COALESCE(MIN(position), 0) - 1 FROM jobs WHERE state = 'queued')"


class JobQueue:
    """Jobs of one store. Every call has its own connection: any process or thread may use it."""

    def __init__(self, root: Path) -> None:
        """Use the store at `root`; the table is made if it is not there."""
        self.root = root
        self._database = Database(root)

    def log_path(self, job_id: int) -> Path:
        """Where a job's output goes."""
        return self.root / "logs" / f"job-{job_id}.log"

    def add(
        self,
        spec: StudySpec,
        options: RunOptions | None = None,
        until: Until = "end",
        owner: str = "",
    ) -> Job:
        """Queue a study. The same one already waiting or running as far is returned instead.

        Args:
            owner: Name of whom the job belongs to; empty for nobody.
        """
        now = time.time()
        self._database.keep_reserve()
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT id FROM jobs WHERE study = ? AND until = ?"
                f" AND state IN {ACTIVE} AND cancel = 0",
                (spec.id, until),
            ).fetchone()
            job_id = (
                row["id"]
                if row
                else db.execute(
                    "INSERT INTO jobs"
                    " (study, scope, spec, options, until, position, created, owner)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        spec.id,
                        evidence_scope(spec.to_dict()),
                        json.dumps(spec.to_dict()),
                        json.dumps(asdict(options or RunOptions())),
                        until,
                        now,
                        now,
                        owner,
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
        with self._database.transaction(write=False) as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise JobError(f"no job {job_id}")
        return job_of(row)

    def jobs(self) -> list[Job]:
        """All jobs: running, then waiting in their order, then ended, latest first."""
        with self._database.transaction(write=False) as db:
            rows = db.execute(
                "SELECT * FROM jobs"
                " ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END,"
                " CASE WHEN state = 'queued' THEN position ELSE -COALESCE(ended, created) END"
            ).fetchall()
        return [job_of(row) for row in rows]

    def claim(self, worker: str) -> Job | None:
        """Take the next waiting job, or None. No two workers ever get the same one.

        A job waits while another one of the same scope runs, so that evidence that both need is
        computed once.
        """
        now = time.time()
        with self._database.transaction() as db:
            self._requeue_stale(db, now)
            row = db.execute(
                "SELECT id FROM jobs WHERE state = 'queued' AND scope NOT IN"
                " (SELECT scope FROM jobs WHERE state = 'running') ORDER BY position LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE jobs SET state = 'running', worker = ?, heartbeat = ?, started = ?,"
                " ended = NULL, attempts = attempts + 1, error = '', stage = '', done = 0,"
                " total = 0, rate = 0, progress = '' WHERE id = ?",
                (worker, now, now, row["id"]),
            )
        return self.get(row["id"])

    def beat(self, job_id: int, worker: str, pid: int) -> bool:
        """Renew the lease. False: it is no longer this worker's, stop the child."""
        with self._database.transaction() as db:
            return (
                db.execute(
                    f"UPDATE jobs SET heartbeat = ?, pid = ? WHERE {_HELD}",
                    (time.time(), pid, job_id, worker),
                ).rowcount
                == 1
            )

    def report(self, job_id: int, progress: Progress) -> None:
        """Store a job's progress."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE jobs SET stage = ?, done = ?, total = ?, rate = ?, progress = ?"
                " WHERE id = ?",
                (
                    progress.stage,
                    progress.done,
                    progress.total,
                    progress.rate,
                    details_text(progress),
                    job_id,
                ),
            )

    def finish(self, job_id: int, worker: str, state: State, error: str = "") -> None:
        """End a job, if this worker still holds it."""
        with self._database.transaction() as db:
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
        with self._database.transaction() as db:
            db.execute(
                "UPDATE jobs SET state = 'queued', worker = NULL, pid = NULL,"
                f" position = {_FIRST}, attempts = attempts - ? WHERE {_HELD}",
                (0 if attempted else 1, job_id, worker),
            )

    def note_error(self, job_id: int, error: str) -> None:
        """Leave the sentence that explains a failure, for the worker to file."""
        with self._database.transaction() as db:
            db.execute("UPDATE jobs SET error = ? WHERE id = ?", (error, job_id))

    def cancel(self, job_id: int) -> None:
        """Ask for a stop: at once where it waits, by its worker where it runs."""
        with self._database.transaction() as db:
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
        with self._database.transaction() as db:
            changed = db.execute(
                "UPDATE jobs SET state = 'queued', position = ?, attempts = 0, cancel = 0,"
                f" error = '' WHERE id = ? AND state NOT IN {ACTIVE}",
                (time.time(), job_id),
            ).rowcount
        if not changed:
            raise JobError(f"job {job_id} has not ended, so it cannot be started again")

    def move(self, job_id: int, places: int, among: str | None = None) -> None:
        """Move a waiting job by some places, negative towards the front.

        Args:
            among: Only past jobs of this owner; those of others keep their places.

        Raises:
            JobError: It is not waiting.
        """
        with self._database.transaction() as db:
            rows = db.execute(
                "SELECT id, owner FROM jobs WHERE state = 'queued' ORDER BY position"
            ).fetchall()
            order = [row["id"] for row in rows]
            slots = [at for at, row in enumerate(rows) if among in (None, row["owner"])]
            moving = [order[at] for at in slots]
            if job_id not in moving:
                raise JobError(f"job {job_id} is not waiting, so it cannot be moved")
            at = moving.index(job_id)
            moving.insert(max(0, min(len(moving) - 1, at + places)), moving.pop(at))
            for slot, one in zip(slots, moving, strict=True):
                order[slot] = one
            # Positions are times of arrival, so later jobs still come after all of these.
            for place, one in enumerate(order):
                db.execute("UPDATE jobs SET position = ? WHERE id = ?", (place, one))

    def worker_beat(self, name: str, pid: int) -> None:
        """Say that a worker lives."""
        with self._database.transaction() as db:
            db.execute("INSERT OR REPLACE INTO workers VALUES (?, ?, ?)", (name, pid, time.time()))

    def worker_gone(self, name: str) -> None:
        """Say that a worker stopped."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM workers WHERE name = ?", (name,))

    def worker_pids(self) -> list[int]:
        """Process ids of the workers heard of within the lease."""
        with self._database.transaction(write=False) as db:
            rows = db.execute(
                "SELECT pid FROM workers WHERE heartbeat > ?", (time.time() - LEASE_SECONDS,)
            ).fetchall()
        return [int(row["pid"]) for row in rows]

    def live_workers(self) -> int:
        """Workers heard of within the lease."""
        return len(self.worker_pids())

    def free_reserve(self) -> None:
        """Give up the space kept aside, so that a full disk can still be written down as such."""
        self._database.free_reserve()

    def _requeue_stale(self, db: sqlite3.Connection, now: float) -> None:
        # The last first, so that several that go back to the front keep their order.
        running = db.execute(
            "SELECT * FROM jobs WHERE state = 'running' ORDER BY position DESC"
        ).fetchall()
        for row in running:
            if row["heartbeat"] >= now - LEASE_SECONDS and not worker_is_dead(row["worker"]):
                continue
            state, error = "queued", ""
            if row["cancel"]:
                state = "cancelled"
            elif row["attempts"] >= MAX_ATTEMPTS:
                state, error = "failed", f"its process disappeared {MAX_ATTEMPTS} times"
            db.execute(
                f"UPDATE jobs SET state = ?, position = {_FIRST}, error = ?, ended = ?,"
                " worker = NULL, pid = NULL WHERE id = ?",
                (state, error, None if state == "queued" else now, row["id"]),
            )
