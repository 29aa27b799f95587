"""The chunks of one array as they lie on disk, whether or not a journal vouches for them."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from irs_core.store.chunk_cache import CHUNKS, Stamp, stamp
from irs_core.store.layout import CHUNK_DRAWS
from irs_core.store.notes import ChunkId

Predictions = NDArray[np.unsignedinteger[Any]]


class Chunks:
    """Reads and writes whole chunks; of a folder, what was read before is not decoded again."""

    def __init__(self, array: "zarr.Array[Any]", folder: Path | None) -> None:
        """Wrap an open zarr array.

        Args:
            folder: Where it lies; None inside a bundle.
        """
        self._array, self._folder = array, folder
        self._key = array.metadata.encode_chunk_key
        self.dtype = np.dtype(array.dtype)
        self.n_inputs: int = array.shape[0]
        self.tile_rows: int = array.chunks[0]

    @property
    def missing(self) -> int:
        """The value that marks a draw as not computed."""
        return int(np.iinfo(self.dtype).max)

    @cached_property
    def n_tiles(self) -> int:
        """Tiles of inputs."""
        return -(-self.n_inputs // self.tile_rows)

    def rows(self, tile: int) -> slice:
        """The inputs of a tile."""
        return slice(tile * self.tile_rows, min((tile + 1) * self.tile_rows, self.n_inputs))

    def places(self, first: int, last: int) -> Iterator[ChunkId]:
        """Chunks [first, last) of every tile."""
        return (ChunkId(tile, n) for tile in range(self.n_tiles) for n in range(first, last))

    def inside(self, first: int, at: ChunkId) -> tuple[slice, slice]:
        """Where a chunk stands in a block that begins with the chunk `first`."""
        left = (at.chunk - first) * CHUNK_DRAWS
        return self.rows(at.tile), slice(left, left + CHUNK_DRAWS)

    def empty(self, at: ChunkId) -> Predictions:
        """A chunk of which nothing is computed."""
        rows = self.rows(at.tile)
        return np.full((rows.stop - rows.start, CHUNK_DRAWS), self.missing, self.dtype)

    def read(self, at: ChunkId) -> Predictions:
        """One chunk; whatever zarr raises on damaged bytes, it raises."""
        state, known = self._known(at)
        if known is None:
            known = np.asarray(self._array[self.inside(0, at)])
            if state is not None:
                CHUNKS.put(state, known)
        return known

    def block(self, first: int, last: int) -> tuple[Predictions, int]:
        """All draws of some chunks, and how many chunks are damaged and left out."""
        out = np.full((self.n_inputs, (last - first) * CHUNK_DRAWS), self.missing, self.dtype)
        try:
            self._fill(out, first, last)
        except Exception:
            # Some chunk is damaged; find out which by reading them one at a time.
            return self._fill_by_chunks(out, first, last)
        return out, 0

    def write(self, at: ChunkId, whole: Predictions) -> None:
        """Replace one chunk."""
        self._array[self.inside(0, at)] = whole

    def _fill(self, out: Predictions, first: int, last: int) -> None:
        found = {at: self._known(at) for at in self.places(first, last)}
        if any(known is None for _, known in found.values()):
            # Many at once cost less than one after the other.
            out[...] = self._array[:, first * CHUNK_DRAWS : last * CHUNK_DRAWS]
        # Of more than fits, nothing would be left when it is read again.
        kept = out.nbytes <= CHUNKS.most_bytes
        for at, (state, known) in found.items():
            part = out[self.inside(first, at)]
            if known is not None:
                part[...] = known
            elif state is not None and kept:
                CHUNKS.put(state, part)

    def _fill_by_chunks(self, out: Predictions, first: int, last: int) -> tuple[Predictions, int]:
        damaged = 0
        for at in self.places(first, last):
            try:
                out[self.inside(first, at)] = self.read(at)
            except Exception:
                damaged += 1
                out[self.inside(first, at)] = self.missing
        return out, damaged

    def _known(self, at: ChunkId) -> tuple[Stamp | None, Predictions | None]:
        """The state of a chunk's file, and what it holds where that is known without reading."""
        if self._folder is None:
            return None, None
        state = stamp(self._folder / self._key(tuple(at)))
        return state, self.empty(at) if state is None else CHUNKS.get(state)
