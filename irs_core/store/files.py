"""Files that are either whole or absent: write beside, fsync, rename."""

import asyncio
import contextlib
import errno
import fcntl
import glob
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from irs_core.errors import StoreError, reason
from irs_core.store.process import Process, machine, this_process

# A file is written within seconds; one of a writer unknown here that is older than this has none.
_ABANDONED_SECONDS = 86_400.0
_PARTIAL = ".partial"


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace a file durably and atomically: readers see the old content or the new one.

    What killed writers of the same file left beside it is removed.

    Raises:
        StoreError: The disk is full or the folder may not be written.
    """
    temporary = path.with_name(
        f".{path.name}.{this_process().key}-{uuid.uuid4().hex[:12]}{_PARTIAL}"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
        _remove_abandoned(path.parent.glob(f".{glob.escape(path.name)}.*{_PARTIAL}"))
    except OSError as error:
        # On a disk that fails this may fail too; the first reason is the one to tell.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise storage_error(path, error) from error


def remove_leftovers(folder: Path) -> int:
    """Remove what killed processes of this machine left half written below a folder.

    Files that a living process may be writing stay; those of another machine for a day.

    Returns:
        How many were removed.
    """
    return _remove_abandoned(_partials(folder))


def files_below(folder: Path) -> Iterator[Path]:
    """Files below a folder, in order; folders that vanish meanwhile are passed over."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in sorted(names))


def _partials(folder: Path) -> Iterator[Path]:
    return (
        path
        for path in files_below(folder)
        if path.name.startswith(".") and path.suffix == _PARTIAL
    )


def _remove_abandoned(paths: Iterable[Path]) -> int:
    left = [path for path in paths if _abandoned(path)]
    for path in left:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return len(left)


def _abandoned(path: Path) -> bool:
    parts = path.name.removesuffix(_PARTIAL).rpartition(".")[2].split("-")
    if len(parts) == 4 and parts[1].isdigit():
        writer = Process("", parts[0], int(parts[1]), parts[2])
        if writer.machine == machine():
            return writer.condition() == "gone"
    try:
        return time.time() - path.stat().st_mtime > _ABANDONED_SECONDS
    except OSError:
        return False


def append_line(path: Path, line: str) -> None:
    """Add one line in a single write, so that concurrent writers never interleave."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+", buffering=0) as file:
            # A line that a full disk or a crash tore must not take this one with it.
            torn = file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0
            start = b"\n" if torn and file.read(1) != b"\n" else b""
            file.write(start + line.encode() + b"\n")
    except OSError as error:
        raise storage_error(path, error) from error


def sync_file(path: Path) -> None:
    """Make what was added to a file durable.

    Raises:
        StoreError: The disk refuses.
    """
    try:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise storage_error(path, error) from error


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Keep out other processes that ask for the same lock.

    Raises:
        StoreError: The lock's file cannot be made.
    """
    try:
        lock = path.open("w")
    except OSError as error:
        raise storage_error(path, error) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically, keys sorted, one line a field."""
    write_bytes(
        path, (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
    )


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        StoreError: The file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path.name}: {reason(error)}") from None


def storage_error(path: Path, error: OSError) -> StoreError:
    """The sentence that a failed write deserves."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            f"the disk that holds {path.parent} is full; free some space and resume, "
            "what was stored is kept"
        )
    return StoreError(f"cannot write {path}: {reason(error)}")


def _sync_folder(folder: Path) -> None:
    # A rename is durable only once its folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DurableStore(LocalStore):
    """zarr's folder store, with every value fsynced before it gets its name."""

    async def _set(self, key: str, value: Buffer, exclusive: bool = False) -> None:
        if not self._is_open:
            await self._open()
        self._check_writable()
        path = self.root / key
        if exclusive and path.exists():
            return
        await asyncio.to_thread(write_bytes, path, value.to_bytes())
