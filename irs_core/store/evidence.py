"""Evidence: the class that one classifier predicted on each draw of one noise stream.

An array is (inputs, draws) of unsigned integers; the top value means "not computed". It is
cut into chunks of `tile_rows` inputs by `CHUNK_DRAWS` draws. A chunk is the unit of work and of
commit; one that is absent or fails its checksum counts as not computed.
"""

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.codecs import BytesCodec, Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from irs_core.errors import MissingEvidenceError, StoreError
from irs_core.spec.fields import stable_id
from irs_core.spec.study import MAX_DRAWS, NoiseSpec, Stream
from irs_core.store.files import DurableStore, append_line, storage_error, write_bytes

CHUNK_DRAWS = 500
# No chunk takes 30 years; larger sums would leave the range of floats.
_MAX_SECONDS = 1e9
_TILE_PIXELS = 131_072
_MAX_TILE_ROWS = 32

Predictions = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class EvidenceKey:
    """What a prediction depends on. Equal noise and stream pair f with f^p draw by draw.

    Args:
        model: Digest of the classifier, compression included.
        data: Digest of the inputs.
        execution: Arithmetic that ran it, e.g. `torch cpu fp32`: part of what the classifier is.
    """

    model: str
    data: str
    noise: NoiseSpec
    stream: Stream
    execution: str

    @property
    def id(self) -> str:
        """Stable id; the name of the array's folder."""
        return stable_id(asdict(self))


class ChunkId(NamedTuple):
    """Position of a chunk: which inputs, which draws."""

    tile: int
    chunk: int


class Note(NamedTuple):
    """What a commit of a chunk cost: seconds, and the predictions that they bought."""

    tile: int
    chunk: int
    seconds: float
    draws: int


class EvidenceArray:
    """One array of predictions. Open it with `create_evidence` or `read_evidence`."""

    def __init__(self, array: "zarr.Array[Any]", journal: Path | str) -> None:
        """Wrap an open zarr array and its journal (a file, or the text of one)."""
        self._array = array
        self._journal = journal
        self.n_inputs: int = array.shape[0]
        self.tile_rows: int = array.chunks[0]

    @property
    def missing(self) -> int:
        """The value that marks a draw as not computed."""
        return int(np.iinfo(self._array.dtype).max)

    @property
    def dtype(self) -> np.dtype[Any]:
        """`uint8` up to 255 classes, `uint16` above."""
        return np.dtype(self._array.dtype)

    @cached_property
    def n_tiles(self) -> int:
        """Tiles of inputs."""
        return -(-self.n_inputs // self.tile_rows)

    def rows(self, tile: int) -> slice:
        """The inputs of a tile."""
        return slice(tile * self.tile_rows, min((tile + 1) * self.tile_rows, self.n_inputs))

    def read(self, draws: int, start: int = 0) -> Predictions:
        """Predictions on draws [start, draws), shape (inputs, draws - start); gaps marked."""
        try:
            return np.asarray(self._array[:, start:draws])
        except Exception:
            # Some chunk is damaged; find out which by reading them one at a time.
            return self._read_by_chunk(start, draws)

    def _read_by_chunk(self, start: int, draws: int) -> Predictions:
        out = np.full((self.n_inputs, draws - start), self.missing, self.dtype)
        for tile in range(self.n_tiles):
            for chunk in range(start // CHUNK_DRAWS, -(-draws // CHUNK_DRAWS)):
                left, right = chunk * CHUNK_DRAWS, (chunk + 1) * CHUNK_DRAWS
                a, b = max(left, start), min(right, draws)
                part = self.read_chunk(ChunkId(tile, chunk))
                out[self.rows(tile), a - start : b - start] = part[:, a - left : b - left]
        return out

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
        """One chunk, shape (rows of the tile, CHUNK_DRAWS); all missing if absent or damaged."""
        try:
            return self._stored(at)
        except StoreError:
            return self._empty(at)

    def _stored(self, at: ChunkId) -> Predictions:
        """The same, but a chunk that the machine cannot read now is not taken for a damaged one.

        Raises:
            StoreError: It cannot be read.
        """
        rows = self.rows(at.tile)
        columns = slice(at.chunk * CHUNK_DRAWS, (at.chunk + 1) * CHUNK_DRAWS)
        try:
            return np.asarray(self._array[rows, columns])
        except (OSError, MemoryError) as error:
            raise StoreError(f"cannot read stored predictions: {error}") from None
        except Exception:
            # Whatever a codec raises on damaged bytes, the meaning is the same: compute it again.
            return self._empty(at)

    def _empty(self, at: ChunkId) -> Predictions:
        rows = self.rows(at.tile)
        return np.full((rows.stop - rows.start, CHUNK_DRAWS), self.missing, self.dtype)

    def write_chunk(
        self, at: ChunkId, predictions: Predictions, *, seconds: float, draws: int, hardware: str
    ) -> None:
        """Commit one chunk and note what it cost.

        Args:
            predictions: Shape (rows of the tile, CHUNK_DRAWS), gaps marked.
            seconds: Wall seconds of this classifier's share of the work, noise included.
            draws: Predictions that those seconds bought.
            hardware: One line naming the machine.

        Raises:
            StoreError: The array is read-only, or the disk refuses.
        """
        if not isinstance(self._journal, Path):
            raise StoreError("this evidence is read-only: it comes from a bundle")
        # The note goes first: a note without a chunk is harmless, the reverse loses the time.
        note = {
            "tile": at.tile,
            "chunk": at.chunk,
            "seconds": round(seconds, 6),
            "draws": draws,
            "hardware": hardware,
        }
        append_line(self._journal, json.dumps(note, sort_keys=True))
        columns = slice(at.chunk * CHUNK_DRAWS, (at.chunk + 1) * CHUNK_DRAWS)
        self._array[self.rows(at.tile), columns] = predictions

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
        with self._locked():
            stored = self._stored(at).copy()
            old = stored[rows, start : start + classes.shape[1]]
            new = np.where((old == self.missing) & made, found, old)
            stored[rows, start : start + classes.shape[1]] = new
            self.write_chunk(at, stored, seconds=seconds, draws=ids.size, hardware=hardware)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing this array in between reading and writing."""
        if not isinstance(self._journal, Path):
            yield
            return
        path = self._journal.with_name("lock")
        try:
            lock = path.open("w")
        except OSError as error:
            raise storage_error(path, error) from None
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def journal_text(self) -> str:
        """The notes of all committed chunks, one JSON object a line."""
        if isinstance(self._journal, str):
            return self._journal
        return self._journal.read_text(errors="replace") if self._journal.exists() else ""

    def notes(self) -> Iterator[Note]:
        """The notes of all committed chunks; torn or damaged lines are skipped."""
        for line in self.journal_text().splitlines():
            try:
                fields = json.loads(line)
                note = Note(
                    int(fields["tile"]),
                    int(fields["chunk"]),
                    float(fields["seconds"]),
                    int(fields["draws"]),
                )
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue
            chunk_draws = self.tile_rows * CHUNK_DRAWS
            # Not a number fails the first comparison as well.
            if 0 <= note.seconds <= _MAX_SECONDS and 0 <= note.draws <= chunk_draws:
                yield note

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
        predictions = np.ascontiguousarray(self.read(draws))
        head = f"{predictions.dtype} {predictions.shape}".encode()
        return hashlib.sha256(head + predictions.tobytes()).hexdigest()


def tile_rows_for(pixels: int) -> int:
    """Inputs per tile, so that a chunk is a few seconds of work at any image size."""
    return max(1, min(_MAX_TILE_ROWS, _TILE_PIXELS // max(1, pixels)))


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


def describe_array(key: EvidenceKey, n_inputs: int, classes: int, tile_rows: int) -> bytes:
    """The description of an array, as zarr writes it."""
    dtype = np.uint8 if classes <= np.iinfo(np.uint8).max else np.uint16
    store = MemoryStore()
    zarr.create_array(
        store,
        # Arrays are sparse, so the declared width costs nothing and never has to grow.
        shape=(n_inputs, MAX_DRAWS),
        chunks=(tile_rows, CHUNK_DRAWS),
        dtype=dtype,
        fill_value=np.iinfo(dtype).max,
        serializer=BytesCodec(),
        compressors=[ZstdCodec(level=3), Crc32cCodec()],
        attributes={"key": asdict(key), "classes": classes},
    )
    return bytes(store._store_dict["zarr.json"].to_bytes())


def read_evidence(store: Store | Path, journal: Path | str, path: str = "") -> EvidenceArray:
    """Open an array that is already there.

    Raises:
        StoreError: There is none, or its description is damaged.
    """
    if isinstance(store, Path):
        if not (store / "zarr.json").exists():
            raise StoreError(f"no evidence {store.name} in the store")
        store = DurableStore(store)
    try:
        return EvidenceArray(
            zarr.open_array(store, path=path, mode="r+" if not store.read_only else "r"), journal
        )
    except Exception as error:
        raise StoreError(f"cannot open evidence: {error}") from None
