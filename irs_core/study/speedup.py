"""How far an area speedup would move with other inputs."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irs_core import metrics
from irs_core.study.analysis import Analysis
from irs_core.study.results import Interval, Method

Cost = Literal["seconds", "draws"]
_SEED = 20_240_507
_RESAMPLES = 400
_NONE = Interval(float("nan"), float("nan"), float("nan"))


def speedup_interval(
    analysis: Analysis, name: str, *, method: Method = "irs", cost: Cost = "seconds"
) -> Interval:
    """Area speedup of a method over certifying from scratch, with its 95% bootstrap interval.

    Inputs are resampled with their radii and costs at all budgets of both methods together. Both
    curves have one point per budget of the study; `Analysis.compare` gives CIRS smaller budgets
    as well, so its value may differ. NaN where a cost is not known, or where the two curves share
    no range of ACR; the interval is also NaN where they share none in some resampled sets.

    Raises:
        MissingEvidenceError: The study has no baseline.

    Source:
        IRS, Section 5.2; the interval is this project's own.
    """
    radii_and_costs = np.stack(
        [_per_input(analysis, name, one, cost) for one in ("rs", method)], axis=1
    )
    costs = radii_and_costs[:, :, 1]
    if not np.all(np.isfinite(costs)) or not np.all(costs.sum(axis=0) > 0):
        return _NONE
    value = _speedups(radii_and_costs[None])[0]
    if np.isnan(value):
        return _NONE
    low, high = metrics.bootstrap_interval(
        radii_and_costs, _speedups, rng=np.random.default_rng(_SEED), resamples=_RESAMPLES
    )
    return Interval(float(value), float(low), float(high))


def _per_input(analysis: Analysis, name: str, method: Method, cost: Cost) -> NDArray[np.float64]:
    """Counted radius and cost of each input at each budget, (inputs, 2, budgets)."""
    columns = []
    for budget in range(len(analysis.tally.budgets)):
        certificates = analysis.certify(name, method, budget)
        spent = (
            analysis.seconds_per_input(name, method, budget)
            if cost == "seconds"
            else certificates.n_samples.astype(np.float64)
        )
        columns.append(np.stack([metrics.counted_radii(certificates, analysis.labels), spent], 1))
    return np.stack(columns, axis=2)


def _speedups(sets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Speedup of each set of inputs, from (sets, inputs, 2 methods, 2, budgets)."""
    inputs = sets.shape[1]
    totals = sets.sum(axis=1)
    return np.array(
        [
            metrics.area_speedup(*(metrics.Curve(one[0] / inputs, one[1]) for one in methods))
            for methods in totals
        ]
    )
