"""Background jobs: a queue in SQLite, workers, one child process per job."""

from irs_core.jobs.job import ACTIVE, Job, State
from irs_core.jobs.queue import JobQueue
from irs_core.jobs.worker import ensure_worker, run_job, work

__all__ = ["ACTIVE", "Job", "JobQueue", "State", "ensure_worker", "run_job", "work"]
