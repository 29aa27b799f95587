"""A worker wherever there is work: started when needed, and again when it is gone."""

import contextlib
import logging
import subprocess
import sys
import time
from pathlib import Path

from irs_core.errors import StoreError
from irs_core.jobs.queue import JobQueue
from irs_core.jobs.roster import Roster
from irs_core.store.files import remove_leftovers
from irs_core.store.process import process

logger = logging.getLogger(__name__)

KEEP_SECONDS = 5.0


def ensure_worker(root: Path) -> bool:
    """Start a detached worker if none lives; False where processes may not be started.

    Its output goes to `logs/worker.log` below the store.
    """
    roster = Roster(root)
    if roster.living():
        return True
    command = [sys.executable, "-m", "irs_core", "worker", "--single", "--store", str(root)]
    log = root / "logs" / "worker.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        logger.warning("cannot start a worker: %s", error)
        return False
    found = process(started.pid)
    if found is not None:
        roster.expect(found)
    return True


def tend(root: Path) -> list[int]:
    """Put interrupted jobs back, and start a worker if any job waits for one.

    Returns:
        The jobs that were put back.
    """
    queue = JobQueue(root)
    found = queue.repair()
    if found:
        remove_leftovers(root)
    if queue.waiting():
        ensure_worker(root)
    return found


def keep(root: Path) -> None:
    """Tend a store for ever, as the app does; a store without jobs is left alone."""
    with contextlib.suppress(OSError):
        remove_leftovers(root)
    while True:
        # A disk that refuses now may not refuse later.
        with contextlib.suppress(StoreError, OSError):
            if (root / "jobs.sqlite").exists():
                tend(root)
        time.sleep(KEEP_SECONDS)
