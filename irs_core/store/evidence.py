"""Evidence: the class that one classifier predicted on each draw of one noise stream.

An array is (inputs, draws) of unsigned integers; the top value means "not computed". It is
cut into chunks of `tile_rows` inputs by `CHUNK_DRAWS` draws. A chunk is the unit of work and of
commit; one that is absent, fails its checksum or is not vouched for by the journal counts as not
computed.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import Store

from irs_core.errors import MissingEvidenceError, StoreError
from irs_core.spec.fields import stable_id
from irs_core.store.chunks import Chunks, Predictions
from irs_core.store.files import DurableStore, file_lock, sync_file, write_bytes
from irs_core.store.layout import (
    CHUNK_DRAWS,
    EvidenceKey,
    check_description,
    describe_array,
    tile_rows_for,
)
from irs_core.store.notes import ChunkId, Journal, Note, chunk_digest

__all__ = [
    "CHUNK_DRAWS",
    "ChunkId",
    "EvidenceArray",
    "EvidenceKey",
    "Predictions",
    "create_evidence",
    "describe_array",
    "predictions_digest",
    "read_evidence",
    "tile_rows_for",
]

logger = logging.getLogger(__name__)


class EvidenceArray:
    """One array of predictions. Open it with `create_evidence` or `read_evidence`."""

    def __init__(self, array: "zarr.Array[Any]", journal: Path | str) -> None:
        """Wrap an open zarr array and its journal (a file, or the text of one)."""
        self._file = journal if isinstance(journal, Path) else None
        self._chunks = Chunks(array, None if self._file is None else self._file.parent)
        self.n_inputs, self.tile_rows = self._chunks.n_inputs, self._chunks.tile_rows
        # One value marks a draw as not computed.
        self.dtype, self.missing = self._chunks.dtype, self._chunks.missing
        self.n_tiles, self.rows = self._chunks.n_tiles, self._chunks.rows
        self.chunks = self._chunks.places
        self.id = stable_id(array.attrs.asdict().get("key"))
        self.journal = Journal(journal, self.id, self.tile_rows * CHUNK_DRAWS)

    def read(self, draws: int, start: int = 0) -> Predictions:
        """Predictions on draws [start, draws), shape (inputs, draws - start); gaps marked."""
        # Whole chunks, because journals vouch for whole ones.
        first, last = start // CHUNK_DRAWS, -(-draws // CHUNK_DRAWS)
        block = self._block(first, last)
        refused = [at for at in self.chunks(first, last) if not self._checked(block, first, at)]
        if refused:
            logger.warning(
                "%d chunks of evidence %s are not vouched for by its journal, %s first, and count "
                "as not computed",
                len(refused),
                self.id,
                tuple(refused[0]),
            )
        left = first * CHUNK_DRAWS
        return block[:, start - left : draws - left]

    def raw(self, draws: int) -> Predictions:
        """As `read` from the first draw, whether or not the journal vouches for it."""
        return self._block(0, -(-draws // CHUNK_DRAWS))[:, :draws]

    def _block(self, first: int, last: int) -> Predictions:
        """All draws of some chunks as they are stored."""
        block, damaged = self._chunks.block(first, last)
        if damaged:
            logger.warning(
                "%d chunks of evidence %s are damaged and count as not computed", damaged, self.id
            )
        return block

    def _checked(self, block: Predictions, first: int, at: ChunkId) -> bool:
        """Empty a chunk of a block if the journal does not vouch for it; whether it does."""
        part = block[self._chunks.inside(first, at)]
        known = self._vouched(at, part)
        if not known:
            part[...] = self.missing
        return known

    def _vouched(self, at: ChunkId, part: Predictions) -> bool:
        # Bundles are verified as a whole; see `irs_core.store.bundle`.
        if self._file is None or (part == self.missing).all():
            return True
        return self.journal.vouches(at, part) != "no"

    def raw_chunk(self, at: ChunkId) -> Predictions:
        """One chunk as it is stored, whether or not it counts; whatever zarr raises, it raises."""
        return self._chunks.read(at)

    def read_complete(self, draws: int) -> Predictions:
        """The first `draws` predictions of every input.

        Raises:
            MissingEvidenceError: Some of them are not computed.
        """
        predictions = self.read(draws)
        gaps = int(np.count_nonzero(predictions == self.missing))
        if gaps:
            raise MissingEvidenceError(
                f"{gaps} of {predictions.size} predictions are not computed; run the study again "
                "to fill them"
            )
        return predictions

    def read_chunk(self, at: ChunkId) -> Predictions:
        """One chunk, shape (rows of the tile, CHUNK_DRAWS); all missing if it does not count."""
        try:
            return self._stored(at)
        except StoreError:
            return self._chunks.empty(at)

    def _stored(self, at: ChunkId) -> Predictions:
        """The same, but a chunk that the machine cannot read now is not taken for a damaged one.

        Raises:
            StoreError: It cannot be read.
        """
        try:
            found = self.raw_chunk(at)
        except (OSError, MemoryError) as error:
            raise StoreError(f"cannot read stored predictions: {error}") from None
        except Exception:
            # Whatever a codec raises on damaged bytes, the meaning is the same: compute it again.
            return self._chunks.empty(at)
        return found if self._vouched(at, found) else self._chunks.empty(at)

    def write_chunk(
        self, at: ChunkId, predictions: Predictions, *, seconds: float, draws: int, hardware: str
    ) -> None:
        """Commit one chunk and note what it cost.

        Args:
            predictions: Shape (rows of the tile, CHUNK_DRAWS), gaps marked.
            seconds: Wall seconds of this classifier's inference and of making its noise, which
                may have run at the same time.
            draws: Predictions that those seconds bought.
            hardware: One line naming the machine.

        Raises:
            StoreError: The array is read-only, or the disk refuses.
        """
        if self._file is None:
            raise StoreError("this evidence is read-only: it comes from a bundle")
        whole = np.asarray(predictions, self.dtype)
        content = chunk_digest(self.id, at, whole)
        # The note goes first: a note without a chunk is harmless, and a reader that sees the chunk
        # finds its note.
        self.journal.add(at, content, seconds=seconds, draws=draws, hardware=hardware)
        self._chunks.write(at, whole)

    def merge_chunk(
        self,
        at: ChunkId,
        rows: NDArray[np.bool_],
        start: int,
        classes: NDArray[np.signedinteger[Any]],
        *,
        seconds: float,
        hardware: str,
        mask: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add predictions of some rows to a chunk; what is stored already stays.

        What another process stored meanwhile is not added again, nor is its cost counted twice.

        Args:
            rows: Which rows of the tile were computed.
            start: Column of the chunk at which `classes` begins.
            classes: Class ids (rows of the tile, draws), ignored outside `rows` and `mask`.
            mask: Which of the draws were computed, the shape of `classes`; None for all.

        Raises:
            StoreError: The array is read-only, the disk refuses, or an id is no class.
        """
        found = classes[rows]
        made = np.ones(found.shape, np.bool_) if mask is None else mask[rows]
        ids = found[made]
        if ids.size and not 0 <= ids.min() <= ids.max() < self.missing:
            raise StoreError(
                f"class ids must be in [0, {self.missing}); got {ids.min()} to {ids.max()}"
            )
        with self.locked():
            stored = self._stored(at).copy()
            old = stored[rows, start : start + classes.shape[1]]
            added = (old == self.missing) & made
            if not added.any():
                return
            stored[rows, start : start + classes.shape[1]] = np.where(added, found, old)
            draws = int(np.count_nonzero(added))
            cost = seconds * draws / ids.size
            self.write_chunk(at, stored, seconds=cost, draws=draws, hardware=hardware)

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from changing this array in between reading and writing."""
        return nullcontext() if self._file is None else file_lock(self._file.with_name("lock"))

    def notes(self) -> Iterator[Note]:
        """The notes of all committed chunks; torn or damaged lines are skipped."""
        return iter(self.journal.notes())

    def settle(self) -> None:
        """Make the journal durable, as the chunks are already."""
        if self._file is not None and self._file.exists():
            sync_file(self._file)

    def seconds_per_draw(self, draws: int) -> NDArray[np.float64]:
        """Measured seconds per prediction, shape (tiles, chunks of the first `draws`).

        A chunk without a note gets the mean of the others; NaN where nothing was noted.
        """
        shape = (self.n_tiles, -(-draws // CHUNK_DRAWS))
        spent, bought = np.zeros(shape), np.zeros(shape)
        for note in self.notes():
            if 0 <= note.tile < shape[0] and 0 <= note.chunk < shape[1]:
                spent[note.tile, note.chunk] += note.seconds
                bought[note.tile, note.chunk] += note.draws
        if not bought.any():
            return np.full(shape, np.nan)
        mean = spent.sum() / bought.sum()
        rates: NDArray[np.float64] = np.where(bought > 0, spent / np.maximum(bought, 1), mean)
        return rates

    def seconds_per_input(self, budgets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds spent on each input for its first `budgets` draws, shape (inputs, budgets)."""
        rates = self.seconds_per_draw(int(budgets.max()))
        edges = np.arange(rates.shape[1]) * CHUNK_DRAWS
        inside = np.clip(budgets[:, None] - edges[None, :], 0, CHUNK_DRAWS)
        per_tile = rates @ inside.T.astype(np.float64)
        return np.repeat(per_tile, self.tile_rows, axis=0)[: self.n_inputs]

    def digest(self, draws: int) -> str:
        """SHA-256 of the first `draws` predictions of every input."""
        return predictions_digest(self.read(draws))


def predictions_digest(found: Predictions) -> str:
    """SHA-256 of predictions, shape (inputs, draws), with their type and shape."""
    predictions = np.ascontiguousarray(found)
    head = f"{predictions.dtype} {predictions.shape}".encode()
    return hashlib.sha256(head + predictions.tobytes()).hexdigest()


def create_evidence(
    folder: Path, key: EvidenceKey, *, n_inputs: int, classes: int, pixels: int
) -> EvidenceArray:
    """Open the array of a key below a folder, making it if it is not there.

    Raises:
        StoreError: It cannot be made, or what is there is damaged beyond its chunks.
    """
    place = folder / key.id
    described = describe_array(key, n_inputs, classes, tile_rows_for(pixels))
    try:
        intact = (place / "zarr.json").read_bytes() == described
    except OSError:
        intact = False
    if not intact:
        # It follows from the key, so a damaged one is simply written again.
        write_bytes(place / "zarr.json", described)
    return read_evidence(DurableStore(place), place / "journal.jsonl")


def read_evidence(store: Store | Path, journal: Path | str, path: str = "") -> EvidenceArray:
    """Open an array that is already there.

    Raises:
        StoreError: There is none, or its description is damaged.
    """
    if isinstance(store, Path):
        try:
            content = (store / "zarr.json").read_bytes()
        except OSError:
            raise StoreError(f"no evidence {store.name} in the store") from None
        check_description(store.name, content)
        store = DurableStore(store)
    try:
        return EvidenceArray(
            zarr.open_array(store, path=path, mode="r+" if not store.read_only else "r"), journal
        )
    except Exception as error:
        raise StoreError(f"cannot open evidence: {error}") from None
