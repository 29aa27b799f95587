"""Two-sided radii: the class is bounded from below, and every other class from above.

The rule, its proof and its exact coverage are in docs/methods/two-sided.md.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.certify.certificates import ABSTAIN, Certificates, check_same_length
from irs_core.errors import InvalidSampleError
from irs_core.spec.convention import TWO_SIDED
from irs_core.stats import binomial_upper_bound, two_sided_radius
from irs_core.stats.anytime import anytime_upper
from irs_core.stats.binomial import integers

Floats = NDArray[np.float64]
# Inputs of which fewer of the selection draws gave the class get two-sided radii: above that, what
# the others may have is known well enough from the class itself.
SHARE = 0.85
# Two bounds are added up; levels too.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Others:
    """Bounds on what any other class may have.

    Args:
        upper: Upper bounds on the probability of the most likely other class, in [0, 1], (N,).
        level: Each is below it with at most this probability.
    """

    upper: Floats
    level: float


def few_selected(selected: ArrayLike, n0: int, share: float = SHARE) -> NDArray[np.bool_]:
    """Inputs that get two-sided radii, by their selection draws alone.

    Args:
        selected: Selection draws, of `n0`, that gave the candidate, (N,).
        share: Below which share of them.
    """
    return np.asarray(integers("selected", selected) < share * n0)


def others_upper(counts: ArrayLike, n: int, level: float) -> Others:
    """Bounds on the most likely other class, from how often groups of classes were predicted.

    Each group is bounded at `level`, which is not divided among them: the bound fails only if
    that of the group of the most likely other class does, and which group that is does not depend
    on the draws. Every class but the candidate is in one group; groups are made from the
    selection draws.

    Args:
        counts: Draws that gave each group, (N, groups).
        n: Draws, fixed beforehand.
        level: In (0, 1).
    """
    most = integers("counts", counts).max(axis=1)
    return Others(np.asarray(binomial_upper_bound(most, n, level)), level)


def arrivals_upper(
    counts: ArrayLike,
    n: int,
    arrivals: ArrayLike,
    draws: ArrayLike,
    *,
    b1: float,
    b2: float,
    anytime: bool = False,
) -> Others:
    """Bounds on the most likely other class of f^p, from those of f and from what moved to it.

    P(f^p in a group) is at most P(f in it) plus P(f^p in it and f not). Both are bounded for each
    group, at b1 and b2, neither divided among the groups, for the reason of `others_upper`.

    Args:
        counts: Of f's `n` draws, how many gave each group, (N, groups).
        arrivals: Of a prefix of *all* of them, how many f^p gave to a group and f did not,
            (N, groups). Draws on which f gave its candidate are among them, and the others too.
        draws: Length of the prefix, at least 0; a number or (N,). Fixed beforehand, unless
            `anytime`.
        b1, b2: In (0, 1).
        anytime: Whether the prefix may have stopped at any time.
    """
    moved = integers("arrivals", arrivals)
    seen = np.broadcast_to(integers("draws", draws), len(moved))[:, None]
    known = binomial_upper_bound(counts, n, b1)
    if anytime:
        more = anytime_upper(moved, seen, b2)
    else:
        more = np.where(seen > 0, binomial_upper_bound(moved, np.maximum(seen, 1), b2), 1.0)
    total = (known + more) * (1 + _ROUNDING)
    return Others(np.asarray(np.minimum(total.max(axis=1), 1.0)), b1 + b2)


def with_two_sided(
    whole: Certificates,
    part: Certificates,
    others: Others,
    rows: NDArray[np.bool_],
    *,
    more_samples: ArrayLike = 0,
) -> Certificates:
    """Certificates whose radii are two-sided on some rows.

    Each fails with probability at most that of `whole`, on condition that `rows` depends on no
    draw that enters a bound: not the larger of two radii is quoted, but the one chosen beforehand.
    A two-sided radius fails only if the bound of the class does, at the level of `part`, or that
    of the most likely other class, at the level of `others`.

    Args:
        whole: One-sided certificates at the whole level, of the same inputs and candidates.
        part: The same at the level that is left beside that of `others`.
        others: Read where `rows` is True.
        rows: Which inputs get two-sided radii, (N,).
        more_samples: Draws that `others` took on top of those of `whole`, a number or (N,).

    Raises:
        InvalidSampleError: The levels add up to more than that of `whole`, or shapes differ.
    """
    check_same_length(candidate=whole.candidate, part=part.candidate, rows=rows)
    check_same_length(candidate=whole.candidate, upper=others.upper)
    if part.claimed_failure + others.level > whole.claimed_failure * (1 + _ROUNDING):
        raise InvalidSampleError(
            f"the parts of a level may add up to {whole.claimed_failure:g}; got "
            f"{part.claimed_failure:g} and {others.level:g}"
        )
    # What the class surely has, no other one can have.
    upper = np.minimum(others.upper, np.minimum(1.0, (1 - part.p_lower) * (1 + _ROUNDING)))
    radius = np.where(rows, two_sided_radius(part.p_lower, upper, whole.sigma), whole.radius)
    more = np.where(rows, np.asarray(more_samples, np.int64), 0)
    return replace(
        whole,
        predicted=np.where(radius > 0, whole.candidate, ABSTAIN),
        p_lower=np.where(rows, part.p_lower, whole.p_lower),
        radius=radius,
        zeta_upper=np.where(rows, part.zeta_upper, whole.zeta_upper),
        n_samples=whole.n_samples + more,
        other_upper=np.where(rows, upper, np.nan),
        convention=TWO_SIDED,
    )
