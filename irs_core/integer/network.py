"""What an integer network is: 8-bit weights, 32-bit sums, one rounding per layer.

Every layer computes, per output channel c,

    out[c] = clamp(round((bias[c] + sum of its terms[c]) / divisor[c]), low, high)

with an **odd** divisor. Rounding is half away from zero, but a quotient by an odd number is never
half-way: it is at least 1 / (2 * divisor) away. So the int32 multiplier and right shift that a
device uses, a floating-point product, and any rule for ties give the same integer.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import ApproximationError

# A noisy pixel: 8-bit pixels plus noise of the widest law.
PIXEL_LIMIT = 1 << 15
# Sums up to here survive the multiplier and shift; see `multiplier_and_shift`.
SUM_LIMIT = 1 << 29
DIVISOR_LIMIT = 4095


@dataclass(frozen=True, eq=False)
class ConvTerm:
    """A convolution; a linear layer is one of size 1 on a map of one position.

    Args:
        source: Which tensor it reads: 0 for the pixels, k for what layer k - 1 gave.
        weight: int8 (outputs, inputs, height, width).
        stride, padding: In both directions; padded with zeros.
    """

    source: int
    weight: NDArray[np.int8]
    stride: int = 1
    padding: int = 0


@dataclass(frozen=True, eq=False)
class SkipTerm:
    """A tensor times one whole number per channel: a shortcut, aligned to the layer's sums.

    Args:
        gain: int32 (channels,).
    """

    source: int
    gain: NDArray[np.int32]


@dataclass(frozen=True)
class PoolTerm:
    """The sum of a tensor over all its positions; dividing makes it the average."""

    source: int


Term = ConvTerm | SkipTerm | PoolTerm
Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer; see the module.

    Args:
        bias: int32 (channels,).
        divisor: int32 (channels,), odd, in [1, 4095].
        low, high: Range of the output: 0 to 255 after a rectifier, -127 to 127 for the entry;
            wider only for the scores, whose divisor is 1.
    """

    terms: tuple[Term, ...]
    bias: NDArray[np.int32]
    divisor: NDArray[np.int32]
    low: int
    high: int


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A classifier of images on a pixel grid.

    Args:
        layers: In the order of computation; the last gives the scores, of which the largest wins
            (the first of equals).
        scale: The pixel value that means 1.0.
        input_shape: (channels, height, width).

    Raises:
        ApproximationError: A layer breaks a rule, does not fit the tensors that it reads, or its
            sums could leave 32-bit integers.
    """

    layers: tuple[Layer, ...]
    scale: int
    input_shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        _check_shapes(self)
        for number, (layer, bound) in enumerate(zip(self.layers, layer_bounds(self), strict=True)):
            _check_layer(number, layer, bound)

    @property
    def classes(self) -> int:
        """Number of scores."""
        return len(self.layers[-1].bias)

    @property
    def size_bytes(self) -> int:
        """Bytes of weights, biases, gains and multipliers as a device stores them."""
        return sum(array.nbytes for _, array in self.arrays())

    @property
    def nonzero(self) -> int:
        """Weights and biases that are not zero."""
        kept = ("weight", "bias")
        return sum(int(np.count_nonzero(a)) for n, a in self.arrays() if n.endswith(kept))

    @property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of everything that decides an answer."""
        found = hashlib.sha256(json.dumps(self.structure(), sort_keys=True).encode())
        for name, array in self.arrays():
            found.update(name.encode())
            found.update(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).data)
        return found.hexdigest()

    def arrays(self) -> Iterator[tuple[str, NDArray[np.int8] | NDArray[np.int32]]]:
        """Every array, by a name like `3.1.weight`: layer 3, term 1."""
        for number, layer in enumerate(self.layers):
            yield f"{number}.bias", layer.bias
            yield f"{number}.divisor", layer.divisor
            for place, term in enumerate(layer.terms):
                if isinstance(term, ConvTerm):
                    yield f"{number}.{place}.weight", term.weight
                elif isinstance(term, SkipTerm):
                    yield f"{number}.{place}.gain", term.gain

    def structure(self) -> dict[str, object]:
        """Everything but the arrays, JSON-serialisable."""
        layers = [
            {"low": layer.low, "high": layer.high, "terms": [_described(t) for t in layer.terms]}
            for layer in self.layers
        ]
        return {"scale": self.scale, "input_shape": list(self.input_shape), "layers": layers}


def layer_bounds(network: IntegerNetwork) -> list[int]:
    """The largest absolute value that any partial sum of a layer can have, for any image.

    Every product and every partial sum of a channel, in whatever order, is at most the sum of the
    absolute values of all its products and its bias, with every input at the end of its range.
    """
    shapes, reach = tensor_shapes(network), [PIXEL_LIMIT]
    bounds = []
    for layer in network.layers:
        sums = np.abs(layer.bias.astype(np.int64))
        for term in layer.terms:
            largest = reach[term.source]
            if isinstance(term, ConvTerm):
                weights = np.abs(term.weight.astype(np.int64))
                sums = sums + weights.sum(axis=(1, 2, 3)) * largest
            elif isinstance(term, SkipTerm):
                sums = sums + np.abs(term.gain.astype(np.int64)) * largest
            else:
                sums = sums + shapes[term.source][1] * shapes[term.source][2] * largest
        bounds.append(int(sums.max()))
        reach.append(max(abs(layer.low), abs(layer.high)))
    return bounds


def tensor_shapes(network: IntegerNetwork) -> list[Shape]:
    """(channels, height, width) of the pixels and of what each layer gives."""
    shapes = [network.input_shape]
    for layer in network.layers:
        term = layer.terms[0]
        shapes.append((len(layer.bias), *_term_map(term, shapes[term.source])))
    return shapes


def _term_map(term: Term, source: Shape) -> tuple[int, int]:
    """Height and width of what a term gives."""
    _, height, width = source
    if isinstance(term, PoolTerm):
        return 1, 1
    if isinstance(term, SkipTerm):
        return height, width
    tall, wide = term.weight.shape[2:]
    return (
        (height + 2 * term.padding - tall) // term.stride + 1,
        (width + 2 * term.padding - wide) // term.stride + 1,
    )


def multiplier_and_shift(divisor: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An int32 multiplier M and a right shift S that divide by an odd number N, rounding.

    S is 30 plus the bits of N, and M the whole number nearest to 2^S / N, below 2^31. For
    |a| <= 2^29 the error |a M / 2^S - a / N| is at most 2^29 / 2^(S+1) < 1 / (4 N), while a / N is
    at least 1 / (2 N) from every half-way point: so round(a M / 2^S) = round(a / N) always.
    """
    wide = divisor.astype(np.int64)
    bits = np.frexp(wide)[1].astype(np.int64)
    shift = 30 + np.where(wide == 1, 0, bits)
    multiplier = ((np.int64(1) << shift) + wide // 2) // wide
    return multiplier, shift


def _described(term: Term) -> dict[str, object]:
    if isinstance(term, ConvTerm):
        return {
            "kind": "conv",
            "source": term.source,
            "stride": term.stride,
            "padding": term.padding,
        }
    return {"kind": "skip" if isinstance(term, SkipTerm) else "pool", "source": term.source}


def _check_shapes(network: IntegerNetwork) -> None:
    if network.scale < 1 or not network.layers:
        raise ApproximationError(
            "an integer network has at least one layer and a scale of at least 1; got "
            f"{len(network.layers)} layers, scale {network.scale}"
        )
    shapes = tensor_shapes(network)
    for number, layer in enumerate(network.layers):
        given = shapes[number + 1]
        for term in layer.terms:
            source = shapes[term.source]
            taken, made = _channels(term, source[0])
            found = (made, *_term_map(term, source))
            if taken != source[0] or found != given or min(found) < 1:
                raise ApproximationError(
                    f"every term of layer {number} must turn what it reads into {given}; one takes "
                    f"{taken} channels of {source} and gives {found}"
                )


def _channels(term: Term, source: int) -> tuple[int, int]:
    """Channels that a term takes, and channels that it gives, where its source has some."""
    if isinstance(term, ConvTerm):
        return len(term.weight[0]), len(term.weight)
    return (len(term.gain) if isinstance(term, SkipTerm) else source), source


def _check_layer(number: int, layer: Layer, bound: int) -> None:
    if bound > SUM_LIMIT:
        raise ApproximationError(
            f"sums of layer {number} may reach {bound}; integer networks take at most {SUM_LIMIT}"
        )
    if np.any(layer.divisor % 2 != 1) or layer.divisor.max() > DIVISOR_LIMIT:
        raise ApproximationError(
            f"divisors of layer {number} must be odd and in [1, {DIVISOR_LIMIT}]"
        )
    if np.any(layer.divisor != 1) and max(abs(layer.low), abs(layer.high)) > 255:
        raise ApproximationError(f"layer {number} divides, so its output must fit 8 bits")
