"""Background jobs: a queue in SQLite, workers, one child process per job."""

from irs_core.jobs.queue import ACTIVE, Job, JobQueue
from irs_core.jobs.worker import ensure_worker, run_job, work

__all__ = ["ACTIVE", "Job", "JobQueue", "ensure_worker", "run_job", "work"]
