"""What certifying a study gives, as plain values: curves, rows, intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irs_core import metrics
from irs_core.stats import binomial_lower_bound, binomial_upper_bound

Floats = NDArray[np.float64]
Cost = Literal["seconds", "draws"]
COSTS: tuple[Cost, ...] = ("seconds", "draws")
_SEED = 20_240_507
_RESAMPLES = 1000
# Of a 95% interval, on either side.
_TAIL = 0.025


@dataclass(frozen=True)
class Interval:
    """A mean or a share over inputs with its 95% interval.

    It says how much the value would move with other inputs of the same kind, each drawn by
    itself, and nothing about the confidence of the certificates; see `mean_interval` and
    `share_interval`. Where inputs share noise (NoiseSpec.group > 1) it is too narrow.
    """

    value: float
    low: float
    high: float


UNKNOWN_INTERVAL = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Point:
    """One budget of one method.

    Args:
        n_p: Draws per input.
        acr: Average certified radius, pixel units.
        seconds, draws: Total over the inputs, selection included where the method selects.
    """

    n_p: int
    acr: Interval
    seconds: float
    draws: int


@dataclass(frozen=True)
class Comparison:
    """All methods over all budgets, for one compressed classifier.

    Args:
        curves: Points of each method whose draws are there, by its name, in their order.
        speedups: Area speedup of each such method over the baseline; empty without a baseline.
    """

    curves: Mapping[str, tuple[Point, ...]] = field(hash=False)
    speedups: Mapping[tuple[str, Cost], Interval] = field(hash=False)

    def points(self, method: str) -> tuple[Point, ...]:
        """The curve of one method; empty where its draws are missing."""
        return self.curves.get(method, ())

    def speedup(self, method: str, cost: Cost) -> Interval:
        """Area speedup of a method over the baseline; NaN where there is nothing to compare."""
        return self.speedups.get((method, cost), UNKNOWN_INTERVAL)


@dataclass(frozen=True)
class ZetaRow:
    """How much one compressed classifier differs from the base.

    Args:
        disagreement: Share of paired draws with different answers.
        mean_zeta: Mean upper bound on P(f != f^p) over inputs.
        leave: Share, of the paired draws on which f predicts its candidate, on which f^p does
            not: what CIRS is charged for.
        floor: The smallest bound that this many draws can give.
        values: The bound of each input, (inputs,).
    """

    name: str
    n_p: int
    disagreement: float
    mean_zeta: Interval
    floor: float
    values: Floats
    leave: float = float("nan")


@dataclass(frozen=True)
class Summary:
    """One classifier of a study in one row, at its largest budget, certified incrementally.

    Args:
        n_p: Draws per input (n for the base).
        accuracy: Smoothed accuracy: share of inputs certified for their true class.
        mean_zeta: Mean bound on P(f != f^p); NaN for the base.
        speedup_seconds, speedup_draws: Area speedup over certifying from scratch; NaN where
            there is nothing to compare with.
        failure: Probability per input that its certificate is wrong, proven; None where nothing is.
        method: Name of what certified it; empty for the base.
    """

    name: str
    n_p: int
    accuracy: Interval
    acr: Interval
    mean_zeta: Interval
    speedup_seconds: Interval
    speedup_draws: Interval
    failure: float | None
    method: str = ""


def mean_interval(values: Floats) -> Interval:
    """Mean over inputs with its 95% interval, bootstrapped up to 2000 inputs and normal above;
    NaN where there are none."""
    return mean_intervals(values[:, None])[0]


def mean_intervals(values: Floats) -> list[Interval]:
    """`mean_interval` of each column."""
    if not len(values):
        return [UNKNOWN_INTERVAL] * values.shape[1]
    ends = metrics.mean_intervals(values, seed=_SEED, resamples=_RESAMPLES)
    columns = zip(values.mean(axis=0).tolist(), *(one.tolist() for one in ends), strict=True)
    return [Interval(mean, low, high) for mean, low, high in columns]


def share_interval(flags: NDArray[np.bool_]) -> Interval:
    """Share of inputs with its exact binomial interval; NaN where there are none.

    Unlike the bootstrap it has a width where all inputs agree. Clopper and Pearson 1934.
    """
    if not len(flags):
        return UNKNOWN_INTERVAL
    count, size = int(np.count_nonzero(flags)), len(flags)
    low = binomial_lower_bound(count, size, _TAIL)
    high = binomial_upper_bound(count, size, _TAIL)
    return Interval(count / size, float(low), float(high))
