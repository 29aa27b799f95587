"""How often statements fail that share draws, summed exactly: no draw is made.

The rules are those that a reader could follow with a study's numbers at hand: look and then
finish, ask again with more draws, choose settings afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.stats import binom

from irs_core.stats import binomial_lower_bound, binomial_upper_bound

Floats = NDArray[np.float64]
# A truth just below a bound, where that bound is wrong.
_BESIDE = 1e-12
# Beyond so many standard deviations no probability is left.
_WIDTH = 9.0
_LARGE = 2_000_000


def crossing(sizes: Sequence[int], least: Sequence[int], p: float) -> float:
    """P(at least `least[j]` hits among the first `sizes[j]` draws, for some j), by dynamic
    programming over the hits at each size."""
    alive, first = np.ones(1), 0
    for (before, size), limit in zip(pairwise((0, *sizes)), least, strict=True):
        draws = size - before
        spread = _WIDTH * np.sqrt(draws * p * (1 - p)) + 30
        low, high = max(0, int(draws * p - spread)), min(draws, int(draws * p + spread))
        step = binom.pmf(np.arange(low, high + 1), draws, p)
        exact = len(alive) * len(step) < _LARGE
        alive = np.convolve(alive, step) if exact else fftconvolve(alive, step)
        first += low
        alive[max(0, limit - first) :] = 0.0
    return float(1 - alive.sum())


def lower_bounds(sizes: Sequence[int], levels: Sequence[float]) -> list[Floats]:
    """The bound of every count, for each size at its level."""
    return [
        binomial_lower_bound(np.arange(size + 1), size, level)
        for size, level in zip(sizes, levels, strict=True)
    ]


def any_wrong(sizes: Sequence[int], bounds: Sequence[Floats], p: float) -> float:
    """P(the bound at some size exceeds p), on prefixes of one row of draws."""
    return crossing(sizes, [int(np.searchsorted(one, p, side="right")) for one in bounds], p)


def worst_any_wrong(
    sizes: Sequence[int], levels: Sequence[float], points: int = 60, least: float = 0.5
) -> float:
    """The largest `any_wrong` over truths beside the jumps of the bounds, thinned to `points`
    per size: a lower bound on the supremum."""
    bounds = lower_bounds(sizes, levels)
    places = [one[one > least] for one in bounds]
    truths = np.concatenate([one[:: max(1, len(one) // points)] for one in places]) - _BESIDE
    return max(any_wrong(sizes, bounds, float(p)) for p in truths)


@dataclass(frozen=True)
class Plan:
    """What n_p fixes in CIRS: the draws of one input, the split of alpha, the threshold."""

    draws: int
    a1: float
    a2: float
    threshold: int


def chosen_plan_wrong(plans: Sequence[Plan], n: int, p: float, q: float) -> float:
    """P(a bound is wrong) if one sees the cached hits and then takes the plan that is most
    likely wrong; q is the leave rate, and nothing arrives."""
    hits = np.arange(n + 1)
    wrong = np.max([_plan_wrong(plan, hits, n, p, q) for plan in plans], axis=0)
    return float(binom.pmf(hits, n, p) @ wrong)


def _plan_wrong(plan: Plan, hits: NDArray[np.int64], n: int, p: float, q: float) -> Floats:
    """P(a bound of this plan is wrong), given each number of cached hits."""
    counts, truth = np.arange(plan.draws + 1), p * (1 - q)
    fresh = binomial_lower_bound(counts, plan.draws, plan.a1 + plan.a2) > truth
    leave = binomial_upper_bound(counts, plan.draws, plan.a2) < q
    direct = float(binom.pmf(counts, plan.draws, truth) @ fresh)
    incremental = float(binom.pmf(counts, plan.draws, q) @ leave)
    cached = binomial_lower_bound(hits, n, plan.a1) > p
    # With fewer hits than draws there is no such plan.
    possible = np.where(hits >= plan.draws, incremental, 0.0)
    return np.where(hits >= plan.threshold, direct, np.where(cached, 1.0, possible))


@dataclass(frozen=True)
class Irs:
    """Levels and sizes of IRS for one input."""

    n: int
    n_p: int
    alpha: float
    alpha_zeta: float

    @property
    def claimed(self) -> float:
        return self.alpha + self.alpha_zeta

    @property
    def proven(self) -> float:
        return self.alpha + 2 * self.alpha_zeta


@dataclass(frozen=True)
class Branches:
    """Failure probabilities of IRS at one truth.

    Args:
        moved: With gamma chosen afterwards: some bound of either branch is wrong.
        certificates: With gamma chosen afterwards: some branch certifies too much.
        fixed: With each gamma fixed beforehand, some bound of the branch that it takes is wrong;
            the largest over gamma.
    """

    moved: float
    certificates: float
    fixed: float


def irs_branches(rule: Irs, p: float, leave: float) -> Branches:
    """f^p leaves f's class with probability `leave` over all draws, and nothing else differs.

    Sums over the cached hits among the first n_p draws, those among the rest, and the
    disagreements; the direct branch's draws are independent of all three.
    """
    truth, rest = p - leave, rule.n - rule.n_p
    cached = binomial_lower_bound(np.arange(rule.n + 1), rule.n, rule.alpha)
    counts = np.arange(rule.n_p + 1)
    zeta = binomial_upper_bound(counts, rule.n_p, rule.alpha_zeta)
    fresh = binomial_lower_bound(counts, rule.n_p, rule.claimed) > truth
    direct = float(binom.pmf(counts, rule.n_p, truth) @ fresh)
    first = binom.pmf(counts, rule.n_p, p)
    later = binom.pmf(np.arange(rest + 1), rest, p)
    # P(disagreements | hits among the first n_p), and of all hits together.
    differ = binom.pmf(counts[None, :], counts[:, None], leave / p)
    joint = np.zeros((rule.n + 1, rule.n_p + 1))
    for inside in counts:
        joint[inside : inside + rest + 1] += first[inside] * np.outer(later, differ[inside])
    bounds = (cached[:, None] > p) | (zeta[None, :] < leave)
    radii = np.maximum(cached[:, None] - zeta[None, :], 0.0) > truth
    by_hits = np.where(bounds, joint, 0.0).sum(axis=1)
    weight = joint.sum(axis=1)
    below, above = np.cumsum(by_hits), np.cumsum(weight[::-1])[::-1]
    fixed = max(
        float((below[at - 1] if at else 0.0) + (above[at] if at <= rule.n else 0.0) * direct)
        for at in range(rule.n + 2)
    )
    return Branches(
        moved=float(1 - (1 - by_hits.sum()) * (1 - direct)),
        certificates=float(1 - (1 - joint[radii].sum()) * (1 - direct)),
        fixed=fixed,
    )
