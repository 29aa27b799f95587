"""Exact integers carried through fast floating-point kernels.

Why the answers are those of the reference, bit for bit:

1. *Sums.* At build time `layer_bounds` gives, for each layer, a number that no product and no
   partial sum can exceed, whatever the image and the order of summation. Where it is at most 2^24,
   all of them are integers that 32-bit floats hold exactly, so every multiplication and addition
   (fused or not) is exact. A layer with a larger bound (up to 2^29) is carried in 64-bit floats,
   which hold integers up to 2^53.
2. *Division.* The product with the rounded reciprocal of the divisor N is off by a relative error
   of at most 2^-23 (two roundings). Where the quotient is at most 257 in absolute value, that is
   less than 3.1e-5, but a quotient by an odd N <= 4095 is at least 1 / (2 N) > 1.2e-4 away from
   every half-way point: rounding gives the same integer, whatever is done with ties. Larger
   quotients stay above 256 and are clamped to the same end, since outputs fit 8 bits.
3. *Scores* have divisor 1: they are the sums themselves.

It takes kernels that compute sums of products as such: fast transforms (Winograd) would not do.
`irs_core.backends.integer_backend` compares with the reference on extremes before it is used.
"""

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from irs_core.integer.network import (
    ConvTerm,
    IntegerNetwork,
    Layer,
    PoolTerm,
    SkipTerm,
    Term,
    layer_bounds,
)

EXACT_IN_FLOAT32 = 1 << 24


class Carrier(nn.Module):
    """An integer network as a PyTorch module of float tensors that hold integers only."""

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self.network = network
        wide = [bound > EXACT_IN_FLOAT32 for bound in layer_bounds(network)]
        self.layers = nn.ModuleList(
            _CarriedLayer(layer, torch.float64 if needs else torch.float32)
            for layer, needs in zip(network.layers, wide, strict=True)
        )
        self.wide = any(wide)

    def forward(self, steps: Tensor) -> Tensor:
        """Scores (B, classes), whole numbers, of whole grid steps (B, C, H, W) in float32."""
        tensors = [steps]
        for layer in self.layers:
            tensors.append(layer(tensors))
        return torch.flatten(tensors[-1], 1)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Carrier":
        """A copy with tensors of its own; the description is shared."""
        made = Carrier(self.network)
        made.load_state_dict(copy.deepcopy(self.state_dict(), memo))
        return made.train(self.training)


class _CarriedLayer(nn.Module):
    bias: Tensor
    reciprocal: Tensor

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        super().__init__()
        self._terms, self._dtype = layer.terms, dtype
        self._low, self._high = layer.low, layer.high
        self._divides = bool(np.any(layer.divisor != 1))
        self.register_buffer("bias", self._vector(layer.bias))
        self.register_buffer("reciprocal", 1 / self._vector(layer.divisor))
        for place, term in enumerate(layer.terms):
            if isinstance(term, ConvTerm):
                self.register_buffer(f"term{place}", _tensor(term.weight, dtype))
            elif isinstance(term, SkipTerm):
                self.register_buffer(f"term{place}", self._vector(term.gain))

    def forward(self, tensors: list[Tensor]) -> Tensor:
        """The layer's output, of integers that 32-bit floats hold."""
        sums = self.bias
        for place, term in enumerate(self._terms):
            sums = sums + self._term(place, term, tensors[term.source].to(self._dtype))
        if self._divides:
            sums = torch.round(sums * self.reciprocal)
        bounded = torch.clamp(sums, self._low, self._high)
        return bounded.to(torch.float32) if self._divides else bounded

    def _term(self, place: int, term: Term, source: Tensor) -> Tensor:
        if isinstance(term, PoolTerm):
            return source.sum(dim=(2, 3), keepdim=True)
        numbers: Tensor = getattr(self, f"term{place}")
        if isinstance(term, SkipTerm):
            return source * numbers
        if not source.is_cuda:
            return functional.conv2d(source, numbers, stride=term.stride, padding=term.padding)
        # cuDNN may take transforms (Winograd, FFT) whose products are not whole numbers.
        with torch.backends.cudnn.flags(enabled=False):
            return functional.conv2d(source, numbers, stride=term.stride, padding=term.padding)

    def _vector(self, values: NDArray[np.int32]) -> Tensor:
        return _tensor(values, self._dtype).view(1, -1, 1, 1)


def _tensor(values: NDArray[np.int8] | NDArray[np.int32], dtype: torch.dtype) -> Tensor:
    # Through 64 bits, so that no integer is rounded on the way.
    return torch.from_numpy(values.astype(np.float64)).to(dtype)
