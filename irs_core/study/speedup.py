"""Curves input by input, and how far an area speedup would move with other inputs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from irs_core import metrics
from irs_core.study.results import UNKNOWN_INTERVAL, Cost, Floats, Interval, Point, mean_interval

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
        return tuple(
            Point(
                n_p,
                mean_interval(self.radii[:, at]),
                float(self.seconds[:, at].sum()),
                int(self.draws[:, at].sum()),
            )
            for at, n_p in enumerate(self.n_p)
        )

    def sums(self, cost: Cost) -> tuple[Floats, Floats]:
        """Mean radius and total cost, (sets, budgets); first of all inputs, then of resampled."""
        radii, costs = self._sums[:, 0], self._sums[:, 1 if cost == "seconds" else 2]
        return radii / len(self.radii), costs

    @cached_property
    def _sums(self) -> Floats:
        values = np.stack([self.radii, self.seconds, self.draws], axis=1)
        flat = values.reshape(len(values), -1)
        found = metrics.resampled_sums(flat, seed=_SEED, resamples=_RESAMPLES)
        return np.vstack([flat.sum(axis=0), found]).reshape(-1, 3, len(self.n_p))


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
