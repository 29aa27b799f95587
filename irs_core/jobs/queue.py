"""The queue: one SQLite table that is the only truth about jobs."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from irs_core.errors import JobError
from irs_core.jobs.job import ACTIVE, Job, State, details_text, job_of, scope_of
from irs_core.jobs.lease import Lease, clock, stands_still, surely_held
from irs_core.jobs.repair import put_back, repair
from irs_core.jobs.table import Database
from irs_core.run.options import Progress, RunOptions, Until
from irs_core.spec.study import StudySpec
from irs_core.store.process import Process, process, this_process
from irs_core.train.task import Training

# The row that a holder may change: its own, and only while nobody else took it over.
_HELD = "id = ? AND fence = ? AND state = 'running'"
# After every job that ever waited; the time of day decides no order.
_LAST = "(SELECT COALESCE(MAX(position), 0) + 1 FROM jobs)"


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
        spec: StudySpec | Training,
        options: RunOptions | None = None,
        until: Until = "end",
        owner: str = "",
    ) -> Job:
        """Queue a study or a training. The same one already waiting or running as far is returned
        instead, unless it may not run the programs that this one may.

        Args:
            owner: Name of whom the job belongs to; empty for nobody.
        """
        options = options or RunOptions()
        self._database.keep_reserve()
        with self._database.transaction() as db:
            rows = db.execute(
                "SELECT id, options FROM jobs WHERE study = ? AND until = ?"
                f" AND state IN {ACTIVE} AND cancel = 0 ORDER BY id",
                (spec.id, until),
            ).fetchall()
            known = (
                int(row["id"])
                for row in rows
                if RunOptions(**json.loads(row["options"])).covers(options)
            )
            job_id = (
                next(known, None)
                or db.execute(
                    "INSERT INTO jobs (study, scope, spec, options, until, position, created,"
                    " owner)"
                    f" VALUES (?, ?, ?, ?, ?, {_LAST}, ?, ?)",
                    (
                        spec.id,
                        scope_of(spec),
                        json.dumps(spec.to_dict()),
                        json.dumps(asdict(options)),
                        until,
                        time.time(),
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

    def active(self, owner: str) -> set[int]:
        """Ids of the jobs of one owner that wait or run; no more of them is read."""
        with self._database.transaction(write=False) as db:
            rows = db.execute(
                f"SELECT id FROM jobs WHERE state IN {ACTIVE} AND owner = ?", (owner,)
            ).fetchall()
        return {int(row["id"]) for row in rows}

    def repair(self) -> list[int]:
        """Put jobs back whose holder is gone or silent; which ones. Cheap where all is well."""
        with self._database.transaction(write=False) as db:
            held = [
                *db.execute("SELECT worker, heartbeat FROM jobs WHERE state = 'running'"),
                *db.execute("SELECT process, beat FROM roster"),
            ]
        if all(surely_held(holder, beat) for holder, beat in held):
            return []
        with self._database.transaction() as db:
            return repair(db)

    def claim(self, worker: Process | None = None) -> Job | None:
        """Take the next waiting job, or None. No two workers ever get the same one.

        A job waits while another one of the same scope runs, so that evidence that both need is
        computed once.

        Args:
            worker: Who takes it; None for this process.
        """
        with self._database.transaction() as db:
            repair(db)
            row = db.execute(
                "SELECT id FROM jobs WHERE state = 'queued' AND scope NOT IN"
                " (SELECT scope FROM jobs WHERE state = 'running') ORDER BY position LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE jobs SET state = 'running', worker = ?, fence = fence + 1, heartbeat = ?,"
                " started = ?, ended = NULL, attempts = attempts + 1, error = '', stage = '',"
                " done = 0, total = 0, rate = 0, progress = '' WHERE id = ?",
                (str(worker or this_process()), clock(), time.time(), row["id"]),
            )
        return self.get(row["id"])

    def holds(self, lease: Lease) -> bool:
        """Whether a lease is still good: nobody else claimed the job, ended it or put it back."""
        with self._database.transaction(write=False) as db:
            row = db.execute(f"SELECT 1 FROM jobs WHERE {_HELD}", (lease.job, lease.fence))
            return row.fetchone() is not None

    def overdue(self, lease: Lease) -> bool:
        """Whether the holder of a lease is gone or silent, and nobody took the job over yet."""
        with self._database.transaction(write=False) as db:
            row = db.execute(
                f"SELECT worker, heartbeat FROM jobs WHERE {_HELD}", (lease.job, lease.fence)
            ).fetchone()
        return row is not None and not surely_held(row["worker"], row["heartbeat"])

    def waiting(self) -> int:
        """How many jobs wait."""
        with self._database.transaction(write=False) as db:
            row = db.execute("SELECT COUNT(*) FROM jobs WHERE state = 'queued'").fetchone()
        return int(row[0])

    def beat(self, lease: Lease, pid: int) -> bool:
        """Renew a lease and name the job's process. False: it is lost, end that process."""
        running = process(pid)
        return self._change(
            lease, "heartbeat = ?, process = ?", (clock(), "" if running is None else str(running))
        )

    def report(self, lease: Lease, progress: Progress) -> bool:
        """Store a job's progress. False: the lease is lost, and nothing was written."""
        return self._change(
            lease,
            "stage = ?, done = ?, total = ?, rate = ?, progress = ?",
            (
                progress.stage,
                progress.done,
                progress.total,
                progress.rate,
                details_text(progress),
            ),
        )

    def note_error(self, lease: Lease, error: str) -> bool:
        """Leave the sentence that explains a failure, for the worker to file."""
        return self._change(lease, "error = ?", (error,))

    def note_result(self, lease: Lease, path: Path) -> bool:
        """Say which file a training wrote."""
        return self._change(lease, "result = ?", (str(path),))

    def finish(self, lease: Lease, state: State, error: str = "") -> bool:
        """End a job. False: the lease is lost, and nothing was written."""
        return self._change(
            lease,
            "state = ?, error = ?, ended = ?, process = '', worker = NULL, heartbeat = NULL,"
            " cancel = 0",
            (state, error, time.time()),
        )

    def requeue(self, lease: Lease, why: str, *, attempted: bool = True) -> bool:
        """Give a job back to the queue, first in line, as `irs_core.jobs.repair.put_back` does."""
        with self._database.transaction() as db:
            row = db.execute(
                f"SELECT * FROM jobs WHERE {_HELD}", (lease.job, lease.fence)
            ).fetchone()
            if row is not None:
                put_back(db, row, why, attempted=attempted)
        return row is not None

    def _change(self, lease: Lease, what: str, values: Sequence[object]) -> bool:
        with self._database.transaction() as db:
            changed = db.execute(
                f"UPDATE jobs SET {what} WHERE {_HELD}", (*values, lease.job, lease.fence)
            )
            return changed.rowcount == 1

    def cancel(self, job_id: int) -> None:
        """Stop a job: at once where it waits or its worker cannot answer, else by its worker."""
        with self._database.transaction() as db:
            repair(db)
            db.execute(
                "UPDATE jobs SET state = 'cancelled', ended = ? WHERE id = ? AND state = 'queued'",
                (time.time(), job_id),
            )
            db.execute("UPDATE jobs SET cancel = 1 WHERE id = ? AND state = 'running'", (job_id,))
            row = db.execute(
                "SELECT * FROM jobs WHERE id = ? AND state = 'running'", (job_id,)
            ).fetchone()
            if row is not None and stands_still(row["worker"]):
                put_back(db, row, "it was cancelled")

    def retry(self, job_id: int) -> None:
        """Put an ended or interrupted job back into the queue; it resumes from what is stored.

        Raises:
            JobError: It waits already, or it runs.
        """
        with self._database.transaction() as db:
            interrupted = job_id in repair(db)
            changed = db.execute(
                f"UPDATE jobs SET state = 'queued', position = {_LAST}, attempts = 0, cancel = 0,"
                f" note = '', error = '' WHERE id = ? AND state NOT IN {ACTIVE}",
                (job_id,),
            ).rowcount
        if not changed and not interrupted:
            raise JobError(
                f"job {job_id} has not ended: it waits for a worker or runs, so there is nothing to"
                " start again"
            )

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
            # New jobs come after the last of all positions, so after these too.
            for place, one in enumerate(order):
                db.execute("UPDATE jobs SET position = ? WHERE id = ?", (place, one))

    def free_reserve(self) -> None:
        """Give up the space kept aside, so that a full disk can still be written down as such."""
        self._database.free_reserve()
