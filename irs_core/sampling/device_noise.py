"""The noise of `irs_core.sampling.counter_noise` in torch, on whatever device the network runs.

Bit for bit the same values, by another route: 64-bit integers without sign are kept in int64, every
product is made from 32-bit limbs, and every value takes both of its words. There is no branch and
no size that depends on a value, so a CUDA graph can hold it.
"""

import numpy as np
import torch
from torch import Tensor

from irs_core.sampling.counter_noise import LOWER, UPPER, counter_key, draw_blocks
from irs_core.sampling.integer_noise import integer_law
from irs_core.sampling.philox import MASK_32, MASK_64, MULTIPLIERS, ROUNDS, WEYL, Key
from irs_core.spec.study import NoiseSpec, Stream

_SIGN = 1 << 63


class DeviceNoise:
    """Draws of one input group in one stream, made on a device."""

    def __init__(
        self,
        noise: NoiseSpec,
        stream: Stream,
        group: int,
        shape: tuple[int, ...],
        scale: int,
        device: torch.device | str = "cpu",
    ) -> None:
        """Take the law to the device."""
        law = integer_law(noise.kind, noise.sigma, scale)
        self._key = counter_key(noise, stream, group)
        self._shape, self._pixels = shape, int(np.prod(shape))
        self._first = law.first
        # In the order of numbers with a sign.
        flipped = (law.thresholds ^ np.uint64(_SIGN)).view(np.int64)
        self._thresholds = torch.from_numpy(flipped.copy()).to(device)

    def draws(self, numbers: Tensor) -> Tensor:
        """The draws of these numbers, int16 (draws, *shape) in grid steps.

        Args:
            numbers: int64 (draws,), on the device.
        """
        per_draw = draw_blocks(self._pixels)
        inside = torch.arange(per_draw, dtype=torch.int64, device=numbers.device)
        blocks = (numbers[:, None] * per_draw + inside).reshape(-1)
        upper = halves(self._key, blocks, UPPER)
        # Flipped in the highest bit as the thresholds are.
        whole = ((upper - (1 << 31)) << 32) | halves(self._key, blocks, LOWER)
        reached = torch.searchsorted(self._thresholds, whole, right=True)
        values = (reached + self._first).to(torch.int16)
        rows = values.reshape(len(numbers), -1)[:, : self._pixels]
        return rows.reshape(len(numbers), *self._shape)


def halves(key: Key, blocks: Tensor, purpose: int) -> Tensor:
    """The eight 32-bit words of each of some blocks, int64 (8 * blocks,); low half first."""
    zero = torch.zeros_like(blocks)
    counter = [blocks, zero, zero + purpose, zero]
    low, high = key
    for _ in range(ROUNDS):
        first_high, first_low = _product(counter[0], MULTIPLIERS[0])
        second_high, second_low = _product(counter[2], MULTIPLIERS[1])
        counter = [
            second_high ^ counter[1] ^ _signed(low),
            second_low,
            first_high ^ counter[3] ^ _signed(high),
            first_low,
        ]
        low, high = (low + WEYL[0]) & MASK_64, (high + WEYL[1]) & MASK_64
    words = torch.stack(counter, 1)
    return torch.stack([words & MASK_32, _upper(words)], 2).reshape(-1)


def _product(factor: Tensor, constant: int) -> tuple[Tensor, Tensor]:
    """High and low 64 bits of a product of 128 bits."""
    low, high = constant & MASK_32, constant >> 32
    own_low, own_high = factor & MASK_32, _upper(factor)
    cross, other = own_low * high, own_high * low
    middle = _upper(own_low * low) + (cross & MASK_32) + (other & MASK_32)
    carried = own_high * high + _upper(cross) + _upper(other) + _upper(middle)
    return carried, factor * _signed(constant)


def _upper(words: Tensor) -> Tensor:
    """The highest 32 bits; the shift brings the sign along."""
    return (words >> 32) & MASK_32


def _signed(word: int) -> int:
    return word - (1 << 64) if word >= _SIGN else word
