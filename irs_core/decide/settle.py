"""What would settle an undecided question: how many more draws, or how many inputs.

Estimates for planning, from counts as they stand; no verdict rests on them. More draws keep a
verdict's confidence only where the counts behind it may grow (sequential certificates, the
leave rule `anytime`). More inputs need a fresh set of that size, or the walk of
`noninferiority.walk_holds`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, rel_entr  # type: ignore[import-untyped, unused-ignore]

from irs_core.decide.routes import (
    UNKNOWN,
    BaseCounts,
    CompressedCounts,
    Levels,
    Routes,
    last_look,
)
from irs_core.spec.outward import less
from irs_core.stats.binomial import chance_of_at_least, chance_of_at_most
from irs_core.stats.radius import probability_gap

Floats = NDArray[np.float64]

_MOST_INPUTS = 10_000_000
# Where draws decide a question, an input takes at most this share of n of the compressed model.
_MOST_DRAWS = 0.2
# A bound that grows with the draws needs about so many times the draws of one that is fixed.
_SEQUENTIAL = 1.15


def most_draws(n: int) -> int:
    """Draws of the compressed model that one input takes at most, where draws decide a question.

    Args:
        n: Draws per input of the original.
    """
    return max(1, round(_MOST_DRAWS * n))


@dataclass(frozen=True)
class MoreDraws:
    """The cheapest draws after which enough inputs are expected to be settled.

    Args:
        inputs: Positions of the inputs to draw on, cheapest first.
        draws: Further draws in total, about.
        beyond: `most_draws` where an input is expected to take more than that; None where none is.
    """

    inputs: tuple[int, ...]
    draws: int
    beyond: int | None = None


@dataclass(frozen=True)
class Settle:
    """What would settle an undecided loss.

    Args:
        draws: None where draws alone are not expected to.
        inputs_to_hold: Number of inputs, with the same share that may be lost, at which the
            upper bound meets the limit; None where it never does.
        inputs_to_fail: The same for the lower bound and the share that is proven lost.
    """

    draws: MoreDraws | None
    inputs_to_hold: int | None
    inputs_to_fail: int | None


def find_settle(
    routes: Routes,
    base: BaseCounts,
    compressed: CompressedCounts,
    *,
    radius: float,
    tolerance: float,
    sigma: float,
    levels: Levels,
    max_loss: float,
    beta: float,
) -> Settle:
    """What would settle the loss behind `routes`; arguments are those of `find_routes`.

    Args:
        max_loss: Allowed share of lost inputs.
        beta: Failure probability of the verdict.
    """
    n, may, lost = len(routes), int(routes.may_lose.sum()), int(routes.proven_lost.sum())
    allowed = most_flags(n, max_share=max_loss, beta=beta, level=routes.level)
    cost = _cheapest(base, compressed, routes, radius, tolerance, sigma, levels)
    taken = np.maximum(compressed.label_draws, last_look(compressed.leave_draws))
    return Settle(
        draws=None
        if allowed is None
        else _first(cost, routes.may_lose, may - allowed, taken, most_draws(base.draws)),
        inputs_to_hold=inputs_to_hold(may / n, max_share=max_loss, beta=beta, level=routes.level),
        inputs_to_fail=inputs_to_fail(
            lost / n, max_share=max_loss, beta=beta, level=routes.proven_level
        ),
    )


def most_flags(inputs: int, *, max_share: float, beta: float, level: float) -> int | None:
    """Most *may* flags with which the bound is at most `max_share`; None if not even none will do.

    Arguments are those of `share_at_most`.
    """

    def meets(flags: int) -> bool:
        return _holds(flags, inputs, max_share, beta, level)

    if not meets(0):
        return None
    low, high = 0, inputs
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if meets(middle) else (low, middle)
    return low


def inputs_to_hold(share: float, *, max_share: float, beta: float, level: float) -> int | None:
    """Fewest inputs at which a share of *may* flags keeps the upper bound within `max_share`."""
    return _fewest(lambda n: _holds(ceil(share * n - 1e-9), n, max_share, beta, level))


def inputs_to_fail(share: float, *, max_share: float, beta: float, level: float) -> int | None:
    """Fewest inputs at which a share of *proven* flags puts the lower bound above `max_share`."""
    limit = level + max_share * (1 - level)
    return _fewest(lambda n: float(chance_of_at_least(floor(share * n + 1e-9), n, limit)) < beta)


def _holds(may: int, inputs: int, max_share: float, beta: float, level: float) -> bool:
    """Whether `share_at_most` is at most `max_share`, by the tail there and without a root."""
    return float(chance_of_at_most(may, inputs, max_share * (1 - level))) <= beta


def _fewest(enough: Callable[[int], bool]) -> int | None:
    high = 1
    while not enough(high):
        high *= 2
        if high > _MOST_INPUTS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _cheapest(
    base: BaseCounts,
    compressed: CompressedCounts,
    routes: Routes,
    radius: float,
    tolerance: float,
    sigma: float,
    levels: Levels,
) -> Floats:
    """Further draws of f^p until a route is expected to fire; infinite where none will.

    More draws of f are no way: its bound is of a number that was fixed.
    """
    reach = less(radius, tolerance)
    gap = probability_gap(radius, reach, sigma)
    leavers, looked = last_look(compressed.leavers), last_look(compressed.leave_draws)
    claimed = _further(
        _answered(base, compressed, leavers, looked),
        compressed.label_draws,
        float(ndtr(reach / sigma)),
        levels.claimed,
        above=True,
    )
    stays = _further(leavers, looked, max(gap, 1e-12), levels.stays, above=False)
    claimed[~routes.open_claimed] = np.inf
    stays[~routes.open_stays] = np.inf
    return np.minimum(claimed, stays)


def _answered(
    base: BaseCounts,
    compressed: CompressedCounts,
    leavers: NDArray[np.int64],
    looked: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Hits of the label among the draws of f^p, estimated where only a bound on them is known."""
    if compressed.leave_rule == "prefix":
        return compressed.label_hits
    taken = np.broadcast_to(np.asarray(looked, np.float64), leavers.shape)
    stays = 1 - np.maximum(leavers, 0) / np.maximum(taken, 1)
    rate = np.maximum(base.label_hits, 0) / base.draws * stays
    known = compressed.label_hits != UNKNOWN
    return np.where(known, np.floor(rate * taken), UNKNOWN).astype(np.int64)


def _further(
    hits: NDArray[np.int64],
    draws: int | NDArray[np.int64],
    threshold: float,
    level: float,
    *,
    above: bool,
) -> Floats:
    """Draws that show on which side of a threshold a probability is, by Chernoff's bound."""
    taken = np.broadcast_to(np.asarray(draws, np.float64), hits.shape)
    # Of an input without a draw nothing is known, and nothing bad either.
    likely = (1 + threshold) / 2 if above else threshold / 2
    rate = np.where(taken > 0, (np.maximum(hits, 0) + 0.5) / (taken + 1), likely)
    # A threshold that nothing distinguishes from 1 is out of reach.
    threshold = min(threshold, 1 - 1e-15)
    apart = rel_entr(rate, threshold) + rel_entr(1 - rate, 1 - threshold)
    with np.errstate(divide="ignore"):
        wanted = -np.log(level) / apart * _SEQUENTIAL
    right_side = (rate > threshold) if above else (rate < threshold)
    usable = right_side & ((hits != UNKNOWN) | (taken == 0))
    # Where as many draws as seem enough were not, it takes at least as many again.
    more = np.where(wanted > taken, np.ceil(wanted - taken), np.maximum(taken, 1.0))
    return np.where(usable, more, np.inf)


def _first(
    cost: Floats, may_lose: NDArray[np.bool_], wanted: int, taken: NDArray[np.int64], most: int
) -> MoreDraws | None:
    if wanted <= 0:
        return MoreDraws((), 0)
    open_inputs = np.flatnonzero(may_lose & np.isfinite(cost))
    if len(open_inputs) < wanted:
        return None
    chosen = open_inputs[np.argsort(cost[open_inputs], kind="stable")][:wanted]
    needed = np.broadcast_to(taken, cost.shape)[chosen] + cost[chosen]
    return MoreDraws(
        tuple(int(one) for one in chosen),
        int(cost[chosen].sum()),
        most if needed.max() > most else None,
    )
