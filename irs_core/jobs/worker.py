"""The worker: claims jobs and runs each in a child process of its own."""

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from irs_core.errors import CancelledError, IrsError, StoreError
from irs_core.jobs.job import Job, State
from irs_core.jobs.lease import MAX_ATTEMPTS, worker_name
from irs_core.jobs.queue import JobQueue
from irs_core.run.options import Progress
from irs_core.sandbox.opening import confine

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
BEAT_SECONDS = 2.0
GRACE_SECONDS = 3.0
IDLE_EXIT_SECONDS = 3600.0
# Exit code of a job's process that stopped because its worker is gone.
STOPPED = 3


def work(
    root: Path, *, once: bool = False, single: bool = False, idle_exit: float = IDLE_EXIT_SECONDS
) -> None:
    """Run jobs of a store until idle for `idle_exit` seconds.

    Args:
        once: Stop as soon as nothing waits.
        single: Stop at once if another single worker serves this store.
    """
    # SIGTERM ends the worker as Ctrl-C does: the running job goes back through the cleanup.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    queue = JobQueue(root)
    name = worker_name()
    with _only_one(root) if single else contextlib.nullcontext(True) as first:
        if not first:
            return
        try:
            _serve(queue, name, once=once, idle_exit=idle_exit)
        except KeyboardInterrupt:
            logger.info("the worker was asked to stop")
        finally:
            queue.worker_gone(name)


def _serve(queue: JobQueue, name: str, *, once: bool, idle_exit: float) -> None:
    idle_since, beaten = time.monotonic(), 0.0
    while True:
        try:
            if time.monotonic() - beaten > BEAT_SECONDS:
                queue.worker_beat(name, os.getpid())
                beaten = time.monotonic()
            job = queue.claim(name)
            if job is not None:
                _run(queue, name, job)
                idle_since = time.monotonic()
                continue
        except StoreError as error:
            # A full or slow disk may recover; the lease covers a job that could not be filed.
            logger.error("%s", error)
        if once or time.monotonic() - idle_since > idle_exit:
            return
        time.sleep(POLL_SECONDS)


def _run(queue: JobQueue, name: str, job: Job) -> None:
    log = queue.log_path(job.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "irs_core",
        "jobs",
        "run",
        str(job.id),
        "--store",
        str(queue.root),
        "--parent",
        str(os.getpid()),
    ]
    with log.open("ab") as output:
        # A session of its own makes the child the leader of a group that can be ended as a whole.
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        cancelled = _watch(queue, name, job, child)
    except KeyboardInterrupt:
        _end_group(child)
        queue.requeue(job.id, name, attempted=False)
        raise
    finally:
        _end_group(child)
    if not cancelled and child.returncode < 0 and job.attempts < MAX_ATTEMPTS:
        logger.warning("job %s was killed by signal %s; trying again", job.id, -child.returncode)
        queue.requeue(job.id, name)
        return
    try:
        queue.finish(job.id, name, *_outcome(queue, job, child, cancelled=cancelled))
    except StoreError as error:
        # Nobody else writes any more, so the reserve is room enough for this one line.
        queue.free_reserve()
        state: State = "cancelled" if cancelled else "failed"
        queue.finish(job.id, name, state, "" if cancelled else str(error))


def _outcome(
    queue: JobQueue, job: Job, child: "subprocess.Popen[bytes]", *, cancelled: bool
) -> tuple[State, str]:
    if cancelled:
        return "cancelled", ""
    if child.returncode == 0:
        return "done", ""
    said = queue.get(job.id).error
    return "failed", said or f"its process ended with code {child.returncode}; see the log"


def _watch(queue: JobQueue, name: str, job: Job, child: "subprocess.Popen[bytes]") -> bool:
    """Wait for the child, renewing the lease; True if it was stopped on request."""
    beaten = 0.0
    while child.poll() is None:
        if time.monotonic() - beaten > BEAT_SECONDS:
            beaten = time.monotonic()
            with contextlib.suppress(StoreError):
                queue.worker_beat(name, os.getpid())
            with contextlib.suppress(StoreError):
                if not queue.beat(job.id, name, child.pid):
                    logger.warning("job %s is no longer ours; ending its process", job.id)
                    return False
        with contextlib.suppress(StoreError):
            if queue.get(job.id).cancel:
                return True
        time.sleep(POLL_SECONDS)
    return False


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    for order in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, order)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)


@contextlib.contextmanager
def _only_one(root: Path) -> Iterator[bool]:
    root.mkdir(parents=True, exist_ok=True)
    with (root / "worker.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def ensure_worker(root: Path) -> bool:
    """Start a detached worker if none is alive; False where processes may not be started.

    Its output goes to `logs/worker.log` below the store.
    """
    if JobQueue(root).live_workers():
        return True
    log = root / "logs" / "worker.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            subprocess.Popen(
                [sys.executable, "-m", "irs_core", "worker", "--single", "--store", str(root)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        logger.warning("cannot start a worker: %s", error)
        return False
    return True


def run_job(root: Path, job_id: int, parent: int | None = None) -> int:
    """Run one claimed job in this process; the exit code says how it ended.

    Args:
        parent: Process id of the worker, which may be gone before this process looks; None for
            the parent that it finds.
    """
    # Only the child that runs a study pays for importing torch.
    from irs_core.run.study import run_study
    from irs_core.store import Library

    queue = JobQueue(root)
    job = queue.get(job_id)
    worker = os.getppid() if parent is None else parent
    reporter = _Reporter(queue, job_id)

    def should_stop() -> bool:
        # Without its worker nobody renews the lease, and somebody else will take the job.
        return os.getppid() != worker

    if should_stop():
        return STOPPED
    if job.options.folders is not None:
        confine([Path(one) for one in job.options.folders])
    try:
        run_study(
            job.spec,
            Library(root),
            options=job.options,
            until=job.until,
            on_progress=reporter,
            should_stop=should_stop,
        )
    except CancelledError:
        return STOPPED
    except IrsError as error:
        logger.error("%s", error)
        with contextlib.suppress(StoreError):
            queue.note_error(job_id, str(error))
        return 2
    reporter.flush()
    return 0


class _Reporter:
    """Writes progress at most twice a second."""

    def __init__(self, queue: JobQueue, job_id: int) -> None:
        self._queue, self._job_id = queue, job_id
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
                self._queue.report(self._job_id, self._last)
            self._written = time.monotonic()
