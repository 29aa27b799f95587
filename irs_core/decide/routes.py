"""Per input: may the compressed model lose it, has it lost it, has it certainly kept it?

An input is *lost* at radius r with tolerance delta where P(f = y) >= Phi(r / sigma) and
P(f^p = y) < Phi((r - delta) / sigma); y is its label. Three routes show that it is not:

1. *excluded*: f itself does not withstand r. Counted on y, not on f's candidate, so that a
   candidate chosen wrongly hides no loss.
2. *claimed*: f^p is certified for y at r - delta.
3. *stays*: f^p leaves y so rarely where f predicts it that r - delta is safe, whatever
   P(f = y) is. Leavers are counted over all draws of the stream, also those on which f does not
   predict y; these count as stayers and need no pass of f^p.

On a lost input each route fires with probability at most its level. Which routes are open to an
input depends on the design and on the candidates alone, never on the counted draws; the total
level is the sum over the open ones. Proofs: docs/methods/decisions.md.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr  # type: ignore[import-untyped, unused-ignore]

from irs_core.certify import Certificates
from irs_core.decide.rounding import less
from irs_core.errors import InvalidSampleError, SpecError
from irs_core.stats import binomial_upper_bound
from irs_core.stats.binomial import integers
from irs_core.stats.radius import probability_gap
from irs_core.stats.sequential import log_e_value

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
LeaveRule = Literal["prefix", "anytime"]

# Marks a count whose draws are not all there: no route and no proof rests on it.
UNKNOWN = -1
# Thresholds and bounds are moved outward by this factor against floating-point error.
_MARGIN = 1e-9


@dataclass(frozen=True)
class Levels:
    """Failure probabilities per input, fixed before any counted draw.

    Args:
        excluded: Of the upper bound on P(f = y) (route 1).
        claimed: Of f^p's certificates (route 2, and certified accuracy).
        stays: Of the upper bound on the leave probability (route 3).
        base_claimed: Of f's certificates (proven loss).
        ruled_out: Of the upper bound on P(f^p = y) (proven loss).

    Raises:
        SpecError: A level is not in (0, 1), or the routes add up to 1 or more.
    """

    excluded: float = 0.001
    claimed: float = 0.001
    stays: float = 0.0005
    base_claimed: float = 0.001
    ruled_out: float = 0.001

    def __post_init__(self) -> None:
        """Check the levels."""
        for name, level in vars(self).items():
            if not 0 < level < 1:
                raise SpecError(f"the level {name} must be in (0, 1); got {level}")
        if self.excluded + self.claimed + self.stays >= 1:
            raise SpecError("the levels of the three routes must add up to less than 1")

    @property
    def proven(self) -> float:
        """Probability that a loss is called proven where there is none."""
        return max(self.base_claimed, self.ruled_out)


@dataclass(frozen=True, eq=False)
class BaseCounts:
    """What is known about the original f; arrays of shape (inputs,).

    Args:
        labels: y.
        candidate: Class that f's selection draws chose.
        label_hits: Of the estimation draws, how many gave y (not the candidate); UNKNOWN where
            that was not counted.
        draws: Number of estimation draws, fixed beforehand.
        predicted, radius: f's certificates at level `Levels.base_claimed`.
    """

    labels: Ints
    candidate: Ints
    label_hits: Ints
    draws: int
    predicted: Ints
    radius: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CompressedCounts:
    """What is known about the compressed f^p; arrays of shape (inputs,).

    Args:
        candidate: Class that f^p's certificate is about, fixed before its counted draws.
        predicted, radius: Its certificates at level `Levels.claimed`, of any method.
        leavers: On how many of `leave_draws` stream draws f predicted its candidate and f^p did
            not; UNKNOWN where f^p's answers are missing. With the rule `anytime` also up to each
            look, (inputs, looks), of which the best counts.
        leave_draws: Stream draws looked through, *all* of them, not f's hits alone. One number
            fixed beforehand with the rule `prefix`; any number with `anytime`, shaped as `leavers`.
        leave_rule: `prefix` bounds f^p's probabilities by Clopper-Pearson, `anytime` by
            e-processes, which may stop and continue at will.
        label_hits: Of `label_draws` draws of f^p, how many gave y, or may have; UNKNOWN where not
            counted.
        label_draws: Number of these draws; it follows `leave_rule` as `leave_draws` does.
    """

    candidate: Ints
    predicted: Ints
    radius: NDArray[np.float64]
    leavers: Ints
    leave_draws: int | Ints
    label_hits: Ints
    label_draws: int | Ints
    leave_rule: LeaveRule = "prefix"


@dataclass(frozen=True, eq=False)
class Routes:
    """Flags of N inputs, shape (N,), and the levels behind them.

    Args:
        excluded, claimed, stays: Where each route fired.
        open_claimed, open_stays: Where routes 2 and 3 are open; route 1 is open everywhere.
        may_lose: V: no route fired.
        proven_lost: G: a loss is proven.
        certified: Z: f^p is certified for y at r.
        ruled_out: f^p certainly does not withstand r with class y.
        base_certified: f is certified for y at r.
        level: a, the sum of the levels of all routes that can be open to an input.
        proven_level: a_g, the probability that G is set on an input that is not lost.
        claimed_level, ruled_out_level: Of `certified` and of `ruled_out`.
    """

    excluded: Flags
    claimed: Flags
    stays: Flags
    open_claimed: Flags
    open_stays: Flags
    may_lose: Flags
    proven_lost: Flags
    certified: Flags
    ruled_out: Flags
    base_certified: Flags
    level: float
    proven_level: float
    claimed_level: float
    ruled_out_level: float

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.may_lose)


def find_routes(
    base: BaseCounts,
    compressed: CompressedCounts,
    *,
    radius: float,
    tolerance: float,
    sigma: float,
    levels: Levels,
) -> Routes:
    """Flag every input.

    Args:
        base, compressed: Counts of the reported inputs, in one order.
        radius: r, pixel units, positive.
        tolerance: delta, in [0, r].
        sigma: Standard deviation of the noise, pixel units.
        levels: Of routes and proofs; those of the certificates must be their own.

    Raises:
        InvalidSampleError: Shapes or counts do not fit.
        SpecError: Radius, tolerance or sigma is out of range.
    """
    if not (0 <= tolerance <= radius and 0 < radius < np.inf and 0 < sigma < np.inf):
        raise SpecError(
            "need sigma > 0 and a tolerance between 0 and a positive radius; "
            f"got radius {radius}, tolerance {tolerance}, sigma {sigma}"
        )
    _check_shapes(base, compressed)
    reach = less(radius, tolerance)
    gap = probability_gap(radius, reach, sigma)
    labels = base.labels
    high, low = float(ndtr(radius / sigma)), float(ndtr(reach / sigma))
    excluded = _below(base.label_hits, base.draws, levels.excluded, high)
    open_claimed = compressed.candidate == labels
    claimed = open_claimed & (compressed.predicted == labels) & (compressed.radius >= reach)
    open_stays = (base.candidate == labels) & (gap > 0)
    stays = open_stays & _rarely_leaves(compressed, gap, levels.stays)
    has = (base.predicted == labels) & (base.radius >= radius)
    short = _falls_short(compressed, levels.ruled_out, low)
    kept = open_claimed & (compressed.predicted == labels) & (compressed.radius >= radius)
    return Routes(
        excluded=excluded,
        claimed=claimed,
        stays=stays,
        open_claimed=open_claimed,
        open_stays=open_stays,
        may_lose=~(excluded | claimed | stays),
        proven_lost=(base.candidate == labels) & has & short,
        certified=kept,
        ruled_out=_falls_short(compressed, levels.ruled_out, high),
        base_certified=has,
        level=levels.excluded + levels.claimed + (levels.stays if gap > 0 else 0.0),
        proven_level=levels.proven,
        claimed_level=levels.claimed,
        ruled_out_level=levels.ruled_out,
    )


def levels_for(certificates: Certificates, base: Certificates, levels: Levels) -> Levels:
    """`levels` with those that the certificates prove.

    Raises:
        InvalidSampleError: They prove nothing.
    """
    if certificates.provable_failure is None or base.provable_failure is None:
        raise InvalidSampleError(
            "a verdict needs certificates with a proof; the full radius under discrete noise is "
            "only claimed, so certify these models under rounded noise"
        )
    return Levels(
        excluded=levels.excluded,
        claimed=certificates.provable_failure,
        stays=levels.stays,
        base_claimed=base.provable_failure,
        ruled_out=levels.ruled_out,
    )


def _below(hits: Ints, draws: int | Ints, level: float, threshold: float) -> Flags:
    """Where a probability is certainly below a threshold."""
    known = hits != UNKNOWN
    if not known.any():
        return np.zeros(len(hits), np.bool_)
    upper = binomial_upper_bound(np.where(known, hits, draws), draws, level)
    return np.asarray(known & (upper * (1 + _MARGIN) < threshold * (1 - _MARGIN)))


def last_look(counts: int | Ints) -> Ints:
    """Counts after all draws, of those up to each look."""
    found = np.asarray(counts, np.int64)
    return found[:, -1] if found.ndim == 2 else found


def _falls_short(compressed: CompressedCounts, level: float, threshold: float) -> Flags:
    """Where f^p's probability of y is certainly below a threshold."""
    if compressed.leave_rule == "prefix":
        return _below(compressed.label_hits, compressed.label_draws, level, threshold)
    known = (compressed.label_hits != UNKNOWN) & (np.asarray(compressed.label_draws) > 0)
    hits = np.where(known, compressed.label_hits, 0)
    evidence = log_e_value(hits, compressed.label_draws, threshold * (1 - _MARGIN))
    return np.asarray(known & (evidence - _MARGIN >= -np.log(level)))


def _rarely_leaves(compressed: CompressedCounts, gap: float, level: float) -> Flags:
    """Where the leave probability is certainly at most `gap`."""
    known = compressed.leavers != UNKNOWN
    draws = np.broadcast_to(np.asarray(compressed.leave_draws, np.int64), known.shape)
    known = known & (draws > 0)
    if not known.any() or gap <= 0:
        return np.zeros(len(known), np.bool_)
    leavers, draws = np.where(known, compressed.leavers, 0), np.where(known, draws, 1)
    if compressed.leave_rule == "prefix":
        upper = binomial_upper_bound(leavers, draws, level)
        return np.asarray(known & (upper * (1 + _MARGIN) <= gap))
    rare = known & (log_e_value(leavers, draws, gap) - _MARGIN >= -np.log(level))
    return np.asarray(rare.reshape(len(rare), -1).any(axis=1))


def _check_shapes(base: BaseCounts, compressed: CompressedCounts) -> None:
    arrays: dict[str, ArrayLike] = {
        "candidate": base.candidate,
        "label_hits": base.label_hits,
        "predicted": base.predicted,
        "radius": base.radius,
        "the compressed candidate": compressed.candidate,
        "the compressed predicted": compressed.predicted,
        "the compressed radius": compressed.radius,
        "leavers": last_look(compressed.leavers),
        "the compressed label_hits": compressed.label_hits,
    }
    shape = base.labels.shape
    for name, array in arrays.items():
        if np.shape(array) != shape or len(shape) != 1 or shape[0] == 0:
            raise InvalidSampleError(
                f"need one value per input and at least one input; "
                f"got {name} of shape {np.shape(array)} for labels of shape {shape}"
            )
    if compressed.leave_rule not in ("prefix", "anytime"):
        raise InvalidSampleError(
            f"leave_rule must be prefix or anytime; got {compressed.leave_rule!r}"
        )
    if (integers("labels", base.labels) < 0).any():
        raise InvalidSampleError(
            f"labels must be class ids from 0 on; got {int(np.min(base.labels))}: leave inputs "
            "without a label out"
        )
    lengths = (compressed.leave_draws, compressed.label_draws)
    if compressed.leave_rule == "prefix" and any(np.ndim(one) for one in lengths):
        raise InvalidSampleError(
            "a prefix has one length for all inputs, fixed beforehand; "
            "counts over lengths of their own need leave_rule='anytime'"
        )
    for name, hits in (
        ("label_hits", base.label_hits),
        ("leavers", compressed.leavers),
        ("the compressed label_hits", compressed.label_hits),
    ):
        if (integers(name, hits) < UNKNOWN).any():
            raise InvalidSampleError(f"{name} must be counts or UNKNOWN; got {hits.min()}")
