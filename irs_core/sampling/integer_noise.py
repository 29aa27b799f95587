"""Noise on the integers, drawn by comparing 64-bit random integers with integer thresholds.

No floating-point number takes part in a draw: the thresholds are cumulative probabilities times
2^64, rounded to integers with 50 decimal digits, and a draw is the number of thresholds that a
uniform 64-bit integer reaches. Draws are therefore equal bit for bit on every platform.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import SpecError
from irs_core.spec.study import NoiseKind

# Wider noise would leave 16-bit integers.
MAX_SIGMA_STEPS = 2048
_BITS = 64
_DIGITS = 50
# 1 - Phi(9.3) and its discrete counterpart are below 2^-65, so nothing further out is ever drawn.
_TAIL = 11
_GUIDE_BITS = 16
_UNDECIDED = np.iinfo(np.int16).min
# So many draws at a time keep every intermediate array in the cache.
_PART = 1 << 15
_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628621")


@dataclass(frozen=True, eq=False)
class IntegerLaw:
    """A symmetric law on the integers, ready to draw from.

    Args:
        first: The smallest integer that can be drawn.
        thresholds: uint64, increasing (repeats allowed): entry i is P(Z <= first + i) times 2^64,
            rounded to the nearest integer.
        guide: int16 (65536,): the draw that follows from the highest 16 bits alone, or -32768
            where they leave it open.
    """

    first: int
    thresholds: NDArray[np.uint64]
    guide: NDArray[np.int16]

    @property
    def probabilities(self) -> dict[int, Fraction]:
        """The exact probability of every integer that can be drawn."""
        edges = [0, *(int(value) for value in self.thresholds), 1 << _BITS]
        return {
            self.first + place: Fraction(right - left, 1 << _BITS)
            for place, (left, right) in enumerate(pairwise(edges))
            if right > left
        }

    def draw(self, generator: np.random.Generator, count: int) -> NDArray[np.int16]:
        """Independent draws, int16 (count,); each takes one raw 64-bit integer."""
        values = np.empty(count, np.int16)
        for start in range(0, count, _PART):
            part = values[start : start + _PART]
            raw = np.asarray(generator.bit_generator.random_raw(len(part)), np.uint64)
            cells = (raw >> np.uint64(_BITS - _GUIDE_BITS)).view(np.int64)
            np.take(self.guide, cells, out=part, mode="clip")
            rest = np.flatnonzero(part == _UNDECIDED)
            reached = np.searchsorted(self.thresholds, raw[rest], side="right")
            part[rest] = self.first + reached
        return values


@lru_cache(maxsize=16)
def integer_law(kind: NoiseKind, sigma: float, scale: int) -> IntegerLaw:
    """The law of integer noise, in steps of the pixel grid.

    Args:
        kind: `discrete`: P(z) proportional to exp(-z^2 / (2 s^2)) on all integers (Lin et al.
            2021). `rounded`: P(z) = Phi((z + 1/2) / s) - Phi((z - 1/2) / s), the law of a normal
            variable rounded to the nearest integer (Voracek & Hein 2023). Here s = sigma * scale,
            the exact product of the two numbers.
        sigma: Standard deviation in pixel units.
        scale: The pixel value that means 1.0.

    Returns:
        The law whose every cumulative probability is within 2^-65 of the stated one.

    Raises:
        SpecError: s is not in (0, 2048], or the kind is not one of integer noise.
    """
    steps = Fraction(sigma) * scale
    if not 0 < steps <= MAX_SIGMA_STEPS:
        raise SpecError(
            f"integer noise needs a sigma of at most {MAX_SIGMA_STEPS} grid steps; "
            f"got {float(steps):g}"
        )
    with localcontext() as context:
        context.prec = _DIGITS
        deviation = Decimal(steps.numerator) / Decimal(steps.denominator)
        upper = _UPPER_HALVES.get(kind)
        if upper is None:
            raise SpecError(f"noise kind must be discrete or rounded; got {kind!r}")
        above = [int((part * 2**_BITS).to_integral_value()) for part in upper(deviation)]
    half = 1 << (_BITS - 1)
    # P(Z <= z) = 1/2 + above; by symmetry P(Z <= -z - 1) = 1/2 - above.
    reachable = [value for value in above if value < half]
    thresholds = np.array(
        [half - value for value in reversed(reachable)] + [half + value for value in reachable],
        np.uint64,
    )
    first = -len(reachable)
    return IntegerLaw(first, thresholds, _guide(first, thresholds))


def distance_bound(law: IntegerLaw, pixels: int) -> float:
    """Upper bound on the total variation distance between drawn noise and the stated law.

    Each of the cumulative probabilities of a pixel is off by at most 2^-65, and pixels are
    independent, so probabilities of whole images differ by at most this: 1e-13 to 1e-10 for images
    of CIFAR to ImageNet, which is left out of the failure probabilities of certificates.
    """
    return pixels * (len(law.thresholds) + 1) * 2.0**-_BITS


def _discrete_upper(deviation: Decimal) -> list[Decimal]:
    """P(1/2 <= ... <= z), i.e. P(Z <= z) - 1/2, for z = 0, 1, ..., until nothing is left."""
    last = int(_TAIL * deviation) + 2
    weights = [(-((Decimal(z) / deviation) ** 2) / 2).exp() for z in range(last + 1)]
    total = 2 * sum(weights) - weights[0]
    found, reached = [], -weights[0] / 2
    for weight in weights:
        reached += weight
        found.append(reached / total)
    return found


def _rounded_upper(deviation: Decimal) -> list[Decimal]:
    """Phi((z + 1/2) / s) - 1/2 for z = 0, 1, ..., until nothing is left."""
    found: list[Decimal] = []
    limit = Decimal(2) ** -(_BITS + 2)
    z = 0
    while not found or Decimal("0.5") - found[-1] > limit:
        found.append(_normal_above_zero((Decimal(z) + Decimal("0.5")) / deviation))
        z += 1
    return found


def _normal_above_zero(x: Decimal) -> Decimal:
    """Phi(x) - 1/2 for x >= 0: the density times x + x^3/3 + x^5/(3*5) + ..., all positive."""
    if x > _TAIL:
        return Decimal("0.5")
    square = x * x
    term, total, odd = x, x, 1
    smallest = Decimal(10) ** -_DIGITS
    while term > total * smallest:
        odd += 2
        term = term * square / odd
        total += term
    return total * (-square / 2).exp() / (2 * _PI).sqrt()


_UPPER_HALVES = {"discrete": _discrete_upper, "rounded": _rounded_upper}


def _guide(first: int, thresholds: NDArray[np.uint64]) -> NDArray[np.int16]:
    cells = np.arange(1 << _GUIDE_BITS, dtype=np.uint64) << np.uint64(_BITS - _GUIDE_BITS)
    last = cells + np.uint64((1 << (_BITS - _GUIDE_BITS)) - 1)
    low = np.searchsorted(thresholds, cells, side="right")
    high = np.searchsorted(thresholds, last, side="right")
    return np.where(low == high, first + low, _UNDECIDED).astype(np.int16)
