"""The journal of an evidence array: one note per committed chunk, and what each vouches for.

A note says what a chunk cost, and gives a digest of its predictions that is bound to the array and
to the chunk's place in it. A chunk counts as computed only if a note of its own place gives its
digest, so that one copied to another place or another classifier never passes for computed. The
line ends with a checksum over itself and the array's id. Notes of the old form give no digest:
they vouch for whatever passes the chunk's own checksum.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import StoreError
from irs_core.store.files import append_line

Vouched = Literal["digest", "old", "no"]

# No chunk takes 30 years; larger sums would leave the range of floats.
_MAX_SECONDS = 1e9
_OLD_FIELDS = {"tile", "chunk", "seconds", "draws", "hardware"}
_CHECK = ', "check": "'
_DIGITS = 32
_CHECK_DIGITS = 16


class ChunkId(NamedTuple):
    """Position of a chunk: which inputs, which draws."""

    tile: int
    chunk: int


class Note(NamedTuple):
    """What a commit of a chunk cost: seconds, and the predictions that they bought.

    `content` is the digest of the predictions; empty in notes of the old form.
    """

    tile: int
    chunk: int
    seconds: float
    draws: int
    content: str = ""


def chunk_digest(array_id: str, at: ChunkId, predictions: NDArray[Any]) -> str:
    """The first 32 digits of SHA-256 of a chunk's predictions, its place and its array.

    Args:
        predictions: Shape (rows of the tile, draws of a chunk), gaps marked.
    """
    head = f"{array_id} {at.tile} {at.chunk} {predictions.dtype} {predictions.shape}\n".encode()
    return hashlib.sha256(head + np.ascontiguousarray(predictions).tobytes()).hexdigest()[:_DIGITS]


class Journal:
    """The notes of one array, read as they are added.

    Args:
        source: The file, or the text of one that is not added to.
        array_id: Id of the array that it belongs to.
        most_draws: Predictions of a whole chunk; no note has bought more.
    """

    def __init__(self, source: Path | str, array_id: str, most_draws: int) -> None:
        """See the class; nothing is read before it is asked for."""
        self._source, self._id, self._most = source, array_id, most_draws
        self._notes: list[Note] = []
        self._digests: dict[ChunkId, set[str]] = {}
        self._place = 0
        self._damaged = 0

    def text(self) -> str:
        """All of it, one JSON object a line."""
        if isinstance(self._source, str):
            return self._source
        return self._source.read_text(errors="replace") if self._source.exists() else ""

    def add(self, at: ChunkId, content: str, *, seconds: float, draws: int, hardware: str) -> None:
        """Note a chunk whose predictions have the digest `content`.

        Raises:
            StoreError: It is a text, or the disk refuses.
        """
        if isinstance(self._source, str):
            raise StoreError("this evidence is read-only: it comes from a bundle")
        described = {
            "tile": at.tile,
            "chunk": at.chunk,
            "seconds": round(seconds, 6),
            "draws": draws,
            "hardware": hardware,
            "content": content,
        }
        body = json.dumps(described, sort_keys=True)[:-1]
        append_line(self._source, f'{body}{_CHECK}{self._checksum(body)}"}}')

    def notes(self) -> list[Note]:
        """The readable notes, in the order of the commits."""
        self._refresh()
        return self._notes

    @property
    def damaged(self) -> int:
        """Lines that are no notes of this array."""
        self._refresh()
        return self._damaged

    def noted(self) -> set[ChunkId]:
        """Places of which it says that something was committed there."""
        self._refresh()
        return set(self._digests)

    def vouches(self, at: ChunkId, predictions: NDArray[Any]) -> Vouched:
        """Whether a chunk with these predictions was committed at this place."""
        content = chunk_digest(self._id, at, predictions)
        if content not in self._digests.get(at, ()):
            # Somebody else may have committed since this was read; notes come before chunks.
            self._refresh()
        known = self._digests.get(at, set())
        if content in known:
            return "digest"
        return "old" if known == {""} else "no"

    def _checksum(self, body: str) -> str:
        return hashlib.sha256(f"{self._id}\n{body}".encode()).hexdigest()[:_CHECK_DIGITS]

    def _refresh(self) -> None:
        for line in self._added():
            if not line.strip():
                continue
            note = self._note(line)
            if note is None:
                self._damaged += 1
                continue
            known = self._digests.setdefault(ChunkId(note.tile, note.chunk), set())
            # A commit that a kill cut short, or whose chunk was damaged since, is made again: what
            # its predictions cost counts once.
            if not note.content or note.content not in known:
                self._notes.append(note)
            known.add(note.content)

    def _added(self) -> Iterator[str]:
        """Lines that were not read before; a last one without an end may still be written."""
        if isinstance(self._source, str):
            lines = self._source.splitlines() if not self._place else []
            self._place = 1
            yield from lines
            return
        try:
            with self._source.open("rb") as file:
                file.seek(self._place)
                added = file.read()
        except OSError:
            return
        whole = added[: added.rfind(b"\n") + 1]
        self._place += len(whole)
        yield from whole.decode(errors="replace").split("\n")

    def _note(self, line: str) -> Note | None:
        """The note in a line; None where it is torn, changed or of another array."""
        body, sealed, check = line.rpartition(_CHECK)
        if sealed and check != f'{self._checksum(body)}"}}':
            return None
        try:
            fields = json.loads(line)
            if not sealed and not set(fields) <= _OLD_FIELDS:
                return None
            note = Note(
                int(fields["tile"]),
                int(fields["chunk"]),
                float(fields["seconds"]),
                int(fields["draws"]),
                str(fields["content"]) if sealed else "",
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        # Not a number fails the first comparison as well.
        fits = 0 <= note.seconds <= _MAX_SECONDS and 0 <= note.draws <= self._most
        return note if fits else None
