"""How `seq` draws: each input goes on until its question is answered (docs/methods/seq.md).

The question at a radius r with a tolerance d: does f^p withstand r - d? With d above 0, inputs on
which f certainly falls short of r need no answer, and one may come from the leave rate over all
draws of the stream as well. No label is seen. How many draws are taken may depend on anything, so
none of these rules enters a guarantee; which draw comes next is fixed by f's own cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped, unused-ignore]

from irs_core.certify import Cache
from irs_core.certify.stopping import incremental_limit
from irs_core.methods.kit.counts import Floats, Ints
from irs_core.spec.outward import less
from irs_core.stats import binomial_upper_bound
from irs_core.stats.radius import probability_gap
from irs_core.stats.sequential import NEVER, above_limit, crossed, fewest_draws

Bools = NDArray[np.bool_]

# An input within the limit is given up with at most this probability.
GIVE_UP = 0.05
# Each round takes at least so many times the draws of the one before, to keep rounds few.
_GROWTH = 1.5
# A round draws on the inputs that need at most so many draws, or at most so many times the fewest
# that any needs; and on more where all of it is at most such a share of what was spent before.
_LEAST, _TIMES, _SHARE = 100, 2, 0.5
# Predictions that are looked through at once: memory stays small, whatever the study's size.
_BLOCK = 8_000_000
# Levels of the routes that decisions use (`irs_core.decide.Levels`); here they only plan.
_EXCLUDED, _STAYS = 0.001, 0.0005


@dataclass(frozen=True, eq=False)
class Hits:
    """The first draws on which f gave its candidate, in the order of the stream.

    Args:
        left: Whether f^p left the candidate on each, (inputs, hits); False where unknown.
        known: How many of them, from the first, f^p has answered, (inputs,).
        there: How many there are, (inputs,).
        through: Draws of the stream before the next hit, after 0, 1, ... hits,
            (inputs, hits + 1): f is known on all of them, and f^p stays on those that are no hits.
    """

    left: Bools
    known: Ints
    there: Ints
    through: Ints


@dataclass(frozen=True, eq=False)
class Walk:
    """Where each input stands, (inputs,).

    Args:
        taken: Hits on which f^p was run.
        wanted: Hits to go on to; `taken` where the input is answered or given up.
        failed_at: Which of the taken hits f^p left, from 1 and rising, (inputs, most leavers);
            `NEVER` where there are no more.
        looked: Draws of the stream that these hits stand for.
        failed_looked: Those before each hit that f^p left, at most `looked`, like `failed_at`.
    """

    taken: Ints
    wanted: Ints
    failed_at: Ints
    looked: Ints
    failed_looked: Ints


def joined(walks: Sequence[Walk]) -> Walk:
    """Walks of different inputs as one."""
    most = max(one.failed_at.shape[1] for one in walks)

    def padded(name: str, value: int) -> Ints:
        parts = [getattr(one, name) for one in walks]
        return np.concatenate(
            [
                np.pad(part, ((0, 0), (0, most - part.shape[1])), constant_values=value)
                for part in parts
            ]
        )

    looked = np.concatenate([one.looked for one in walks])
    before = padded("failed_looked", -1)
    return Walk(
        taken=np.concatenate([one.taken for one in walks]),
        wanted=np.concatenate([one.wanted for one in walks]),
        failed_at=padded("failed_at", NEVER),
        looked=looked,
        failed_looked=np.where(before < 0, looked[:, None], before),
    )


def row_blocks(predictions: NDArray[np.generic]) -> list[slice]:
    """Inputs in blocks of so many predictions, (inputs, draws)."""
    step = max(1, _BLOCK // max(1, predictions.shape[1]))
    return [slice(at, at + step) for at in range(0, len(predictions), step)]


def next_round(found: Walk) -> Ints:
    """Draws that each input goes on to in this round, (inputs,); 0 where it waits or is done.

    Cheapest first, in rounds that grow with what was spent, so that they stay few.
    """
    missing = found.wanted - found.taken
    if not missing.any():
        return np.zeros_like(missing)
    order = np.argsort(missing, kind="stable")
    affordable = np.zeros(len(missing), np.bool_)
    affordable[order] = np.cumsum(missing[order]) <= found.taken.sum() * _SHARE
    few = missing <= max(_LEAST, _TIMES * int(missing[missing > 0].min()))
    return np.where((missing > 0) & (few | affordable), found.wanted, 0)


@dataclass(frozen=True, eq=False)
class Aim:
    """One way to answer: a rate of leaving below a limit, per hit or per draw of the stream."""

    limit: Floats
    level: float
    per_stream: bool


def find_hits(cached: Bools, left: Bools, gaps: Bools, most: int) -> Hits:
    """The first `most` hits of each input.

    Args:
        cached: Whether f gave its candidate on each draw, (inputs, draws).
        left, gaps: Whether f^p did not, and whether it has not answered, of the same shape.
    """
    order = np.argsort(~cached, axis=1, kind="stable")[:, : most + 1]
    total = np.count_nonzero(cached, axis=1)
    ranks = np.arange(order.shape[1])
    through = np.where(ranks < total[:, None], order, cached.shape[1]).astype(np.int64)
    if through.shape[1] <= most:
        through = np.pad(through, ((0, 0), (0, 1)), constant_values=cached.shape[1])
    order = order[:, :most]
    there = np.minimum(total, most)
    real = np.arange(order.shape[1]) < there[:, None]
    unknown = np.take_along_axis(gaps, order, axis=1) & real
    first = np.where(unknown.any(axis=1), unknown.argmax(axis=1), there)
    return Hits(
        left=np.take_along_axis(left & ~gaps, order, axis=1) & real,
        known=np.asarray(first, np.int64),
        there=np.asarray(there, np.int64),
        through=through,
    )


def questions(
    cache: Cache, radii: Sequence[float], *, tolerance: float, sigma: float, a1: float, a2: float
) -> list[tuple[Bools, list[Aim]]]:
    """Per radius, the inputs that need no draw at all, and the ways to answer the others."""
    found = []
    for radius in radii:
        reach = less(radius, tolerance)
        limit = incremental_limit(cache, radius=reach, sigma=sigma, a1=a1)
        aims = [Aim(limit, a2, per_stream=False)]
        settled = np.zeros(len(cache), np.bool_)
        if tolerance > 0:
            upper = binomial_upper_bound(cache.agree_counts, cache.n, _EXCLUDED)
            settled = upper < ndtr(radius / sigma)
            gap = np.full(len(cache), probability_gap(radius, reach, sigma))
            aims.append(Aim(gap, _STAYS, per_stream=True))
        found.append((settled, aims))
    return found


def walk(hits: Hits, asked: Sequence[tuple[Bools, list[Aim]]], rows: Bools) -> Walk:
    """Go on with every input until it is answered, given up, or has to be drawn.

    Args:
        asked: What `questions` found.
        rows: Inputs that are asked at all.
    """
    places = _leavers(hits)
    taken, wanted = np.zeros_like(hits.there), np.zeros_like(hits.there)
    open_ = [np.asarray(rows & ~settled) for settled, _ in asked]
    while True:
        goal = np.full(len(taken), NEVER, np.int64)
        for at, (_, aims) in enumerate(asked):
            target, given_up = _next(hits, places, taken, aims, open_[at])
            open_[at] = open_[at] & (target <= hits.there) & ~given_up
            goal = np.where(open_[at], np.minimum(goal, target), goal)
        going = goal < NEVER
        step = np.minimum(np.maximum(goal, np.ceil(taken * _GROWTH)), hits.there).astype(np.int64)
        wanted = np.where(going, np.maximum(wanted, step), wanted)
        going = going & (step <= hits.known)
        if not going.any():
            break
        before, taken = taken, np.where(going, step, taken)
        for at, (_, aims) in enumerate(asked):
            for aim in aims:
                proven = _proven(hits, places, (before, taken), aim, open_[at] & going)
                open_[at] = open_[at] & ~proven
    still = np.logical_or.reduce([np.zeros_like(rows), *open_])
    counted = places <= taken[:, None]
    places = places[:, : int(counted.sum(axis=1).max(initial=0))]
    before_each = np.minimum(places - 1, taken[:, None])
    return Walk(
        taken=taken,
        wanted=np.where(still, np.maximum(wanted, taken), taken),
        failed_at=np.where(places <= taken[:, None], places, NEVER),
        looked=hits.through[np.arange(len(taken)), taken],
        failed_looked=np.take_along_axis(hits.through, before_each, axis=1),
    )


def looks(failed_at: Ints, taken: Ints) -> tuple[Ints, Ints]:
    """Failures and draws right before each failure and after the last draw, (inputs, looks)."""
    ranks = np.arange(failed_at.shape[1])
    total = np.count_nonzero(failed_at <= taken[:, None], axis=1)[:, None]
    draws = np.minimum(failed_at - 1, taken[:, None])
    return (
        np.concatenate([np.minimum(ranks, total), total], axis=1),
        np.concatenate([draws, taken[:, None]], axis=1),
    )


def _leavers(hits: Hits) -> Ints:
    """Which of the hits f^p left, from 1 and rising, (inputs, most leavers); NEVER after them."""
    counts = np.count_nonzero(hits.left, axis=1)
    places = np.full((len(counts), int(counts.max(initial=0))), NEVER, np.int64)
    row, at = np.nonzero(hits.left)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    places[row, rank] = at + 1
    return places


def _next(
    hits: Hits, places: Ints, taken: Ints, aims: Sequence[Aim], rows: Bools
) -> tuple[Ints, Bools]:
    """Hits at which a radius is answered at the earliest, and inputs that look hopeless."""
    target, hopeless = np.full(len(taken), NEVER, np.int64), rows.copy()
    k, at = np.count_nonzero(places <= taken[:, None], axis=1)[rows], np.flatnonzero(rows)
    for aim in aims:
        needed = fewest_draws(k, aim.limit[rows], aim.level)
        drawn = taken[rows]
        if aim.per_stream:
            drawn = hits.through[at, drawn]
            needed = np.array(
                [_reach(hits.through[row], draws) for row, draws in zip(at, needed, strict=True)],
                np.int64,
            )
        target[rows] = np.minimum(target[rows], needed)
        hopeless[rows] &= above_limit(k, drawn, aim.limit[rows], GIVE_UP)
    return target, hopeless


def _reach(through: Ints, draws: int) -> int:
    """Fewest hits that stand for so many draws of the stream."""
    found = int(np.searchsorted(through, draws))
    return found if found < len(through) else NEVER


def _proven(hits: Hits, places: Ints, between: tuple[Ints, Ints], aim: Aim, rows: Bools) -> Bools:
    """Inputs whose rate is proven below the limit at any look since the last one.

    Between two leavers the evidence only grows: the look before each and the last one tell all.
    """
    before, taken = between
    row, rank = np.nonzero((places > before[:, None]) & (places <= taken[:, None]) & rows[:, None])
    last = np.flatnonzero(rows)
    at = np.concatenate([row, last])
    k = np.concatenate([rank, np.count_nonzero(places <= taken[:, None], axis=1)[last]])
    j = np.concatenate([places[row, rank] - 1, taken[last]])
    draws = hits.through[at, j] if aim.per_stream else j
    found = np.zeros(len(rows), np.bool_)
    found[at[crossed(k, draws, aim.limit[at], aim.level)]] = True
    return found
