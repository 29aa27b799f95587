"""What certifying a study gives, as plain values: curves, rows, intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irs_core import metrics
from irs_core.spec.fields import check_gamma, check_probability
from irs_core.spec.study import StudySpec
from irs_core.stats import binomial_lower_bound, binomial_upper_bound

Floats = NDArray[np.float64]
Method = Literal["rs", "irs", "iss", "cirs"]
METHODS: tuple[Method, ...] = ("rs", "irs", "iss", "cirs")
# Which one stands for a compressed classifier where several certified it.
MAIN_METHODS: tuple[Method, ...] = ("cirs", "irs", "iss")
Cost = Literal["seconds", "draws"]
COSTS: tuple[Cost, ...] = ("seconds", "draws")
_SEED = 20_240_507
_RESAMPLES = 1000
# Of a 95% interval, on either side.
_TAIL = 0.025


@dataclass(frozen=True)
class Settings:
    """What can be changed without drawing again.

    Args:
        alpha: Failure probability of the bound on p_A.
        alpha_zeta: Failure probability of the bound on zeta. The baseline runs at their sum.
        gamma: Threshold on p_lower between the two estimators of IRS.
    """

    alpha: float
    alpha_zeta: float
    gamma: float

    def __post_init__(self) -> None:
        check_probability("alpha", self.alpha)
        check_probability("alpha_zeta", self.alpha_zeta)
        check_gamma(self.gamma)

    @classmethod
    def of(cls, spec: StudySpec) -> "Settings":
        """The settings that the study was started with."""
        return cls(spec.alpha, spec.alpha_zeta, spec.gamma)


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
    """All methods over all budgets, for one compressed classifier; empty where draws lack.

    Args:
        speedups: Area speedup of each method that has draws over `rs`.
    """

    rs: tuple[Point, ...]
    irs: tuple[Point, ...]
    iss: tuple[Point, ...]
    cirs: tuple[Point, ...]
    speedups: Mapping[tuple[Method, Cost], Interval] = field(hash=False)

    def points(self, method: Method) -> tuple[Point, ...]:
        """The curve of one method."""
        return {"rs": self.rs, "irs": self.irs, "iss": self.iss, "cirs": self.cirs}[method]

    def speedup(self, method: Method, cost: Cost) -> Interval:
        """Area speedup of a method over `rs`; NaN where there is nothing to compare."""
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
        failure: Probability per input that its certificate is wrong, proven.
        method: What certified it, of those whose draws are there the first of `MAIN_METHODS`.
    """

    name: str
    n_p: int
    accuracy: Interval
    acr: Interval
    mean_zeta: Interval
    speedup_seconds: Interval
    speedup_draws: Interval
    failure: float
    method: Method = "irs"


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
