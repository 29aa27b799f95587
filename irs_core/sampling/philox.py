"""Random words by number: Philox4x64-10, any of whose words can be made without those before it.

A word is a function of a key and its place, as numpy's `Philox` has it (Salmon et al. 2011). The
64-bit words of block b are those that numpy gives for the counter (b, 0, purpose, 0).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10
MASK_64, MASK_32 = (1 << 64) - 1, (1 << 32) - 1
# 64-bit words of a block, and 32-bit words.
BLOCK_WORDS, BLOCK_HALVES = 4, 8
_COUNTERS = 1 << 256
_HALF = np.uint64(32)
_LOW = np.uint64(MASK_32)

Key = tuple[int, int]
Words = NDArray[np.uint64]
Block = tuple[Words, Words, Words, Words]


@lru_cache(maxsize=4096)
def philox_key(seed: int, *path: int) -> Key:
    """The key of one stream, a pair of 64-bit integers; streams of other paths are independent."""
    state = np.random.SeedSequence(seed, spawn_key=path).generate_state(2, np.uint64)
    return int(state[0]), int(state[1])


class PhiloxStream:
    """The words of one key under purpose 0, by numpy's generator in C."""

    def __init__(self, key: Key) -> None:
        """Stand at the first block."""
        # numpy counts on before it makes a block.
        last = np.full(BLOCK_WORDS, MASK_64, np.uint64)
        self._generator = np.random.Philox(key=np.array(key, np.uint64), counter=last)
        self._next = 0

    def halves(self, first: int, blocks: int) -> NDArray[np.uint32]:
        """32-bit words of blocks [first, first + blocks), uint32 (8 * blocks,); low half first."""
        if first != self._next:
            self._generator.advance((first - self._next) % _COUNTERS)
        self._next = first + blocks
        words = np.asarray(self._generator.random_raw(BLOCK_WORDS * blocks), np.uint64)
        return words.astype("<u8", copy=False).view(np.uint32)


def halves_at(key: Key, places: NDArray[np.uint64], purpose: int) -> NDArray[np.uint32]:
    """Single 32-bit words of a key, uint32 (n,).

    Args:
        places: Which of the words that `PhiloxStream.halves` would give, (n,).
        purpose: Third word of the counter; words of other purposes are independent.
    """
    shift = BLOCK_HALVES.bit_length() - 1
    blocks, inside = places >> np.uint64(shift), places & np.uint64(BLOCK_HALVES - 1)
    zero = np.zeros_like(blocks)
    words = np.stack(philox(key, (blocks, zero, zero + np.uint64(purpose), zero)))
    chosen = words[(inside >> np.uint64(1)).astype(np.intp), np.arange(len(places))]
    return (chosen >> (inside % np.uint64(2) * _HALF)).astype(np.uint32)


def philox(key: Key, counter: Block) -> Block:
    """The four words of each of some blocks, each uint64 (n,), by array operations.

    Args:
        counter: The four words of each counter, each uint64 (n,).
    """
    low, high = key
    for _ in range(ROUNDS):
        counter = _round(counter, low, high)
        low, high = (low + WEYL[0]) & MASK_64, (high + WEYL[1]) & MASK_64
    return counter


def _round(counter: Block, low: int, high: int) -> Block:
    first_high, first_low = _product(counter[0], MULTIPLIERS[0])
    second_high, second_low = _product(counter[2], MULTIPLIERS[1])
    return (
        second_high ^ counter[1] ^ np.uint64(low),
        second_low,
        first_high ^ counter[3] ^ np.uint64(high),
        first_low,
    )


def _product(factor: Words, constant: int) -> tuple[Words, Words]:
    """High and low 64 bits of a product of 128 bits, in 32-bit limbs."""
    low, high = np.uint64(constant & MASK_32), np.uint64(constant >> 32)
    own_low, own_high = factor & _LOW, factor >> _HALF
    cross, other = own_low * high, own_high * low
    middle = (own_low * low >> _HALF) + (cross & _LOW) + (other & _LOW)
    carried = own_high * high + (cross >> _HALF) + (other >> _HALF) + (middle >> _HALF)
    return carried, factor * np.uint64(constant)
