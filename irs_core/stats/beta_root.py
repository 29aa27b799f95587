"""Where a binomial tail falls to a level, solved so that the answer never promises too much.

SciPy's inverses are off by up to 1e-5 of the value where a parameter is exactly 1000, at n = 10^7;
the tails themselves are good to 3e-12. Newton's method on the tail repairs the root. It aims a
little below the level, by more than the tail is off. The tests compare with 60 digits.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import (  # type: ignore[import-untyped, unused-ignore]
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    betaln,
)

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
_Tail = Callable[[Counts, Counts, Floats], Any]

# Share of the level that is given away: at least three times what the tails are off by, which is
# 1e-13 at n = 10^3, 3e-13 at 10^5, 3e-12 at 10^7; from a level of a half on, 2.4e-17 per draw.
_SLACK, _SLACK_PER_DRAW, _SLACK_PER_DRAW_OF_HIGH = 1e-12, 1e-18, 1e-16
_HIGH = 0.3
# What is left after a step of Newton's is about the square of the gap before it.
_GAP = 1e-7
_STEPS = 12
_EPS = float(np.finfo(np.float64).eps)


def lower_root(a: Counts, b: Counts, alpha: float | Floats) -> Floats:
    """At most the p with I_p(a, b) = `alpha`; in [0, 1].

    For levels up to 0.3 it falls short by about 1e-11 of its value or less at n = 10^7, by less
    for fewer draws; for higher levels by at most 1e-8.

    Args:
        a, b: Parameters of the beta distribution, at least 1, of one shape.
        alpha: Level, in (0, 1); a number, or one of each root, of the shape of `a`.
    """
    guess = np.asarray(betaincinv(a, b, alpha), np.float64)
    return _solved(guess, a, b, alpha, betainc, lower=True)


def upper_root(a: Counts, b: Counts, alpha: float | Floats) -> Floats:
    """At least the p with 1 - I_p(a, b) = `alpha`; otherwise as `lower_root`."""
    # The complemented inverse keeps its digits where 1 - lower would cancel.
    guess = np.asarray(betainccinv(a, b, alpha), np.float64)
    return _solved(guess, a, b, alpha, betaincc, lower=False)


def _solved(
    guess: Floats, a: Counts, b: Counts, alpha: float | Floats, tail: _Tail, lower: bool
) -> Floats:
    nothing, outward = (0.0, -1.0) if lower else (1.0, 1.0)
    roots = np.full(guess.size, nothing)
    # A guess that underflows, or rounds to 1, leaves the bound that says nothing.
    inside = (guess.ravel() > 0) & (guess.ravel() < 1)
    first, second = a.ravel()[inside], b.ravel()[inside]
    wanted = np.broadcast_to(alpha, guess.shape).ravel()[inside]
    per_draw = np.where(wanted <= _HIGH, _SLACK_PER_DRAW, _SLACK_PER_DRAW_OF_HIGH)
    level = np.asarray(wanted * (1 - _SLACK - per_draw * (first + second)), np.float64)
    found, sure = _newton(guess.ravel()[inside], first, second, level, tail, -outward)
    # Two units in the last place for the roundings of the last step.
    found = np.asarray(np.clip(found * (1 + outward * 2 * _EPS), 0.0, 1.0), np.float64)
    doubtful = np.flatnonzero(~sure)
    holds = tail(first[doubtful], second[doubtful], found[doubtful]) <= level[doubtful]
    found[doubtful[~holds]] = nothing
    roots[inside] = found
    return roots.reshape(guess.shape)


def _newton(
    start: Floats, a: Counts, b: Counts, level: Floats, tail: _Tail, rises: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Roots of the tail's logarithm over that of p, in which powers are straight lines.

    Returns:
        The roots, and which of them need no further look.
    """
    found, sure = start.copy(), np.zeros(start.shape, bool)
    active = np.arange(len(start))
    for _ in range(_STEPS):
        p, first, second = found[active], a[active], b[active]
        value = tail(first, second, p)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            gap = np.log(value / level[active])
            density = first * np.log(p) + (second - 1) * np.log1p(-p) - betaln(first, second)
            step = gap * value * np.exp(-density)
            moved = p * np.exp(-rises * step)
        usable = (moved > 0) & (moved < 1)
        found[active[usable]] = moved[usable]
        near = np.abs(gap) <= _GAP
        sure[active] = usable & near
        # Next to 1 a float is coarser than the gap, so that no step closes it.
        active = active[usable & ~near & (np.abs(step) > _EPS)]
        if not len(active):
            break
    return found, sure
