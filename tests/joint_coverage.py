"""Failure probabilities of CIRS with the joint bound, summed exactly: no draw is made."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from cirs_coverage import Budget
from numpy.typing import NDArray
from scipy.special import bdtr
from scipy.stats import beta, binom

from irs_core.certify import build_cache_from_hits, certify_joint
from irs_core.stats import JointLevels, binomial_lower_bound

Floats = NDArray[np.float64]
# Rounding of sums and bounds.
_ROUNDING = 1e-12
_BESIDE = 1e-9
_SHARES = np.linspace(0.55, 0.98, 8)


@dataclass(frozen=True)
class JointRule:
    """One complete rule: every cached count leads to a branch, a number of draws and a bound."""

    n: int
    threshold: int
    budget: Budget
    levels: JointLevels

    @property
    def cached(self) -> NDArray[np.int64]:
        return np.arange(self.n + 1)

    @property
    def draws(self) -> NDArray[np.int64]:
        wanted = np.asarray(self.budget(self.cached), np.int64)
        return np.where(self.cached < self.threshold, np.minimum(wanted, self.cached), wanted)

    def table(self) -> Floats:
        """What `certify_joint` says at each (cached hits, count of f^p); NaN beyond the draws."""
        size = int(self.draws.max()) + 1
        hits, counts = (one.ravel() for one in np.indices((self.n + 1, size)))
        keep = counts <= self.draws[hits]
        hits, counts = hits[keep], counts[keep]
        made = certify_joint(
            build_cache_from_hits(0 * hits, hits, n0=1, n=self.n, alpha=self.levels.alpha),
            draws=self.draws[hits],
            leavers=counts,
            fresh_hits=counts,
            threshold=self.threshold,
            levels=self.levels,
            sigma=1.0,
        )
        table = np.full((self.n + 1, size), np.nan)
        table[hits, counts] = made.p_lower
        return table


def failure(rule: JointRule, table: Floats, p: float, q: float, arrive: float = 0.0) -> float:
    """P(the bound exceeds P(f^p = c)), where P(f = c) is `p` and f^p leaves c there with `q`."""
    truth = p * (1 - q) + (1 - p) * arrive
    direct = (rule.cached >= rule.threshold)[:, None]
    counts = np.arange(table.shape[1])
    chance = binom.pmf(counts, rule.draws[:, None], np.where(direct, truth, q))
    wrong = np.nan_to_num(table, nan=-1.0) > truth + _ROUNDING
    return float(binom.pmf(rule.cached, rule.n, p) @ np.where(wrong, chance, 0.0).sum(axis=1))


def truths(rule: JointRule, table: Floats, points: int) -> Iterator[tuple[float, float]]:
    """Pairs (p, q): a grid with its edges, and truths just below bounds, where failures peak."""
    beside = binomial_lower_bound(
        rule.cached[:: max(1, rule.n // points)], rule.n, rule.levels.alpha
    )
    ps = np.unique([0.01, 0.3, 0.5, 0.9, 0.999, 1.0, *np.linspace(0.02, 0.99, points), *beside])
    said = np.unique(table[np.isfinite(table) & (table > 0)])
    said = said[:: max(1, len(said) // (3 * points))] - _BESIDE
    for p in ps[ps > 0]:
        below = 1 - said[said < p] / p
        for q in (0.0, 1e-6, 0.5, 1.0, *below):
            yield float(p), float(q)
        # Nobody leaves, and P(f = c) itself lies just below a bound.
    for p in said[said > 0]:
        yield float(p), 0.0


def worst(rule: JointRule, points: int = 12, arrivals: tuple[float, ...] = (0.0, 0.3)) -> float:
    """The largest failure probability over `truths` and arrivals."""
    table = rule.table()
    return max(
        failure(rule, table, p, q, arrive)
        for p, q in truths(rule, table, points)
        for arrive in arrivals
    )


# The level at which leavers are read, by true p and cached hits (n + 1,).
Level = Callable[[float], Floats]


def level_failure(rule: JointRule, level: Level, p: float, q: float) -> float:
    """P(q lies above its bound at the level of the true p, or the direct bound is wrong).

    The proof bounds this event; any function of p and the cached hits can be tried.
    """
    truth, m = p * (1 - q), rule.draws[:, None]
    direct = (rule.cached >= rule.threshold)[:, None]
    counts = np.arange(int(m.max()) + 1)
    inside = counts <= m
    # The bound lies below q where so few would have been left with at most that level.
    few = bdtr(np.minimum(counts, m), m, q) <= level(p)[:, None]
    said = binomial_lower_bound(np.minimum(counts, m), np.maximum(m, 1), rule.levels.alpha)
    wrong = np.where(direct, said > truth + _ROUNDING, few) & inside & (m > 0)
    chance = binom.pmf(counts, m, np.where(direct, truth, q))
    return float(binom.pmf(rule.cached, rule.n, p) @ np.where(wrong, chance, 0.0).sum(axis=1))


def levels_at(levels: JointLevels, n: int) -> Level:
    """The level function that `levels` describe, written out from the definition."""

    bounds = np.stack([binomial_lower_bound(np.arange(n + 1), n, one) for one in levels.tails])

    def level(p: float) -> Floats:
        band = min(int(np.searchsorted(levels.edges, p, side="right")) - 1, len(levels.levels) - 1)
        own = np.append(levels.levels[band], 1.0)
        return np.asarray(own[(bounds > p).sum(axis=0)])

    return level


def worst_level(rule: JointRule, level: Level, ps: Floats = _SHARES) -> float:
    """The largest `level_failure` over p and over q just beside the bounds on q."""
    m = int(rule.draws.max())
    found = 0.0
    for p in ps:
        a = np.unique(level(float(p)))
        a = a[a < 1]
        for q in beta.isf(a[:, None], np.arange(3) + 1, m - np.arange(3)).ravel()[::2]:
            for beside in (q + _BESIDE, q - _BESIDE):
                found = max(found, level_failure(rule, level, float(p), float(beside)))
    return found
