"""The worker: claims jobs and runs each in a child process of its own."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Literal

from irs_core.errors import StoreError
from irs_core.jobs.job import Job, State
from irs_core.jobs.lease import LEASE_SECONDS
from irs_core.jobs.queue import JobQueue
from irs_core.jobs.roster import Roster
from irs_core.store.files import remove_leftovers
from irs_core.store.process import process, this_process

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
BEAT_SECONDS = 2.0
GRACE_SECONDS = 3.0
IDLE_EXIT_SECONDS = 3600.0

# Why the watch over a job's process ended.
_Watched = Literal["ended", "cancelled", "stopped", "lost"]


def work(
    root: Path, *, once: bool = False, single: bool = False, idle_exit: float = IDLE_EXIT_SECONDS
) -> list[int]:
    """Run jobs of a store until idle for `idle_exit` seconds.

    Args:
        once: Stop as soon as nothing waits.
        single: Stop at once if another worker serves this store.

    Returns:
        Ids of the jobs that were run, in that order.
    """
    # SIGTERM ends the worker as Ctrl-C does: the running job goes back through the cleanup.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    queue, roster, me = JobQueue(root), Roster(root), this_process()
    taken = list[int]()
    if not roster.sign_on(me, single=single):
        return taken
    try:
        remove_leftovers(root)
        _serve(queue, roster, taken, once=once, single=single, idle_exit=idle_exit)
    except KeyboardInterrupt:
        logger.info("the worker was asked to stop")
    finally:
        roster.sign_off(me)
    return taken


def _serve(
    queue: JobQueue,
    roster: Roster,
    taken: list[int],
    *,
    once: bool,
    single: bool,
    idle_exit: float,
) -> None:
    me, idle_since, beaten = this_process(), time.monotonic(), 0.0
    while True:
        try:
            if time.monotonic() - beaten > BEAT_SECONDS:
                # A worker that was stopped for long finds another one in its place.
                if not roster.beat(me) and not roster.sign_on(me, single=single):
                    return
                beaten = time.monotonic()
            job = queue.claim()
            if job is not None:
                taken.append(job.id)
                _run(queue, roster, job)
                idle_since = time.monotonic()
                continue
        except (StoreError, OSError) as error:
            # A full or slow disk may recover; the lease covers a job that could not be filed.
            logger.error("%s", error)
        if once or time.monotonic() - idle_since > idle_exit:
            return
        time.sleep(POLL_SECONDS)


def _run(queue: JobQueue, roster: Roster, job: Job) -> None:
    child = _start(queue, job)
    try:
        watched = _watch(queue, roster, job, child)
    except KeyboardInterrupt:
        _end_group(child)
        # Where the disk refuses, the lease runs out by itself.
        with contextlib.suppress(StoreError):
            queue.requeue(job.lease, "its worker was asked to stop", attempted=False)
        raise
    finally:
        _end_group(child)
    if watched == "lost":
        logger.warning("job %s is no longer ours; its process was ended", job.id)
        return
    interruption = _interruption(watched, child)
    if interruption:
        logger.warning("job %s: %s", job.id, interruption)
        queue.requeue(job.lease, interruption)
        remove_leftovers(queue.root)
        return
    try:
        queue.finish(job.lease, *_outcome(queue, job, watched, child))
    except StoreError as error:
        # Nobody else writes any more, so the reserve is room enough for this one line.
        queue.free_reserve()
        state: State = "cancelled" if watched == "cancelled" else "failed"
        queue.finish(job.lease, state, "" if watched == "cancelled" else str(error))


def _start(queue: JobQueue, job: Job) -> "subprocess.Popen[bytes]":
    log = queue.log_path(job.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "irs_core", "jobs", "run", str(job.id)]
    command += ["--store", str(queue.root), "--fence", str(job.lease.fence)]
    command += ["--parent", str(os.getpid())]
    with log.open("ab") as output:
        # A session of its own makes the child the leader of a group that can be ended as a whole.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )


def _interruption(watched: _Watched, child: "subprocess.Popen[bytes]") -> str:
    """What kept a job's process from its end, in words; empty where nothing did."""
    if watched == "stopped":
        return f"its process (process {child.pid}) was stopped for {LEASE_SECONDS:g} s"
    if watched == "cancelled" or child.returncode >= 0:
        return ""
    by = signal.Signals(-child.returncode).name
    memory = ", as systems do when memory runs out" if by == "SIGKILL" else ""
    return f"its process (process {child.pid}) was ended by {by}{memory}"


def _outcome(
    queue: JobQueue, job: Job, watched: _Watched, child: "subprocess.Popen[bytes]"
) -> tuple[State, str]:
    if watched == "cancelled":
        return "cancelled", ""
    if child.returncode == 0:
        return "done", ""
    said = queue.get(job.id).error
    return "failed", said or f"its process ended with code {child.returncode}; see the log"


def _watch(queue: JobQueue, roster: Roster, job: Job, child: "subprocess.Popen[bytes]") -> _Watched:
    """Wait for the child and renew the lease."""
    beaten, moved = 0.0, time.monotonic()
    while child.poll() is None:
        if time.monotonic() - beaten > BEAT_SECONDS:
            beaten = time.monotonic()
            with contextlib.suppress(StoreError):
                if not queue.beat(job.lease, child.pid):
                    return "lost"
                roster.beat(this_process())
            running = process(child.pid)
            if running is None or running.condition() != "stopped":
                moved = time.monotonic()
            elif time.monotonic() - moved > LEASE_SECONDS:
                return "stopped"
        with contextlib.suppress(StoreError):
            if queue.get(job.id).cancel:
                return "cancelled"
        time.sleep(POLL_SECONDS)
    return "ended"


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    for order in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, order)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
