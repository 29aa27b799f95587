"""Integer noise by counter: any draw of a stream by its number, without those before it.

A value's uniform 64-bit integer is a 32-bit word of Philox and, below it, the same word under
another purpose. The value is the number of the law's thresholds that this integer reaches, as in
`irs_core.sampling.integer_noise`, so the law is the same. The lower word is made only where the
upper one leaves the value open, once in a million values; no value depends on that.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from irs_core.sampling.integer_noise import IntegerLaw, integer_law
from irs_core.sampling.philox import BLOCK_HALVES, Key, PhiloxStream, halves_at, philox_key
from irs_core.spec.study import STREAMS, NoiseKind, NoiseSpec, Stream

UPPER, LOWER = 0, 1
_HALF = np.uint64(32)
_LOW = np.uint64((1 << 32) - 1)
_GUIDE_SHIFT = np.uint64(48)
# Where the higher half of a 32-bit word stands in memory.
_HIGH_PLACE = 1 if sys.byteorder == "little" else 0
_UNDECIDED = np.iinfo(np.int16).min
# So many blocks at a time keep every intermediate array in the cache.
_PART = 1 << 13
# A shorter gap between chosen draws costs less to fill than to jump over.
_GAP_VALUES = 1 << 9


def counter_key(noise: NoiseSpec, stream: Stream, group: int) -> Key:
    """The key of an input group's draws in one stream."""
    return philox_key(noise.seed, STREAMS.index(stream), group)


def draw_blocks(pixels: int) -> int:
    """Blocks of a draw; each begins with a block of its own."""
    return -(-pixels // BLOCK_HALVES)


class CounterNoise:
    """Draws of one input group in one stream."""

    def __init__(
        self, noise: NoiseSpec, stream: Stream, group: int, shape: tuple[int, ...], scale: int
    ) -> None:
        """Nothing is made yet.

        Args:
            shape: Shape of one input.
            scale: The pixel value that means 1.0.
        """
        self._law = _decoder(noise.kind, noise.sigma, scale)
        self._key = counter_key(noise, stream, group)
        self._stream = PhiloxStream(self._key)
        self._shape = shape
        self._pixels = int(np.prod(shape))
        self._blocks = draw_blocks(self._pixels)

    def draws(self, numbers: NDArray[np.intp]) -> NDArray[np.int16]:
        """The draws of these numbers, increasing, int16 (draws, *shape) in grid steps."""
        if not len(numbers):
            return np.empty((0, *self._shape), np.int16)
        if numbers[-1] - numbers[0] == len(numbers) - 1:
            return self._run(int(numbers[0]), int(numbers[-1]) + 1)
        runs = list(_runs(numbers, self._pixels))
        made = np.concatenate([self._run(first, last) for first, last in runs])
        if len(made) > len(numbers):
            there = np.concatenate([np.arange(first, last) for first, last in runs])
            made = made[np.searchsorted(there, numbers)]
        return made

    def _run(self, first: int, last: int) -> NDArray[np.int16]:
        blocks = (last - first) * self._blocks
        values = np.empty(blocks * BLOCK_HALVES, np.int16)
        for start in range(0, blocks, _PART):
            count = min(_PART, blocks - start)
            at = first * self._blocks + start
            part = values[start * BLOCK_HALVES : (start + count) * BLOCK_HALVES]
            self._law.decode(self._stream.halves(at, count), self._key, at * BLOCK_HALVES, part)
        rows = values.reshape(last - first, -1)[:, : self._pixels]
        return rows.reshape(last - first, *self._shape)


def _runs(numbers: NDArray[np.intp], pixels: int) -> Iterator[tuple[int, int]]:
    """Ranges of draws that hold all of some, without long gaps inside."""
    jumps = np.flatnonzero(np.diff(numbers) > 1 + _GAP_VALUES // pixels) + 1
    for part in np.split(numbers, jumps):
        yield int(part[0]), int(part[-1]) + 1


@dataclass(frozen=True, eq=False)
class _Decoder:
    """A law with what its 65,536 cells, the highest 16 bits, say about a value.

    Args:
        base: int16: the value that the lowest integer of a cell gives.
        edge: uint32: the highest 32 bits of the only threshold inside a cell.
        several: Whether a cell has other than one threshold inside.
    """

    law: IntegerLaw
    base: NDArray[np.int16]
    edge: NDArray[np.uint32]
    several: NDArray[np.bool_]

    def decode(
        self, upper: NDArray[np.uint32], key: Key, first: int, out: NDArray[np.int16]
    ) -> None:
        """Turn upper words, of which the first has the place `first`, into values."""
        np.take(self.law.guide, _cells(upper), out=out, mode="clip")
        rest = np.flatnonzero(out == _UNDECIDED)
        words = upper[rest]
        cells = words >> np.uint32(16)
        edge = self.edge[cells]
        out[rest] = self.base[cells] + (words > edge)
        several = np.flatnonzero(self.several[cells] | (words == edge))
        if not len(several):
            return
        places, leading = rest[several], words[several].astype(np.uint64) << _HALF
        reached = self._reached(leading)
        out[places] = self.law.first + reached
        opened = np.flatnonzero(reached != self._reached(leading | _LOW))
        if len(opened):
            places = places[opened]
            low = halves_at(key, places.astype(np.uint64) + np.uint64(first), LOWER)
            out[places] = self.law.first + self._reached(leading[opened] | low)

    def _reached(self, whole: NDArray[np.uint64]) -> NDArray[np.intp]:
        return np.searchsorted(self.law.thresholds, whole, side="right")


def _cells(upper: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The highest 16 bits."""
    return upper.view(np.uint16)[_HIGH_PLACE::2].astype(np.intp)


@lru_cache(maxsize=16)
def _decoder(kind: NoiseKind, sigma: float, scale: int) -> _Decoder:
    law = integer_law(kind, sigma, scale)
    cells = np.arange(len(law.guide), dtype=np.uint64) << _GUIDE_SHIFT
    lowest = np.searchsorted(law.thresholds, cells, side="right")
    last = cells + ((np.uint64(1) << _GUIDE_SHIFT) - np.uint64(1))
    highest = np.searchsorted(law.thresholds, last, side="right")
    inside = law.thresholds[np.minimum(lowest, len(law.thresholds) - 1)]
    return _Decoder(
        law,
        (law.first + lowest).astype(np.int16),
        (inside >> _HALF).astype(np.uint32),
        highest - lowest != 1,
    )
