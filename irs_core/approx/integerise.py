"""From a trained network to an integer one: ranges, scales, rounding (Jacob et al. 2018).

One function, `layer_integers`, turns a layer's weights into whole numbers; rounding passes
gradients straight through, so that quantisation-aware training computes with the very numbers
that the integer network will have.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from irs_core.approx.fold import FloatLayer, FloatTerm, FoldedNetwork, run_layer
from irs_core.errors import ApproximationError
from irs_core.integer import ConvTerm, IntegerNetwork, Layer, PoolTerm, SkipTerm
from irs_core.integer.network import DIVISOR_LIMIT, Term

WEIGHT_BITS = 8
# Pixels times this are divided by an odd number per channel, so that 8 bits cover their range.
_PIXEL_GAIN = 64
# Of all activations of a layer, this share stays within the range that 8 bits cover.
_COVERED = 0.99995
_BATCH = 250


@dataclass(frozen=True)
class Ranges:
    """What calibration found out.

    Args:
        entry: Largest absolute value of normalised noisy pixels.
        layers: Largest output of each layer; 1.0 for the scores, which are not rounded.
    """

    entry: float
    layers: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class LayerIntegers:
    """A layer in whole numbers, as float tensors through which gradients pass.

    Args:
        terms: Per term: weights of a convolution, gains (channels,) of a shortcut, None for sums.
        bias, divisor: (channels,).
        scale: What one unit of the output means; (channels,) for the entry, else a number.
    """

    terms: tuple[Tensor | None, ...]
    bias: Tensor
    divisor: Tensor
    scale: Tensor


def calibrate(folded: FoldedNetwork, images: NDArray[np.float32]) -> Ranges:
    """Ranges of the pixels and of every layer on noisy [0, 1] images (M, C, H, W); no labels."""
    shape = (1, -1, 1, 1)
    entry: list[float] = []
    found: list[list[float]] = [[] for _ in folded.layers]
    with torch.no_grad():
        for start in range(0, len(images), _BATCH):
            batch = torch.from_numpy(images[start : start + _BATCH])
            tensors = [(batch - folded.mean.view(shape)) / folded.std.view(shape)]
            entry.append(_reach(tensors[0].abs()))
            for number, layer in enumerate(folded.layers):
                out = run_layer(layer, tensors)
                tensors.append(functional.relu(out) if layer.rectified else out)
                found[number].append(_reach(tensors[-1]))
    layers = [max(float(np.mean(one)), 1e-6) for one in found]
    return Ranges(max(float(np.mean(entry)), 1e-6), (*layers[:-1], 1.0))


def integerise(
    module_layers: FoldedNetwork,
    ranges: Ranges,
    *,
    scale: int,
    input_shape: tuple[int, int, int],
    bits: int = WEIGHT_BITS,
) -> IntegerNetwork:
    """The integer network of a folded one.

    Args:
        scale: The pixel value that means 1.0.
        bits: Bits of a weight, 2 to 8.

    Raises:
        ApproximationError: Some sum could leave 32-bit integers.
    """
    with torch.no_grad():
        parts = network_integers(module_layers, ranges, scale, input_shape, bits)
    layers = [_entry_layer(parts[0])]
    for layer, part in zip(module_layers.layers, parts[1:], strict=True):
        terms: list[Term] = []
        for term, numbers in zip(layer.terms, part.terms, strict=True):
            # Layer k of the folded network is layer k + 1 here: the entry comes first.
            source = term.source + 1
            if numbers is None:
                terms.append(PoolTerm(source))
            elif term.weight is None:
                terms.append(SkipTerm(source, _int32(numbers)))
            else:
                terms.append(ConvTerm(source, _int8(numbers), term.stride, term.padding))
        low, high = (0, 255) if layer.rectified else (-(1 << 29), 1 << 29)
        layers.append(
            Layer(
                tuple(terms),
                _int32(part.bias),
                _int32(part.divisor),
                low,
                high,
            )
        )
    return IntegerNetwork(tuple(layers), scale, input_shape)


def network_integers(
    folded: FoldedNetwork,
    ranges: Ranges,
    scale: int,
    input_shape: tuple[int, int, int],
    bits: int = WEIGHT_BITS,
) -> list[LayerIntegers]:
    """Whole numbers of the entry and of every layer, in order."""
    entry = _entry_integers(folded, ranges.entry, scale)
    found, sizes = [entry], [input_shape[1:]]
    scales = [entry.scale]
    for layer, reach in zip(folded.layers, ranges.layers, strict=True):
        first = layer.terms[0]
        if layer.pooled:
            positions = math.prod(sizes[first.source])
            part = _pool_integers(scales[first.source], positions, reach, layer)
            channels = len(found[first.source].bias)
            part = replace(part, bias=part.bias.expand(channels))
            part = replace(part, divisor=part.divisor.expand(channels))
            sizes.append((1, 1))
        else:
            part = layer_integers(layer, [scales[t.source] for t in layer.terms], reach, bits)
            sizes.append(_size(sizes[first.source], first))
        found.append(part)
        scales.append(part.scale)
    return found


def layer_integers(
    layer: FloatLayer, sources: list[Tensor], reach: float, bits: int
) -> LayerIntegers:
    """Whole numbers of a layer whose inputs have the given scales.

    All its sums share one scale per channel: the output's scale divided by an odd number, chosen
    as fine as the largest weight allows.
    """
    largest = float(2 ** (bits - 1) - 1)
    weights = [
        None if term.weight is None else term.weight * _over_inputs(scale)
        for term, scale in zip(layer.terms, sources, strict=True)
    ]
    finest = torch.stack(
        [w.detach().abs().amax(dim=(1, 2, 3)) / largest for w in weights if w is not None]
    ).amax(dim=0)
    if layer.rectified:
        out = torch.maximum(torch.tensor(reach / 255.0), finest.max())
        divisor = _odd_below(out / finest.clamp(min=1e-12))
        fine = out / divisor
    else:
        # Scores of all classes are compared, so they share one scale.
        out = fine = finest.max().clamp(min=1e-12)
        divisor = torch.ones_like(finest)
    terms: list[Tensor | None] = []
    for weight, scale in zip(weights, sources, strict=True):
        if weight is None:
            terms.append(torch.round(scale / fine).expand(len(finest)))
        else:
            whole = straight_through(weight / fine.expand(len(finest)).view(-1, 1, 1, 1))
            terms.append(whole.clamp(-largest, largest))
    return LayerIntegers(tuple(terms), straight_through(layer.bias / fine), divisor, out)


def straight_through(values: Tensor) -> Tensor:
    """Rounded to whole numbers; gradients pass as if nothing had happened."""
    return values + (torch.round(values) - values).detach()


def _entry_integers(folded: FoldedNetwork, reach: float, scale: int) -> LayerIntegers:
    # A normalised pixel is (p / scale - mean) / std; 64 p minus 64 scale mean is divided.
    unit = _PIXEL_GAIN * scale * folded.std
    divisor = _odd_below(torch.round(unit * reach / 127.0).clamp(min=1.0) + 1)
    gain = torch.full_like(divisor, float(_PIXEL_GAIN))
    bias = -torch.round(_PIXEL_GAIN * scale * folded.mean)
    return LayerIntegers((gain,), bias, divisor, divisor / unit)


def _entry_layer(part: LayerIntegers) -> Layer:
    assert part.terms[0] is not None
    skip = SkipTerm(0, _int32(part.terms[0]))
    return Layer((skip,), _int32(part.bias), _int32(part.divisor), -127, 127)


def _pool_integers(scale: Tensor, positions: int, reach: float, layer: FloatLayer) -> LayerIntegers:
    target = torch.as_tensor(reach / 255.0)
    divisor = _odd_below((positions * target / scale).clamp(min=1.0) + 1)
    return LayerIntegers(
        (None,), layer.bias.reshape(1), divisor.reshape(1), divisor * scale / positions
    )


def _odd_below(values: Tensor) -> Tensor:
    """The largest odd number that is at most each value, in [1, DIVISOR_LIMIT]."""
    whole = torch.floor(values).clamp(1, DIVISOR_LIMIT)
    return whole - (whole.remainder(2) == 0).to(whole.dtype)


def _size(before: tuple[int, int], term: FloatTerm) -> tuple[int, int]:
    assert term.weight is not None
    tall, wide = (
        (size + 2 * term.padding - kernel) // term.stride + 1
        for size, kernel in zip(before, term.weight.shape[2:], strict=True)
    )
    return tall, wide


def _over_inputs(scale: Tensor) -> Tensor:
    return scale.view(1, -1, 1, 1) if scale.dim() else scale


def _reach(values: Tensor) -> float:
    flat = values.flatten()
    rank = max(1, min(flat.numel(), round(_COVERED * flat.numel())))
    return float(flat.kthvalue(rank).values)


def _int8(values: Tensor) -> NDArray[np.int8]:
    return _whole(values, 127).astype(np.int8)


def _int32(values: Tensor) -> NDArray[np.int32]:
    return _whole(values, np.iinfo(np.int32).max).astype(np.int32)


def _whole(values: Tensor, largest: int) -> NDArray[np.float64]:
    found = values.detach().double().round().numpy()
    if np.abs(found).max(initial=0) > largest:
        raise ApproximationError(
            f"numbers of an integer network may be up to {largest}; got {np.abs(found).max():.3g}"
        )
    return np.asarray(found, np.float64)
