"""Simulated searches with known truth, through the code that stops, certifies and decides.

On some inputs f withstands the radius by a hair, on the others with ease. Every candidate truly
loses a share of all inputs, of the former ones, and its own: there it falls short of radius less
tolerance by a hair, which is where a wrong verdict is likeliest. Elsewhere it never leaves f.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

from irs_core.certify import Cache, build_cache_from_hits, certify_cache, certify_sequential
from irs_core.decide import (
    BaseCounts,
    CompressedCounts,
    Decision,
    Levels,
    Requirement,
    Split,
    decide,
    find_routes,
    most_flags,
)
from irs_core.methods.kit.seq_walk import find_hits, questions, walk
from irs_core.methods.seq import looks
from irs_core.stats.budget import split_alpha

SIGMA, N0, N, MOST = 0.5, 20, 500, 300
NEAR = 0.5
LEVELS = Levels()
LEVEL = LEVELS.excluded + LEVELS.claimed + LEVELS.stays
_HAIR = 1e-6


def chance_of_a_wrong_winner(
    inputs: int, candidates: int, requirement: Requirement, *, share: float | None = None
) -> float:
    """Exactly: that independent candidates at the limit are said to hold, any of them.

    On a lost input the flag is missing with the whole level, the worst that is allowed.

    Args:
        share: Failure probability of each candidate; None for its share by the union.
    """
    limit = requirement.max_loss or 0.0
    beta = requirement.beta / candidates if share is None else share
    flags = most_flags(inputs, max_share=limit, beta=beta, level=LEVEL)
    if flags is None:
        return 0.0
    # A share above the limit by a hair is what holds wrongly.
    one = float(binom.cdf(flags, inputs, limit * (1 - LEVEL)))
    return float(-np.expm1(candidates * np.log1p(-one)))


@dataclass
class Truth:
    """Probabilities of one candidate, (inputs,): of f giving y, and of f^p leaving it then."""

    hits: np.ndarray
    leaves: np.ndarray


def near(rng: np.random.Generator, inputs: int) -> np.ndarray:
    """Inputs that f withstands by a hair, the same for all candidates of a search, (inputs,)."""
    return rng.random(inputs) < NEAR


def truth(
    rng: np.random.Generator, near: np.ndarray, requirement: Requirement, loss: float
) -> Truth:
    """Inputs of which each is lost with the probability `loss`, at most `NEAR`."""
    lost = near & (rng.random(len(near)) < loss / NEAR)
    high, low = ndtr(requirement.radius / SIGMA), ndtr(requirement.reach / SIGMA)
    p = np.where(near, high + _HAIR, 0.999)
    return Truth(p, np.where(lost, 1 - (low - _HAIR) / p, 0.0))


def searched(
    rng: np.random.Generator,
    truths: list[Truth],
    requirement: Requirement,
    *,
    share: float | None = None,
) -> list[tuple[str, int]]:
    """Verdict and draws of each candidate, which stops as soon as it is settled."""
    cached = rng.random((len(truths[0].hits), N)) < truths[0].hits[:, None]
    a1, a2 = split_alpha(N, 200, 0.001)
    zeros = np.zeros(len(cached), np.int64)
    cache = build_cache_from_hits(zeros, cached.sum(axis=1), n0=N0, n=N, alpha=a1)
    beta = requirement.beta / len(truths) if share is None else share
    split = Split(holds=beta, fails=beta, bounds=beta, candidates=len(truths))
    found = []
    for one in truths:
        left = cached & (rng.random(cached.shape) < one.leaves[:, None])
        found.append(_race(cache, cached, left, requirement, split, a1, a2))
    return found


def _race(
    cache: Cache,
    cached: np.ndarray,
    left: np.ndarray,
    requirement: Requirement,
    split: Split,
    a1: float,
    a2: float,
) -> tuple[str, int]:
    asked = questions(
        cache, (requirement.radius,), tolerance=requirement.tolerance, sigma=SIGMA, a1=a1, a2=a2
    )
    known, rows = np.zeros(len(cached), np.int64), np.ones(len(cached), np.bool_)
    order = np.cumsum(cached, axis=1)
    while True:
        hits = find_hits(cached, left, order > known[:, None], MOST)
        at = walk(hits, asked, rows)
        decision = _decide(cache, at, requirement, split, a1, a2)
        if decision.verdict != "undecided" or not (at.wanted > at.taken).any():
            return decision.verdict, int(at.taken.sum())
        known = np.maximum(known, at.wanted)


def _decide(cache: Cache, at, requirement: Requirement, split: Split, a1, a2) -> Decision:
    failures, draws = looks(at.failed_at, at.taken)
    made = certify_sequential(
        cache, failures=failures, draws=draws, a1=a1, a2=a2, sigma=SIGMA, radius=requirement.reach
    )
    own = certify_cache(cache, sigma=SIGMA)
    labels = cache.candidate
    looked = np.concatenate([at.failed_looked, at.looked[:, None]], axis=1)
    routes = find_routes(
        BaseCounts(labels, labels, cache.agree_counts, N, own.predicted, own.radius),
        CompressedCounts(
            candidate=labels,
            predicted=made.predicted,
            radius=made.radius,
            leavers=failures,
            leave_draws=looked,
            label_hits=looked[:, -1] - failures[:, -1],
            label_draws=looked[:, -1],
            leave_rule="anytime",
        ),
        radius=requirement.radius,
        tolerance=requirement.tolerance,
        sigma=SIGMA,
        levels=LEVELS,
    )
    return decide(requirement, "candidate", routes, split=split)
