"""A consistent copy of the queue while workers write to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from irs_core.errors import StoreError, reason
from irs_core.jobs.table import Database

_FILE = "jobs.sqlite"
_WAIT_SECONDS = 30
# Jobs that run wait in the copy: only the store knows how they went on.
_NOBODY = (
    "UPDATE jobs SET state = 'queued', worker = NULL, heartbeat = NULL, process = ''"
    " WHERE state = 'running'",
    "DELETE FROM roster",
    "DELETE FROM sightings",
)


def copy_queue(root: Path, target: Path) -> bool:
    """Copy the queue of a store into the folder `target`, which has none yet.

    The write-ahead log is part of the database: a copy of the file alone may lack the last jobs, or
    be torn. SQLite copies one state of both. The copy names no process: the workers and jobs that
    run belong to the store, and whoever opens the copy must not end them.

    Returns:
        Whether the store has a queue.

    Raises:
        StoreError: It cannot be read, or the disk refuses.
    """
    if not (root / _FILE).exists():
        return False
    try:
        target.mkdir(parents=True, exist_ok=True)
        with (
            closing(sqlite3.connect(root / _FILE, timeout=_WAIT_SECONDS)) as source,
            closing(sqlite3.connect(target / _FILE)) as copy,
        ):
            source.backup(copy)
        with Database(target).transaction() as db:
            for statement in _NOBODY:
                db.execute(statement)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"cannot copy the job queue of {root} to {target}: {reason(error)}"
        ) from None
    return True
