"""Decoded chunks of this process, so that what is read again is not decoded again.

A run reads the same draws to plan each round, to walk through them and to count them. What is kept
belongs to one state of one file: chunks are replaced by renaming, which changes the file's number.
"""

import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The draws of one classifier on 600 inputs, 100,000 each.
MOST_BYTES = 1 << 26
# A file that somebody writes in place twice within a tick of its clock looks unchanged.
_SETTLED_NS = 100_000_000


class Stamp(NamedTuple):
    """One state of one file."""

    path: str
    number: int
    written_ns: int
    changed_ns: int
    size: int
    # Another change would be seen.
    settled: bool


def stamp(path: Path) -> Stamp | None:
    """The state of a file; None where there is none.

    Raises:
        OSError: It cannot be looked at.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    settled = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > _SETTLED_NS
    return Stamp(
        str(path), found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, settled
    )


class ChunkCache:
    """The chunks read last, up to a number of bytes; threads may share it."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Nothing is kept yet."""
        self.most_bytes, self._bytes = most_bytes, 0
        self._chunks: OrderedDict[str, tuple[Stamp, NDArray[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, state: Stamp) -> NDArray[Any] | None:
        """The chunk that this state of a file holds, read-only; None where it is not known."""
        with self._lock:
            known = self._chunks.get(state.path)
            if known is None or known[0] != state:
                return None
            self._chunks.move_to_end(state.path)
            return known[1]

    def put(self, state: Stamp, chunk: NDArray[Any]) -> None:
        """Keep what was read after a file was found in this state."""
        if not state.settled:
            return
        kept = np.array(chunk)
        kept.setflags(write=False)
        with self._lock:
            self._drop(state.path)
            self._chunks[state.path] = state, kept
            self._bytes += kept.nbytes
            while self._bytes > self.most_bytes:
                self._drop(next(iter(self._chunks)))

    def _drop(self, path: str) -> None:
        old = self._chunks.pop(path, None)
        if old is not None:
            self._bytes -= old[1].nbytes


CHUNKS = ChunkCache()
