"""Randomized smoothing from scratch (RS; IAS is the same with fewer draws), and its cache."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.certify.certificates import (
    Branch,
    Certificates,
    certificates_from_bounds,
    check_same_length,
)
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound
from irs_core.stats.binomial import check_alpha, integers


@dataclass(frozen=True, eq=False)
class Cache:
    """What certifying the base classifier f leaves behind, per input; arrays of shape (N,).

    Args:
        candidate: f's top class among the selection draws, int64, at least 0.
        p_lower: Lower bound on P(f(x + eps) = candidate), float64; it exceeds that probability
            with probability at most `alpha` over the estimation draws.
        agree_counts: Estimation draws on which f predicted `candidate`, int64 in [0, n].
        n0: Selection draws per input.
        n: Estimation draws per input, disjoint from the selection draws.
        alpha: Failure probability of `p_lower`, per input.

    Raises:
        InvalidSampleError: Shapes differ or a value is out of range.
    """

    candidate: NDArray[np.int64]
    p_lower: NDArray[np.float64]
    agree_counts: NDArray[np.int64]
    n0: int
    n: int
    alpha: float

    def __post_init__(self) -> None:
        """Check the rows."""
        check_same_length(
            candidate=self.candidate, p_lower=self.p_lower, agree_counts=self.agree_counts
        )
        _check_draws(self.n0, self.n)
        check_alpha(self.alpha)
        check_hits("agree_counts", self.agree_counts, self.n)
        if np.any(self.candidate < 0):
            raise InvalidSampleError(
                f"candidate must be a class, at least 0; got {self.candidate.min()}"
            )
        if not np.all((self.p_lower >= 0) & (self.p_lower < 1)):
            raise InvalidSampleError("every p_lower must be in [0, 1)")

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.candidate)


def build_cache(
    selection_counts: ArrayLike, estimation_counts: ArrayLike, *, n0: int, n: int, alpha: float
) -> Cache:
    """The cache of f from its class counts under noise.

    The candidate is the most frequent class of the selection draws; of tied classes, the one
    with the lowest index. `p_lower` exceeds the candidate's probability with probability at
    most `alpha` per input, on condition that the estimation draws are independent of the
    selection draws and that `n` was fixed before them.

    Args:
        selection_counts: Class counts of the selection draws, shape (N, classes); each row
            sums to `n0`.
        estimation_counts: Class counts of the estimation draws, same shape; rows sum to `n`.
        n0: Selection draws per input, at least 1.
        n: Estimation draws per input, at least 1.
        alpha: Failure probability of each bound, in (0, 1).

    Raises:
        InvalidSampleError: Shapes differ, a count is negative, a row has the wrong sum (the
            first is named), or a parameter is out of range.

    Source:
        Cohen et al. 2019, Sec. 3.2.2; IRS, Algorithm 1.
    """
    _check_draws(n0, n)
    selected = _checked_rows("selection_counts", selection_counts, "n0", n0)
    estimated = _checked_rows("estimation_counts", estimation_counts, "n", n)
    if selected.shape != estimated.shape:
        raise InvalidSampleError(
            "selection_counts and estimation_counts must have one shape; "
            f"got {selected.shape} and {estimated.shape}"
        )
    candidate = selected.argmax(axis=1)
    hits = np.take_along_axis(estimated, candidate[:, None], axis=1)[:, 0]
    return build_cache_from_hits(candidate, hits, n0=n0, n=n, alpha=alpha)


def build_cache_from_hits(
    candidate: ArrayLike, hits: ArrayLike, *, n0: int, n: int, alpha: float
) -> Cache:
    """The cache of f from the candidates and how often each was predicted.

    The guarantee and its conditions are those of `build_cache`: `candidate` must come from
    draws that are independent of those counted in `hits`.

    Args:
        candidate: Top class of the `n0` selection draws, shape (N,).
        hits: Estimation draws, of `n`, on which f predicted the candidate, shape (N,).
        n0: Selection draws per input, at least 1.
        n: Estimation draws per input, at least 1.
        alpha: Failure probability of each bound, in (0, 1).

    Raises:
        InvalidSampleError: Shapes differ or a value is out of range.
    """
    _check_draws(n0, n)
    tested = integers("candidate", candidate)
    agree = integers("hits", hits)
    check_same_length(candidate=tested, hits=agree)
    check_hits("hits", agree, n)
    return Cache(
        candidate=tested,
        p_lower=binomial_lower_bound(agree, n, alpha),
        agree_counts=agree,
        n0=n0,
        n=n,
        alpha=alpha,
    )


def certify_cache(cache: Cache, *, sigma: float) -> Certificates:
    """The RS certificates of the classifier whose cache this is.

    Args:
        cache: Made by `build_cache` or `build_cache_from_hits`.
        sigma: Standard deviation of the noise in pixel units, positive.

    Returns:
        Certificates of method `rs`, as described at `certify_rs`.

    Raises:
        InvalidSampleError: `sigma` is out of range.
    """
    size = len(cache)
    return certificates_from_bounds(
        cache.candidate,
        cache.p_lower,
        n_samples=np.full(size, cache.n0 + cache.n, dtype=np.int64),
        branch=np.full(size, Branch.SCRATCH, dtype=np.uint8),
        zeta_upper=np.full(size, np.nan),
        sigma=sigma,
        method="rs",
        claimed_failure=cache.alpha,
        provable_failure=cache.alpha,
    )


def certify_rs(
    selection_counts: ArrayLike,
    estimation_counts: ArrayLike,
    *,
    n0: int,
    n: int,
    alpha: float,
    sigma: float,
) -> Certificates:
    """Certify by randomized smoothing from scratch.

    Each certificate fails with probability at most `alpha`, on condition that the selection
    and the estimation draws are independent, that each estimation draw is independent normal
    noise of deviation `sigma`, and that `n` was fixed before them. Picking the class on the
    estimation draws can double the failure probability.

    Args:
        selection_counts: Class counts of the selection draws, shape (N, classes); each row
            sums to `n0`. Of tied classes, the one with the lowest index is tested.
        estimation_counts: Class counts of the estimation draws, same shape; rows sum to `n`.
        n0: Selection draws per input, at least 1.
        n: Estimation draws per input, at least 1.
        alpha: Failure probability per input, in (0, 1).
        sigma: Standard deviation of the noise in pixel units, positive.

    Returns:
        Certificates of method `rs`, `n0` + `n` samples each; abstaining where the bound is at
        most 1/2.

    Raises:
        InvalidSampleError: Counts do not add up or a parameter is out of range.

    Source:
        Cohen et al. 2019, Sec. 3.2.2; IRS, Algorithm 1.
    """
    cache = build_cache(selection_counts, estimation_counts, n0=n0, n=n, alpha=alpha)
    return certify_cache(cache, sigma=sigma)


def certify_rs_hits(
    candidate: ArrayLike, hits: ArrayLike, *, n0: int, n: int, alpha: float, sigma: float
) -> Certificates:
    """`certify_rs` from the selected classes and their hits instead of full counts.

    The guarantee and its conditions are those of `certify_rs`.

    Args:
        candidate: Top class of the `n0` selection draws, shape (N,).
        hits: Estimation draws, of `n`, on which the candidate was predicted, shape (N,).
        n0: Selection draws per input, at least 1.
        n: Estimation draws per input, at least 1.
        alpha: Failure probability per input, in (0, 1).
        sigma: Standard deviation of the noise in pixel units, positive.

    Raises:
        InvalidSampleError: Shapes differ or a value is out of range.
    """
    cache = build_cache_from_hits(candidate, hits, n0=n0, n=n, alpha=alpha)
    return certify_cache(cache, sigma=sigma)


def check_hits(name: str, hits: NDArray[np.int64], draws: int) -> None:
    """Refuse counts outside [0, draws], naming the first."""
    bad = (hits < 0) | (hits > draws)
    if np.any(bad):
        row = int(np.argmax(bad))
        raise InvalidSampleError(f"{name} must be in [0, {draws}]; got {hits[row]} in row {row}")


def _check_draws(n0: int, n: int) -> None:
    if n0 < 1 or n < 1:
        raise InvalidSampleError(f"need n0 >= 1 and n >= 1; got n0={n0}, n={n}")


def _checked_rows(name: str, counts: ArrayLike, draws_name: str, draws: int) -> NDArray[np.int64]:
    rows = integers(name, counts)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise InvalidSampleError(f"{name} must have shape (N, classes >= 2); got {rows.shape}")
    bad = (rows.sum(axis=1) != draws) | np.any(rows < 0, axis=1)
    if np.any(bad):
        row = int(np.argmax(bad))
        raise InvalidSampleError(
            f"{name} must be at least 0 and sum to {draws_name}={draws} in every row; "
            f"row {row} sums to {rows[row].sum()} with least entry {rows[row].min()}"
        )
    return rows
