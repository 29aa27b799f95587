"""The noise of `irs_core.sampling.counter_noise` in torch, on whatever device the network runs.

Bit for bit the same values, by another route: 64-bit integers without sign are kept in int64, every
product is made from 32-bit limbs, and every value takes both of its words. There is no branch and
no size that depends on a value, so a CUDA graph can hold it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from irs_core.sampling.counter_noise import LOWER, UPPER, draw_blocks
from irs_core.sampling.integer_noise import integer_law
from irs_core.sampling.philox import MASK_32, MULTIPLIERS, ROUNDS, WEYL, Key
from irs_core.spec.study import NoiseSpec

_SIGN = 1 << 63


class DeviceNoise:
    """The law of a study's noise on a device; any draws of any streams."""

    def __init__(
        self,
        noise: NoiseSpec,
        shape: tuple[int, ...],
        scale: int,
        device: torch.device | str = "cpu",
    ) -> None:
        """Take the law to the device.

        Args:
            shape: Shape of one input.
            scale: The pixel value that means 1.0.
        """
        law = integer_law(noise.kind, noise.sigma, scale)
        self._shape, self._pixels = shape, int(np.prod(shape))
        self.first, self.last = law.first, law.first + len(law.thresholds)
        # In the order of numbers with a sign.
        flipped = (law.thresholds ^ np.uint64(_SIGN)).view(np.int64)
        self._thresholds = torch.from_numpy(flipped.copy()).to(device)

    def draws(self, keys: Tensor, numbers: Tensor) -> Tensor:
        """Draws by their numbers, int16 (draws, *shape) in grid steps.

        Args:
            keys: int64 (draws, 2), from `key_tensor`: of the input group and stream of each draw.
            numbers: int64 (draws,).
        """
        per_draw = draw_blocks(self._pixels)
        inside = torch.arange(per_draw, dtype=torch.int64, device=numbers.device)
        blocks = numbers[:, None] * per_draw + inside
        low, high = keys[:, :1], keys[:, 1:]
        upper = halves(low, high, blocks, UPPER)
        # Flipped in the highest bit as the thresholds are.
        whole = ((upper - (1 << 31)) << 32) | halves(low, high, blocks, LOWER)
        reached = torch.searchsorted(self._thresholds, whole, right=True)
        values = (reached + self.first).to(torch.int16)[:, : self._pixels]
        return values.reshape(len(numbers), *self._shape)


def key_tensor(keys: Sequence[Key], device: torch.device | str = "cpu") -> Tensor:
    """Keys of `counter_key` as int64 (n, 2)."""
    return torch.tensor([[_signed(low), _signed(high)] for low, high in keys], device=device)


def halves(low: Tensor, high: Tensor, blocks: Tensor, purpose: int) -> Tensor:
    """The eight 32-bit words of each of some blocks, int64 (rows, 8 * blocks); low half first.

    Args:
        low, high: The key of each row, int64 (rows, 1).
        blocks: int64 (rows, blocks).
    """
    zero = torch.zeros_like(blocks)
    counter = [blocks, zero, zero + purpose, zero]
    for _ in range(ROUNDS):
        first_high, first_low = _product(counter[0], MULTIPLIERS[0])
        second_high, second_low = _product(counter[2], MULTIPLIERS[1])
        counter = [
            second_high ^ counter[1] ^ low,
            second_low,
            first_high ^ counter[3] ^ high,
            first_low,
        ]
        low, high = low + _signed(WEYL[0]), high + _signed(WEYL[1])
    words = torch.stack(counter, 2)
    return torch.stack([words & MASK_32, _upper(words)], 3).flatten(1)


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
