"""Failure probabilities of CIRS, summed exactly: no draw is made.

Used by the tests and by scripts/cirs_coverage, which tabulates them for docs/methods/cirs.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, hypergeom

from irs_core.certify import build_cache_from_hits, certify_cirs
from irs_core.stats import binomial_lower_bound

# Rounding of sums and bounds.
_ROUNDING = 1e-12
Budget = Callable[[NDArray[np.int64]], NDArray[np.int64]]


def flat(m: int) -> Budget:
    """So many draws, whatever was cached."""
    return lambda hits: np.full(len(hits), m)


def more_where_few(hits: NDArray[np.int64]) -> NDArray[np.int64]:
    """None where little was cached, and fewer the more."""
    return np.where(hits < len(hits) // 2, 0, 3 * (len(hits) - hits))


def all_hits(hits: NDArray[np.int64]) -> NDArray[np.int64]:
    """As many as were cached."""
    return hits


def jagged(hits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Up and down with the cached count."""
    return 5 + (hits * 7) % 23


@dataclass(frozen=True)
class Rule:
    """One complete rule: every cached count leads to a branch, a number of draws and a bound.

    Args:
        budget: Draws of f^p as a function of the cached hits.
        share: Part of alpha that goes to a1; a function of the cached hits breaks the proof.
        reuse: Count the direct branch on the first cached draws: breaks the proof as well.
    """

    n: int
    threshold: int
    alpha: float
    budget: Budget
    share: Callable[[int], float]
    reuse: bool = False

    @property
    def cached(self) -> NDArray[np.int64]:
        return np.arange(self.n + 1)

    @property
    def draws(self) -> NDArray[np.int64]:
        wanted = np.asarray(self.budget(self.cached), np.int64)
        return np.where(self.cached < self.threshold, np.minimum(wanted, self.cached), wanted)

    def tables(self) -> "Tables":
        """What `certify_cirs` says at each (cached hits, count of f^p)."""
        most = int(self.draws.max())
        bound, leave = np.full((2, self.n + 1, most + 1), np.nan)
        cached = np.empty(self.n + 1)
        for hits in self.cached:
            a1 = self.share(int(hits)) * self.alpha
            m = int(self.draws[hits])
            counts = np.arange(m + 1)
            cache = build_cache_from_hits(
                np.zeros_like(counts), np.full(m + 1, hits), n0=1, n=self.n, alpha=self.alpha
            )
            made = certify_cirs(
                cache,
                draws=np.full(m + 1, m),
                leavers=counts,
                fresh_hits=counts,
                threshold=self.threshold,
                a1=a1,
                a2=self.alpha - a1,
                sigma=1.0,
            )
            bound[hits, : m + 1] = made.p_lower
            leave[hits, : m + 1] = made.zeta_upper
            cached[hits] = binomial_lower_bound(hits, self.n, a1)
        return Tables(bound, leave, cached)


@dataclass(frozen=True)
class Tables:
    """Bounds on P(f^p = c) and on the leave rate by (cached hits, count), and on P(f = c)."""

    bound: NDArray[np.float64]
    leave: NDArray[np.float64]
    cached: NDArray[np.float64]


@dataclass(frozen=True)
class Failure:
    """Probabilities that something is wrong.

    Args:
        certificate: The bound exceeds P(f^p = c).
        statements: Some bound that the certificate rests on is wrong: that on P(f = c) or that
            on the leave rate where incremental, the direct one where direct. The proof bounds
            this larger event.
    """

    certificate: float
    statements: float


def failure(rule: Rule, tables: Tables, p: float, q: float, arrive: float = 0.0) -> Failure:
    """Failure probabilities at one truth.

    Args:
        p: P(f = c).
        q: P(f^p leaves c, where f predicts it).
        arrive: P(f^p predicts c, where f does not).
    """
    truth = p * (1 - q) + (1 - p) * arrive
    counts = np.arange(tables.bound.shape[1])
    direct = (rule.cached >= rule.threshold)[:, None]
    chance = binom.pmf(counts, rule.draws[:, None], np.where(direct, truth, q))
    if rule.reuse:
        chance = np.where(direct, _reused(rule, q, arrive, len(counts)), chance)
    weight = binom.pmf(rule.cached, rule.n, p)
    wrong = np.nan_to_num(tables.bound, nan=-1.0) > truth + _ROUNDING
    part = (tables.cached[:, None] > p + _ROUNDING) | (tables.leave < q - _ROUNDING)
    return Failure(
        *(
            float(weight @ np.where(event, chance, 0.0).sum(axis=1))
            for event in (wrong, np.where(direct, wrong, part))
        )
    )


def _reused(rule: Rule, q: float, arrive: float, size: int) -> NDArray[np.float64]:
    """Counts of c by f^p on the first m cached draws, given how many of all n were hits."""
    table = np.zeros((rule.n + 1, size))
    for hits in rule.cached[rule.threshold :]:
        m = int(rule.draws[hits])
        for inside in range(max(0, m - (rule.n - hits)), min(m, hits) + 1):
            stay = binom.pmf(np.arange(size), inside, 1 - q)
            come = binom.pmf(np.arange(size), m - inside, arrive)
            counted = np.convolve(stay, come)[:size]
            table[hits] += hypergeom.pmf(inside, rule.n, hits, m) * counted
    return table


def truths(rule: Rule, tables: Tables, points: int = 20) -> Iterator[tuple[float, float]]:
    """Pairs (p, q): a grid with its edges, and the places just beside jumps of the bounds, where
    failures peak."""
    jumps = tables.cached[:: max(1, rule.n // points)]
    ps = [0.0, 0.5, 1.0, *np.linspace(0.05, 0.999, points), *jumps, *np.maximum(jumps - 1e-9, 0)]
    leave = tables.leave[rule.n // 2 : rule.threshold, :4].ravel()
    leave = np.unique(leave[np.isfinite(leave)])[::7]
    qs = [0.0, 0.3, 0.7, 1.0, *np.minimum(leave[:12] + 1e-9, 1)]
    for p in np.unique(ps):
        for q in np.unique(qs):
            yield float(p), float(q)


def worst(rule: Rule, points: int = 20, arrivals: tuple[float, ...] = (0.0, 0.3)) -> Failure:
    """The largest failure probabilities over `truths` and arrivals."""
    tables = rule.tables()
    found = [
        failure(rule, tables, p, q, arrive)
        for p, q in truths(rule, tables, points)
        for arrive in arrivals
    ]
    return Failure(max(one.certificate for one in found), max(one.statements for one in found))
