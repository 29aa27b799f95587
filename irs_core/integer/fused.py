"""When kernels that divide in 32-bit floats, part by part, still round as the reference does.

8-bit kernels sum products in int32, exactly. A compiler then has some freedom: it may multiply sums
and bias by the rounded reciprocal of the divisor N first and add afterwards, where
`irs_core.integer.carrier` adds first. Why the rounded quotient is the same nevertheless:

1. Each part that is added (the sum of a term, or a bias of its own) suffers at most three roundings
   (of the reciprocal, of a gain times it, of the product), and each addition one more. A rounding
   is off by at most 2^-24 of what is rounded.
2. The exact quotient is at least 1 / (2 N) from every half-way point, so errors below that change
   nothing. `rounding_error` is the largest error possible, in units of 1 / N: it must be below 1/2.
3. Quotients that are clamped may err more, and end at the same bound: only draws whose quotient is
   within one step of the range of the output count. That limits the parts: where their sum is
   small, a large one is outweighed by the others.

It rests on the order described under 1, and on 8-bit products that do not saturate. Who uses it
compares scores with the reference, too.
"""

import numpy as np
from numpy.typing import NDArray

from irs_core.integer.network import (
    PIXEL_LIMIT,
    ConvTerm,
    IntegerNetwork,
    Layer,
    Shape,
    SkipTerm,
    Term,
    tensor_shapes,
)

_ROUNDINGS = 3
_PRECISION = 2.0**-24

Integers = NDArray[np.int64]
Ends = tuple[Integers, Integers]


def rounding_error(network: IntegerNetwork) -> float:
    """The largest error of a quotient before it is rounded, in units of 1 / divisor.

    Below 1/2, kernels as described in the module give the integers of the reference. The last
    layer does not divide and is left out.
    """
    shapes = tensor_shapes(network)
    reach = [(-PIXEL_LIMIT, PIXEL_LIMIT)]
    worst = 0.0
    for layer in network.layers[:-1]:
        ends = [_ends(term, shapes[term.source], reach[term.source]) for term in layer.terms]
        worst = max(worst, float(_layer_error(layer, ends).max()))
        reach.append((layer.low, layer.high))
    return worst


def _layer_error(layer: Layer, ends: list[Ends]) -> NDArray[np.float64]:
    divisor, bias = layer.divisor.astype(np.int64), layer.bias.astype(np.int64)
    if len(ends) == 1:
        parts = [*ends, (bias, bias)]
    else:
        # Where terms are added, the bias joins the first as an integer.
        parts = [(ends[0][0] + bias, ends[0][1] + bias), *ends[1:]]
    room = (divisor * (layer.low - 1), divisor * (layer.high + 1))
    mass = sum(_size(place, parts, room) for place in range(len(parts)))
    last = divisor * (max(abs(layer.low), abs(layer.high)) + 1)
    additions = mass * (len(parts) - 2) + last
    return np.asarray(_PRECISION * (_ROUNDINGS * mass + additions), np.float64)


def _size(place: int, parts: list[Ends], room: Ends) -> Integers:
    """The largest absolute value of a part in a sum of all parts within the room."""
    low, high = parts[place]
    others = parts[:place] + parts[place + 1 :]
    least = np.maximum(low, room[0] - sum(one[1] for one in others))
    most = np.minimum(high, room[1] - sum(one[0] for one in others))
    return np.asarray(np.maximum(np.abs(least), np.abs(most)), np.int64)


def _ends(term: Term, source: Shape, reach: tuple[int, int]) -> Ends:
    """The smallest and the largest sum of a term, per channel, 0 included for padding."""
    low, high = min(reach[0], 0), max(reach[1], 0)
    if isinstance(term, ConvTerm):
        weight = term.weight.astype(np.int64)
        ends = np.stack([weight * low, weight * high])
        least = ends.min(axis=0).sum(axis=(1, 2, 3), dtype=np.int64)
        return least, ends.max(axis=0).sum(axis=(1, 2, 3), dtype=np.int64)
    if isinstance(term, SkipTerm):
        ends = np.stack([term.gain.astype(np.int64) * low, term.gain.astype(np.int64) * high])
        return ends.min(axis=0), ends.max(axis=0)
    places = source[1] * source[2]
    return np.full(source[0], places * low), np.full(source[0], places * high)
