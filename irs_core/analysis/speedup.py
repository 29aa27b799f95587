"""Curves input by input, and how far an area speedup would move with other inputs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from irs_core import metrics
from irs_core.analysis.results import (
    UNKNOWN_INTERVAL,
    Cost,
    Floats,
    Interval,
    Point,
    mean_intervals,
)

_SEED = 20_240_507
_RESAMPLES = 400


@dataclass(frozen=True, eq=False)
class PerInput:
    """What each input contributes to the curve of one method, each (inputs, budgets).

    Args:
        n_p: Draws per input at each budget, (budgets,).
        radii: Counted radius, pixel units.
        seconds: Measured; NaN where nothing was measured.
        draws: Forward passes, selection included where the method selects.
    """

    n_p: tuple[int, ...]
    radii: Floats
    seconds: Floats
    draws: Floats

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The curve, one point per budget."""
        totals = zip(self.seconds.sum(axis=0), self.draws.sum(axis=0), strict=True)
        return tuple(
            Point(n_p, acr, float(seconds), int(draws))
            for n_p, acr, (seconds, draws) in zip(
                self.n_p, mean_intervals(self.radii), totals, strict=True
            )
        )

    def sums(self, cost: Cost) -> tuple[Floats, Floats]:
        """Mean radius and total cost, (sets, budgets); first of all inputs, then of resampled."""
        sums = self._sums
        return sums["radii"] / len(self.radii), sums[cost]

    @cached_property
    def _sums(self) -> dict[str, Floats]:
        made = {"radii": self.radii, "seconds": self.seconds, "draws": self.draws}
        return {key: _with_resampled(values) for key, values in made.items()}


def _with_resampled(values: Floats) -> Floats:
    found = metrics.resampled_sums(values, seed=_SEED, resamples=_RESAMPLES)
    return np.vstack([values.sum(axis=0), found])


def speedup_interval(baseline: PerInput, method: PerInput, cost: Cost) -> Interval:
    """Area speedup of a method over the baseline, with its 95% bootstrap interval over inputs.

    An input keeps its radii and costs at all budgets of both methods when it is resampled. NaN
    where a cost is not known, or where the two curves share no range of ACR; the interval is also
    NaN where they share none in some resampled sets.

    Source:
        IRS, Section 5.2; the interval is this project's own.
    """
    (base_acr, base_cost), (acr, costs) = baseline.sums(cost), method.sums(cost)
    # Evidence without its journal has predictions but no times.
    if not all(np.all((one > 0) & (one < np.inf)) for one in (base_cost, costs)):
        return UNKNOWN_INTERVAL
    found = metrics.area_speedups(base_acr, base_cost, acr, costs)
    low, high = np.quantile(found[1:], [0.025, 0.975])
    return Interval(float(found[0]), float(low), float(high))
