"""The process of one job: it runs the study, and sees to it that somebody watches over it."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from irs_core.errors import CancelledError, IrsError, StoreError
from irs_core.jobs.job import Job
from irs_core.jobs.lease import Lease
from irs_core.jobs.queue import JobQueue
from irs_core.jobs.supply import ensure_worker
from irs_core.jobs.training import run_training, work_folder
from irs_core.run.options import Progress
from irs_core.sandbox.opening import confine
from irs_core.spec.study import StudySpec
from irs_core.store.process import process
from irs_core.train.task import Training

logger = logging.getLogger(__name__)

# Exit code of a job's process that stopped because the job is no longer its own.
STOPPED = 3
_LOOK_SECONDS = 2.0


def run_job(root: Path, lease: Lease, parent: int | None = None) -> int:
    """Run one claimed job in this process; the exit code says how it ended.

    Args:
        lease: Of the worker that claimed it.
        parent: Process id of the worker, which may be gone before this process looks; None for
            the parent that it finds.
    """
    queue = JobQueue(root)
    worker = os.getppid() if parent is None else parent

    def owned() -> bool:
        # A queue that cannot be read just now takes nothing away.
        with contextlib.suppress(StoreError):
            return queue.holds(lease)
        return True

    def should_stop() -> bool:
        return os.getppid() != worker or not owned()

    ended = threading.Event()
    threading.Thread(target=_watch, args=(queue, lease, worker, ended), daemon=True).start()
    try:
        return STOPPED if should_stop() else _run(queue, lease, should_stop, owned)
    finally:
        _await_answer(worker, owned)
        ended.set()
        if os.getppid() != worker:
            # It ends before the thread would look, and nobody else may be there to go on.
            with contextlib.suppress(StoreError):
                ensure_worker(root)


def _run(
    queue: JobQueue, lease: Lease, should_stop: Callable[[], bool], owned: Callable[[], bool]
) -> int:
    job, reporter = queue.get(lease.job), _Reporter(queue, lease)
    if job.options.folders is not None:
        own = [work_folder(queue.root, job.spec)] if isinstance(job.spec, Training) else []
        confine([*map(Path, job.options.folders), *(one.resolve() for one in own)])
    try:
        if isinstance(job.spec, Training):
            made = run_training(
                job.spec,
                queue.root,
                owner=job.owner,
                on_progress=reporter,
                should_stop=should_stop,
                owned=owned,
            )
            queue.note_result(lease, made)
        else:
            _run_study(job.spec, job, queue.root, reporter, should_stop, owned)
    except CancelledError:
        return STOPPED
    except IrsError as error:
        logger.error("%s", error)
        with contextlib.suppress(StoreError):
            queue.note_error(lease, str(error))
        return 2
    reporter.flush()
    return 0


def _run_study(
    spec: StudySpec,
    job: Job,
    root: Path,
    reporter: "_Reporter",
    should_stop: Callable[[], bool],
    owned: Callable[[], bool],
) -> None:
    # Only the child that runs a study pays for importing torch.
    from irs_core.goals.settling import settled
    from irs_core.run.study import run_study
    from irs_core.store import Library

    library = Library(root)
    run_study(
        spec,
        library,
        options=job.options,
        until=job.until,
        on_progress=reporter,
        should_stop=should_stop,
        owned=owned,
        leave=settled(library, job.options.settle, draws=job.options.most_draws),
    )


def _await_answer(worker: int, owned: Callable[[], bool]) -> None:
    """Wait while the worker is stopped: it files nothing, and only this process starts another.

    That one takes the job over, which ends this process.
    """
    while (found := process(worker)) and found.condition() == "stopped" and owned():
        time.sleep(_LOOK_SECONDS)


def _watch(queue: JobQueue, lease: Lease, worker: int, ended: threading.Event) -> None:
    """Start another worker when this job's own is gone or silent; it takes the job over."""
    while not ended.wait(_LOOK_SECONDS):
        with contextlib.suppress(StoreError):
            if os.getppid() != worker or queue.overdue(lease):
                ensure_worker(queue.root)


class _Reporter:
    """Writes progress at most twice a second."""

    def __init__(self, queue: JobQueue, lease: Lease) -> None:
        self._queue, self._lease = queue, lease
        self._last: Progress | None = None
        self._written = 0.0

    def __call__(self, progress: Progress) -> None:
        self._last = progress
        if time.monotonic() - self._written > 0.5:
            self.flush()

    def flush(self) -> None:
        if self._last is not None:
            # A report that cannot be written is no reason to stop computing.
            with contextlib.suppress(StoreError):
                self._queue.report(self._lease, self._last)
            self._written = time.monotonic()
