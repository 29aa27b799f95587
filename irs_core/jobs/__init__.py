"""Background jobs: a queue in SQLite, workers, one child process per job."""

from irs_core.jobs.child import run_job
from irs_core.jobs.job import ACTIVE, Job, State
from irs_core.jobs.lease import Lease
from irs_core.jobs.queue import JobQueue
from irs_core.jobs.roster import Roster
from irs_core.jobs.supply import ensure_worker, keep, tend
from irs_core.jobs.worker import work

__all__ = [
    "ACTIVE",
    "Job",
    "JobQueue",
    "Lease",
    "Roster",
    "State",
    "ensure_worker",
    "keep",
    "run_job",
    "tend",
    "work",
]
