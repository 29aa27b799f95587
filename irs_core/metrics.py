"""Numbers about certificates; the only place where true labels enter."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.certify import ABSTAIN, Certificates
from irs_core.errors import InvalidSampleError
from irs_core.stats.binomial import integers

_BLOCK_VALUES = 10_000_000
_MOST_RESAMPLED, _GROUPS = 2000, 500
_NORMAL_975 = 1.959963984540054


def counted_radii(certificates: Certificates, labels: ArrayLike) -> NDArray[np.float64]:
    """Each input's contribution to ACR, shape (N,): its radius if right, 0 if wrong or abstaining.

    Args:
        certificates: Of N inputs, at least one.
        labels: True classes, integers of at least 0, shape (N,).

    Raises:
        InvalidSampleError: There are no inputs or the labels do not fit.
    """
    return certificates.radius * _right(certificates, labels)


def average_certified_radius(certificates: Certificates, labels: ArrayLike) -> float:
    """Mean certified radius (ACR), in pixel units.

    An input counts with its radius where its class is right and with 0 where it is wrong or
    abstains: no input leaves the mean.

    Args:
        certificates: Of N inputs, at least one.
        labels: True classes, integers of at least 0, shape (N,).

    Returns:
        At least 0; 0 where no input is right and certified.

    Raises:
        InvalidSampleError: There are no inputs or the labels do not fit.

    Source:
        IRS, Section 4.
    """
    return float(np.mean(counted_radii(certificates, labels)))


def certified_accuracy(
    certificates: Certificates, labels: ArrayLike, radii: ArrayLike
) -> NDArray[np.float64]:
    """Share of inputs that are right and certified at a radius strictly above each of `radii`.

    Args:
        certificates: Of N inputs, at least one.
        labels: True classes, integers of at least 0, shape (N,).
        radii: Radii of at least 0 in pixel units, any shape.

    Returns:
        Shares in [0, 1], the shape of `radii`; all inputs are in the denominator.

    Raises:
        InvalidSampleError: There are no inputs, the labels do not fit, or a radius is negative.

    Source:
        ISS, eq. 8.
    """
    cuts = np.asarray(radii, dtype=np.float64)
    if not np.all(cuts >= 0):
        raise InvalidSampleError(f"radii must be at least 0; got {cuts[~(cuts >= 0)].flat[0]}")
    reached = np.sort(certificates.radius[_right(certificates, labels)])
    above = len(reached) - np.searchsorted(reached, cuts, side="right")
    return np.asarray(above / len(certificates), dtype=np.float64)


def smoothed_accuracy(certificates: Certificates, labels: ArrayLike) -> float:
    """Share of inputs whose certified class is right; abstaining counts as wrong.

    Args:
        certificates: Of N inputs, at least one.
        labels: True classes, integers of at least 0, shape (N,).

    Raises:
        InvalidSampleError: There are no inputs or the labels do not fit.
    """
    return float(np.mean(_right(certificates, labels)))


def abstention_rate(certificates: Certificates) -> float:
    """Share of inputs on which the certifier abstains.

    Raises:
        InvalidSampleError: There are no inputs.
    """
    if len(certificates) == 0:
        raise InvalidSampleError("a rate needs at least one input; got none")
    return float(np.mean(certificates.predicted == ABSTAIN))


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of cost against ACR, one per draw budget.

    Args:
        acr: Average certified radius of each point, finite, shape (points,), at least one.
        cost: What the point cost (seconds, or forward passes), positive and finite, same shape.

    Raises:
        InvalidSampleError: Shapes differ or a value is out of range.
    """

    acr: NDArray[np.float64]
    cost: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check the points."""
        object.__setattr__(self, "acr", np.asarray(self.acr, dtype=np.float64))
        object.__setattr__(self, "cost", np.asarray(self.cost, dtype=np.float64))
        if self.acr.ndim != 1 or self.acr.size == 0 or self.acr.shape != self.cost.shape:
            raise InvalidSampleError(
                "acr and cost must have one shape (points >= 1,); "
                f"got {self.acr.shape} and {self.cost.shape}"
            )
        if not np.all(np.isfinite(self.acr)):
            raise InvalidSampleError("every acr must be finite")
        if not np.all((self.cost > 0) & np.isfinite(self.cost)):
            raise InvalidSampleError("every cost must be positive and finite")


def area_speedup(baseline_curve: Curve, method_curve: Curve) -> float:
    """How many times cheaper the method reaches an ACR than the baseline, on average.

    The ratio of the areas under cost over ACR, baseline over method, on the range of ACR that
    both curves reach. A curve may go back in ACR through noise. So each point is first given
    the least cost of any point with at least its ACR; between points, sorted by ACR, the cost
    is linear.

    Args:
        baseline_curve: Cost and ACR of the baseline.
        method_curve: Cost, in the same unit, and ACR of the method.

    Returns:
        A positive ratio, above 1 where the method is cheaper; NaN where the common range of
        ACR is empty or a single value.

    Source:
        IRS, Section 5.2.
    """
    one = area_speedups(
        baseline_curve.acr[None],
        baseline_curve.cost[None],
        method_curve.acr[None],
        method_curve.cost[None],
    )
    return float(one[0])


def area_speedups(
    baseline_acr: NDArray[np.float64],
    baseline_cost: NDArray[np.float64],
    method_acr: NDArray[np.float64],
    method_cost: NDArray[np.float64],
) -> NDArray[np.float64]:
    """`area_speedup` of many pairs of curves at once.

    Args:
        baseline_acr, baseline_cost: Shape (pairs, points), finite; costs positive.
        method_acr, method_cost: Shape (pairs, points of the method), likewise.

    Returns:
        Shape (pairs,).
    """
    low = np.maximum(baseline_acr.min(axis=1), method_acr.min(axis=1))
    high = np.minimum(baseline_acr.max(axis=1), method_acr.max(axis=1))
    shared = low < high
    baseline = _areas(baseline_acr, baseline_cost, low, high)
    method = _areas(method_acr, method_cost, low, high)
    ratios = np.full(len(low), np.nan)
    np.divide(baseline, method, out=ratios, where=shared)
    return ratios


def bootstrap_interval(
    values_per_input: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], ArrayLike] | None = None,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 1000,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Percentile bootstrap interval of a statistic, resampling inputs.

    It describes how much the statistic would move with other inputs from the same source. Its
    coverage is `level` only approximately and for many inputs: it certifies nothing. Values of
    one input stay together, so that curves and paired methods may be resampled as one.

    Args:
        values_per_input: Shape (N, ...), N at least 1.
        statistic: Takes resampled values of shape (batch, N, ...) and reduces the second axis,
            returning shape (batch, ...). None: the mean.
        rng: The source of randomness; equal generators give equal intervals.
        level: Probability between the two percentiles, in (0, 1).
        resamples: Number of resampled sets, at least 1.

    Returns:
        Lower and upper ends, each of the shape of the statistic of one set.

    Raises:
        InvalidSampleError: There are no inputs, or `level` or `resamples` is out of range.
    """
    values = np.asarray(values_per_input, dtype=np.float64)
    if values.ndim == 0 or len(values) == 0:
        raise InvalidSampleError(f"values need at least one input; got shape {values.shape}")
    if not 0 < level < 1 or resamples < 1:
        raise InvalidSampleError(
            f"need level in (0, 1) and resamples >= 1; got {level}, {resamples}"
        )
    # Batches bound the memory; every draw is still made in the same order.
    batch = max(1, _BLOCK_VALUES // max(1, values.size))
    parts = []
    for start in range(0, resamples, batch):
        rows = rng.integers(len(values), size=(min(batch, resamples - start), len(values)))
        sampled = values[rows]
        parts.append(np.asarray(sampled.mean(axis=1) if statistic is None else statistic(sampled)))
    tail = (1 - level) / 2
    ends = np.quantile(np.concatenate(parts), [tail, 1 - tail], axis=0)
    return ends[0], ends[1]


def mean_intervals(
    values: NDArray[np.float64], *, seed: int, resamples: int = 1000
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95% intervals of means over inputs, cheap enough for every turn of a slider.

    Up to 2000 inputs each is the percentile bootstrap of `bootstrap_interval` with a generator
    of that seed. Above, where the two differ by less than the bootstrap's own scatter, it is the
    normal approximation, mean -+ 1.96 standard errors.

    Args:
        values: One column per mean, shape (N, k), N at least 1.
        seed: Of the resampling; equal seeds give equal intervals.
        resamples: Number of resampled sets.

    Returns:
        Lower and upper ends, each of shape (k,).
    """
    count = len(values)
    if count > _MOST_RESAMPLED:
        half = _NORMAL_975 / math.sqrt(count) * values.std(axis=0, ddof=1)
        mean = values.mean(axis=0)
        return mean - half, mean + half
    means = _resample_counts(count, resamples, seed) @ values / count
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return low, high


@lru_cache(maxsize=8)
def _resample_counts(count: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each resampled set holds each input, (resamples, count)."""
    rows = np.random.default_rng(seed).integers(count, size=(resamples, count))
    flat = (rows + count * np.arange(resamples)[:, None]).ravel()
    found = np.bincount(flat, minlength=count * resamples).reshape(resamples, count)
    return found.astype(np.float64)


def resampled_sums(
    values: NDArray[np.float64], *, seed: int, resamples: int
) -> NDArray[np.float64]:
    """Sums over inputs in bootstrap sets of inputs.

    More than 2000 inputs are first put into 500 random groups, and groups are resampled: sums of
    equally many inputs vary by as much, and sets may differ a little in size.

    Args:
        values: Shape (N, k), one row per input.
        seed: Of the resampling; equal seeds resample equally whatever the values.
        resamples: Number of resampled sets.

    Returns:
        Shape (resamples, k).
    """
    if len(values) > _MOST_RESAMPLED:
        order, edges = _groups(len(values), seed)
        values = np.add.reduceat(values[order], edges, axis=0)
    sums: NDArray[np.float64] = _resample_counts(len(values), resamples, seed) @ values
    return sums


@lru_cache(maxsize=8)
def _groups(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A random order of inputs and where each of 500 groups begins in it."""
    edges = np.arange(_GROUPS) * count // _GROUPS
    return np.random.default_rng(seed).permutation(count), edges


def _right(certificates: Certificates, labels: ArrayLike) -> NDArray[np.bool_]:
    truth = integers("labels", labels)
    if truth.shape != certificates.predicted.shape or truth.size == 0:
        raise InvalidSampleError(
            f"need one label per input and at least one input; got labels {truth.shape} "
            f"for {len(certificates)} certificates"
        )
    if np.any(truth < 0):
        raise InvalidSampleError(f"labels must be at least 0; got {truth.min()}")
    return np.asarray(certificates.predicted == truth)


def _areas(
    acr: NDArray[np.float64],
    cost: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Areas under monotone envelopes between two ACRs inside their ranges, (curves,)."""
    # Of equal ACRs the least cost comes last, so that the envelope gives it to all of them.
    order = np.lexsort((-cost, acr), axis=1)
    acr, cost = np.take_along_axis(acr, order, 1), np.take_along_axis(cost, order, 1)
    least = np.minimum.accumulate(cost[:, ::-1], axis=1)[:, ::-1]
    width = np.diff(acr, axis=1)
    slope = np.divide(np.diff(least, axis=1), width, out=np.zeros_like(width), where=width > 0)
    inside = np.clip(acr, low[:, None], high[:, None])
    left, right = inside[:, :-1], inside[:, 1:]
    middle = (left + right) / 2 - acr[:, :-1]
    areas: NDArray[np.float64] = ((right - left) * (least[:, :-1] + slope * middle)).sum(axis=1)
    return areas
