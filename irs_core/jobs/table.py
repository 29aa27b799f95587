"""The database file of a queue: its tables, its transactions, room on a full disk."""

import contextlib
import errno
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from irs_core.errors import StoreError, reason
from irs_core.jobs.job import evidence_scope
from irs_core.store.files import storage_error

_VERSION = 5
_RESERVE_BYTES = 1 << 17

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study TEXT NOT NULL,
    scope TEXT NOT NULL DEFAULT '',
    spec TEXT NOT NULL,
    options TEXT NOT NULL,
    until TEXT NOT NULL DEFAULT 'end',
    state TEXT NOT NULL DEFAULT 'queued',
    position REAL NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    worker TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    heartbeat REAL,
    process TEXT NOT NULL DEFAULT '',
    cancel INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    rate REAL NOT NULL DEFAULT 0,
    progress TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, position);
CREATE TABLE IF NOT EXISTS roster (
    process TEXT PRIMARY KEY,
    beat REAL NOT NULL,
    serves INTEGER NOT NULL
);
DROP TABLE IF EXISTS workers;
CREATE TABLE IF NOT EXISTS sightings (
    machine TEXT NOT NULL,
    subject TEXT NOT NULL,
    beat REAL,
    since REAL NOT NULL,
    PRIMARY KEY (machine, subject)
);
"""
# Columns that tables of older versions lack, and what their rows mean by it.
_ADDED = {
    "scope": "TEXT NOT NULL DEFAULT ''",
    "progress": "TEXT NOT NULL DEFAULT ''",
    "until": "TEXT NOT NULL DEFAULT 'end'",
    "fence": "INTEGER NOT NULL DEFAULT 0",
    "process": "TEXT NOT NULL DEFAULT ''",
    "note": "TEXT NOT NULL DEFAULT ''",
    "owner": "TEXT NOT NULL DEFAULT ''",
    "result": "TEXT NOT NULL DEFAULT ''",
}


class Database:
    """The file. Every transaction has its own connection: any process or thread may use it."""

    def __init__(self, root: Path) -> None:
        """Use the store at `root`; tables are made, or brought up to date, at the first use."""
        self._root = root
        self._path = root / "jobs.sqlite"

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """Commit what the block does, or nothing of it.

        Raises:
            StoreError: The disk is full, or the file is no database that can be used.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"cannot open the job queue in {self._root}: {reason(error)}"
            ) from None
        try:
            db.row_factory = sqlite3.Row
            _prepare(db)
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield db
            db.execute("COMMIT")
        except sqlite3.Error as error:
            if "disk" in str(error):
                raise storage_error(self._path, OSError(errno.ENOSPC, str(error))) from error
            raise StoreError(f"the job queue in {self._root} refused: {error}") from error
        finally:
            # Closing rolls back what was not committed.
            db.close()

    def keep_reserve(self) -> None:
        """Set some space aside, if there is any."""
        reserve = self._root / "reserve"
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            if not reserve.exists() and shutil.disk_usage(self._root).free > 2 * _RESERVE_BYTES:
                reserve.write_bytes(os.urandom(_RESERVE_BYTES))
        except OSError:
            self.free_reserve()

    def free_reserve(self) -> None:
        """Give up the space kept aside, so that a full disk can still be written down as such."""
        with contextlib.suppress(OSError):
            (self._root / "reserve").unlink(missing_ok=True)


def _prepare(db: sqlite3.Connection) -> None:
    if _version(db) >= _VERSION:
        return
    # Switching to the write-ahead log does not wait for others by itself.
    for attempt in range(100):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            if attempt == 99:
                raise
            time.sleep(0.05)
    db.execute("BEGIN IMMEDIATE")
    # Another process may have done it while this one waited.
    if _version(db) < _VERSION:
        for statement in filter(str.strip, _SCHEMA.split(";")):
            db.execute(statement)
        _add_columns(db)
        db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _add_columns(db: sqlite3.Connection) -> None:
    present = {row["name"] for row in db.execute("PRAGMA table_info(jobs)")}
    for column, described in _ADDED.items():
        if column not in present:
            db.execute(f"ALTER TABLE jobs ADD COLUMN {column} {described}")
    for row in db.execute("SELECT id, spec FROM jobs WHERE scope = ''").fetchall():
        scope = evidence_scope(json.loads(row["spec"]))
        db.execute("UPDATE jobs SET scope = ? WHERE id = ?", (scope, row["id"]))
