"""Actions on jobs: start, cancel, try again, move, read what they print."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from irs_core.actions.acting import Acting, only_one, require, taking
from irs_core.actions.tidy import tidy
from irs_core.actions.uploads import check_room
from irs_core.jobs import Job, JobQueue, ensure_worker
from irs_core.people import Action, Role
from irs_core.run.options import RunOptions, Until
from irs_core.spec.study import StudySpec
from irs_core.store import Library, Study
from irs_core.store.about import read_about, stored_path, write_about
from irs_core.train.task import Training

LOG_BYTES = 8_000


def launch(
    acting: Acting,
    spec: StudySpec,
    options: RunOptions | None = None,
    until: Until = "end",
    *,
    check: Callable[[], object] = lambda: None,
    action: Action = Action.LAUNCH,
    reuse: Study | None = None,
) -> Job:
    """Queue a study, which belongs to whoever asks for it first.

    Args:
        check: Raises where the study cannot be run; called before anything is changed.
        action: `LAUNCH`, or `DRAW_MORE` for a study that goes on where another was undecided.
        reuse: A study that comes along, whose draws of the original are used again.

    Raises:
        NotAllowedError: They may not.
        IrsError: `check` or the queue refuses.
    """
    with taking(acting, action, spec.id):
        check()
        queue = JobQueue(acting.root)
        with only_one(acting.root):
            if reuse is not None:
                Library(acting.root).take_over(reuse)
            if _is_unknown(queue, spec):
                about = read_about(acting.root, "studies", spec.id)
                own = replace(about, owner=acting.person.name)
                write_about(acting.root, "studies", spec.id, own)
            job = queue.add(spec, options, until, owner=acting.person.name)
    tidy(acting.root)
    return job


def _is_unknown(queue: JobQueue, spec: StudySpec) -> bool:
    """Whether a study is neither stored nor about to be."""
    if stored_path(queue.root, "studies", spec.id).exists():
        return False
    return not any(job.study == spec.id and job.active for job in queue.jobs())


def cancel(acting: Acting, job_id: int) -> None:
    """Stop a job; what it computed is kept.

    Raises:
        NotAllowedError: They may not.
        JobError: There is none of that id.
    """
    job = JobQueue(acting.root).get(job_id)
    with taking(acting, Action.CANCEL, _name(job), owner=job.owner):
        JobQueue(acting.root).cancel(job_id)


def retry(acting: Acting, job_id: int) -> None:
    """Queue an ended job again, and see that a worker is alive; it goes on from what is stored.

    Raises:
        NotAllowedError: They may not.
        JobError: There is none of that id, or it has not ended.
        SpecError: What it trains for the store has no room there.
    """
    job = JobQueue(acting.root).get(job_id)
    with taking(acting, Action.RETRY, _name(job), owner=job.owner):
        if isinstance(job.spec, Training) and not job.active:
            check_room(acting, job.spec.size_bytes)
        JobQueue(acting.root).retry(job_id)
        ensure_worker(acting.root)


def move(acting: Acting, job_id: int, places: int) -> None:
    """Move a waiting job by some places, negative towards the front.

    Admins move it past every other; others only past their own, so that nobody else waits longer.

    Raises:
        NotAllowedError: They may not.
        JobError: There is none of that id, or it does not wait.
    """
    job = JobQueue(acting.root).get(job_id)
    with taking(acting, Action.REORDER, _name(job), owner=job.owner):
        among = None if acting.person.role == Role.ADMIN else acting.person.name
        JobQueue(acting.root).move(job_id, places, among=among)


def start_worker(acting: Acting) -> bool:
    """Start a worker if none is alive; False where processes may not be started.

    Raises:
        NotAllowedError: They may not.
    """
    with taking(acting, Action.START_WORKER):
        return ensure_worker(acting.root)


def read_log(acting: Acting, job_id: int, size: int = LOG_BYTES) -> str:
    """The end of what a job printed; empty where it printed nothing.

    Args:
        size: Bytes to read at most.

    Raises:
        NotAllowedError: They may not.
        JobError: There is none of that id.
    """
    job = JobQueue(acting.root).get(job_id)
    require(acting, Action.READ_LOG, _name(job), owner=job.owner)
    return _end(JobQueue(acting.root).log_path(job_id), size)


def _end(path: Path, size: int) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - size))
        return log.read().decode(errors="replace")


def _name(job: Job) -> str:
    what = "training " if isinstance(job.spec, Training) else ""
    return f"job {job.id} ({what}{job.study})"
