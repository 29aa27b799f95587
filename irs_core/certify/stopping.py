"""When an input may stop: one step for a live sampler, and a replay over stored draws.

Where a failure rate has to be below a limit (`limit_q0`), each input draws until its answer is
known. Looks may come after any number of draws. Only the proof needs a rule; every other way to
stop is free, and an input that stopped without a proof may go on later.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.certify.certificates import check_same_length
from irs_core.certify.rs import Cache
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound
from irs_core.stats.binomial import check_alpha, integers
from irs_core.stats.sequential import (
    NEVER,
    above_limit,
    crossed,
    failures_allowed,
    first_crossing,
    futile,
    limit_q0,
)

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Status(IntEnum):
    """Where an input stands. All but `OPEN` take no further draw."""

    OPEN = 0
    """More draws can decide."""
    CERTIFIED = 1
    """The failure rate is proven to be below the limit. This stays, whatever later draws show."""
    NOT_CERTIFIABLE = 2
    """The base classifier alone leaves no room at this radius: the limit is 0. No draw is taken."""
    FUTILE = 3
    """The draws that are left cannot prove it, even if none of them fails."""
    GIVEN_UP = 4
    """The failure rate is probably above the limit: a guess that costs power, not validity."""
    OUT_OF_DRAWS = 5
    """Every draw that could be taken is taken."""


@dataclass(frozen=True, eq=False)
class Replay:
    """Where each of N inputs stopped; every array has shape (N,).

    Args:
        status: A `Status` as uint8, never `OPEN`.
        draws: Draws of the certified classifier that were taken, int64.
        failures: Failures among them, int64.
        limit: The limit on the failure rate, float64 in [0, 1/2]; 0 where not certifiable.
    """

    status: NDArray[np.uint8]
    draws: Ints
    failures: Ints
    limit: Floats

    def __post_init__(self) -> None:
        """Check the shapes."""
        check_same_length(
            status=self.status, draws=self.draws, failures=self.failures, limit=self.limit
        )


def incremental_limit(
    cache: Cache,
    *,
    radius: ArrayLike,
    sigma: float,
    a1: float,
    p_lower: ArrayLike | None = None,
) -> Floats:
    """The leave rate below which each input's radius is certified, shape (N,); see `limit_q0`.

    Args:
        cache: What certifying the base classifier left behind, N inputs.
        radius: L2 radius in pixel units, a number or shape (N,).
        sigma: Standard deviation of the noise in pixel units, positive.
        a1: Failure probability of the bound on the base classifier, in (0, 1).
        p_lower: That bound, where it is not Clopper-Pearson for a fixed n; see
            `certify_sequential`.

    Raises:
        InvalidSampleError: A value is out of range.
    """
    bound = binomial_lower_bound(cache.agree_counts, cache.n, a1) if p_lower is None else p_lower
    return np.broadcast_to(limit_q0(bound, radius, sigma), (len(cache),))


def step(
    status: ArrayLike,
    failures: ArrayLike,
    draws: ArrayLike,
    *,
    limit: ArrayLike,
    alpha: float,
    most: ArrayLike,
    give_up: float | None = None,
) -> NDArray[np.uint8]:
    """Where each input stands after these draws.

    To be called after each batch, and once before the first one, with counts from the start. The
    failure probability of `Status.CERTIFIED` is `alpha` per input, over all calls together. To
    take more draws after all, set a status other than `CERTIFIED` back to `OPEN`.

    Args:
        status: Status after the last call, `OPEN` at first; a number or shape (N,).
        failures: Failures among the draws so far, shape (N,).
        draws: Draws so far, shape (N,).
        limit: Limit on the failure rate, in [0, 1), shape (N,); 0 where not certifiable.
        alpha: Failure probability, in (0, 1): a2 incrementally, a1 + a2 from scratch.
        most: Draws that can be taken at all, a number or shape (N,).
        give_up: Probability of giving up an input whose failure rate is within the limit, in
            (0, 1); None never gives up.

    Returns:
        A `Status` as uint8, shape (N,).

    Raises:
        InvalidSampleError: A value is out of range.
    """
    j = integers("draws", draws)
    rules = [
        (Status.NOT_CERTIFIABLE, np.asarray(limit) <= 0),
        (Status.CERTIFIED, crossed(failures, j, limit, alpha)),
        (Status.OUT_OF_DRAWS, j >= np.asarray(most)),
        (Status.FUTILE, futile(failures, j, limit, alpha, most)),
    ]
    if give_up is not None:
        rules.append((Status.GIVEN_UP, above_limit(failures, j, limit, give_up)))
    found = np.select([rule for _, rule in rules], [name for name, _ in rules], Status.OPEN)
    before = np.asarray(status, dtype=np.uint8)
    return np.where(before == Status.OPEN, found, before).astype(np.uint8)


def replay_incremental(
    cache: Cache,
    left: ArrayLike,
    hits: ArrayLike,
    *,
    radius: ArrayLike,
    sigma: float,
    a1: float,
    a2: float,
    known: ArrayLike | None = None,
    block: int = 1,
    most: int | None = None,
    give_up: float | None = None,
    p_lower: ArrayLike | None = None,
) -> Replay:
    """Where each input would have stopped, had f^p run on its cached hits one block at a time.

    The hits are taken in the order of the stream. A hit on which f^p is not computed ends the
    stream of its input; it is never skipped.

    Args:
        cache: What certifying the base classifier f left behind, N inputs.
        left: Whether f^p did not predict the candidate on each cached draw, shape (N, W); read
            at known hits only.
        hits: Whether f predicted the candidate on it, shape (N, W), in the order of the stream.
        radius: L2 radius to be certified in pixel units, a number or shape (N,).
        sigma: Standard deviation of the noise in pixel units, positive.
        a1: Failure probability of the bound on the base classifier, in (0, 1).
        a2: Failure probability of the proof about the leave rate, in (0, 1).
        known: Whether f^p is computed on each draw, shape (N, W); None means everywhere.
        block: Draws between two looks, at least 1.
        most: Draws per input at most; None means every hit.
        give_up: See `step`.
        p_lower: See `certify_sequential`.

    Raises:
        InvalidSampleError: Shapes do not fit, or a value is out of range.
    """
    limit = incremental_limit(cache, radius=radius, sigma=sigma, a1=a1, p_lower=p_lower)
    return _replay(left, hits, known, limit, a2, block, most, give_up)


def replay_scratch(
    failed: ArrayLike,
    *,
    radius: ArrayLike,
    sigma: float,
    alpha: float,
    known: ArrayLike | None = None,
    block: int = 1,
    most: int | None = None,
    give_up: float | None = None,
) -> Replay:
    """Where each input would have stopped from scratch, one block of fresh draws at a time.

    Args:
        failed: Whether the classifier did not predict the candidate on each draw, shape (N, W),
            in the order of the stream.
        alpha: Failure probability of the proof, in (0, 1).
        radius, sigma, known, block, most, give_up: See `replay_incremental`.

    Raises:
        InvalidSampleError: Shapes do not fit, or a value is out of range.
    """
    outcomes = np.asarray(failed, dtype=np.bool_)
    limit = np.broadcast_to(limit_q0(1.0, radius, sigma), (len(outcomes),))
    return _replay(outcomes, np.ones_like(outcomes), known, limit, alpha, block, most, give_up)


def _replay(
    failed: ArrayLike,
    counted: ArrayLike,
    known: ArrayLike | None,
    limit: Floats,
    alpha: float,
    block: int,
    most: int | None,
    give_up: float | None,
) -> Replay:
    outcomes, usable = _usable(failed, counted, known)
    if block < 1 or (most is not None and most < 0) or len(limit) != len(outcomes):
        raise InvalidSampleError(
            f"need block >= 1, most >= 0 and one row for each of {len(limit)} inputs; "
            f"got {block}, {most} and {len(outcomes)} rows"
        )
    reach = usable.sum(axis=1) if most is None else np.minimum(usable.sum(axis=1), most)
    k, j = _looks(outcomes, usable, reach, block)
    proven = first_crossing(k, j, limit, alpha)
    allowed = failures_allowed(reach, limit, alpha)
    stops = np.stack(
        [
            np.where(limit <= 0, 0, NEVER),
            np.where(proven < 0, NEVER, proven),
            reach,
            _first(j, k > allowed[:, None]),
            _given_up(k, j, limit, give_up),
        ]
    )
    names = (
        Status.NOT_CERTIFIABLE,
        Status.CERTIFIED,
        Status.OUT_OF_DRAWS,
        Status.FUTILE,
        Status.GIVEN_UP,
    )
    draws = stops.min(axis=0)
    at = np.argmax(j >= draws[:, None], axis=1)
    return Replay(
        status=np.array(names, dtype=np.uint8)[stops.argmin(axis=0)],
        draws=draws,
        failures=k[np.arange(len(k)), at],
        limit=limit,
    )


def _usable(failed: ArrayLike, counted: ArrayLike, known: ArrayLike | None) -> tuple[Bools, Bools]:
    """Outcomes, and which draws may be counted: those before the first unknown one."""
    outcomes, usable = np.asarray(failed, np.bool_), np.asarray(counted, np.bool_)
    there = np.ones_like(usable) if known is None else np.asarray(known, np.bool_)
    if outcomes.ndim != 2 or not outcomes.shape == usable.shape == there.shape:
        raise InvalidSampleError(
            "outcomes must all have one shape (N, draws); "
            f"got {outcomes.shape}, {usable.shape} and {there.shape}"
        )
    missing = np.logical_or.accumulate(usable & ~there, axis=1)
    return outcomes, usable & ~missing


def _looks(outcomes: Bools, usable: Bools, reach: Ints, block: int) -> tuple[Ints, Ints]:
    """Failures and draws at each look, (N, looks): before the first draw, then after each block."""
    order = np.argsort(~usable, axis=1, kind="stable")
    failed = np.take_along_axis(outcomes, order, axis=1)
    counts = np.zeros((len(failed), failed.shape[1] + 1), dtype=np.int64)
    np.cumsum(failed, axis=1, out=counts[:, 1:])
    times = np.arange(0, int(reach.max(initial=0)) + block, block)
    j = np.minimum(times, reach[:, None])
    return np.take_along_axis(counts, j, axis=1), j


def _first(draws: Ints, stops: Bools) -> Ints:
    """Draws at the first look that stops, `NEVER` where none does."""
    at = np.take_along_axis(draws, stops.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(stops.any(axis=1), at, NEVER)


def _given_up(failures: Ints, draws: Ints, limit: Floats, level: float | None) -> Ints:
    if level is None:
        return np.full(len(limit), NEVER, dtype=np.int64)
    check_alpha(level, "give_up")
    found = first_crossing(draws - failures, draws, np.where(limit > 0, 1 - limit, 0.0), level)
    return np.where(found < 0, NEVER, found)
