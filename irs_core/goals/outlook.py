"""CIRS before and while it runs: what draws will buy, what a goal costs, what is certain so far.

Predictions come from the plans and carry no confidence. Looks are certificates; the rule under
which they stay valid when a run is stopped is in docs/methods/cirs.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import Interval, mean_interval
from irs_core.errors import SpecError
from irs_core.methods.cirs import METHOD, CirsTally, counts_of
from irs_core.methods.kit.cirs_plan import CirsPlan
from irs_core.spec.outward import down

# Values of n_p that a goal is matched against, and the least of them.
_STEPS = 60
_LEAST = 10


@dataclass(frozen=True)
class Forecast:
    """What a mean n_p is expected to buy for one compressed classifier.

    Args:
        n_p: Mean draws per input, pilot included.
        draws: Forward passes in total, pilot included.
        seconds: Their time at the measured rate; NaN where none was measured.
        acr: Expected average certified radius, pixel units.
    """

    n_p: int
    draws: int
    seconds: float
    acr: float


@dataclass(frozen=True)
class Look:
    """What is certified after one round, valid whenever the run is stopped.

    Args:
        n_p: Mean draws per input of the round.
        acr: Average certified radius, all looks together at the study's confidence.
        certified: Inputs whose right class is certified at some radius.
        draws, seconds: Spent up to here.
    """

    n_p: int
    acr: Interval
    certified: int
    draws: int
    seconds: float


def forecast(analysis: Analysis, name: str, n_p: int) -> Forecast:
    """What a mean of `n_p` draws per input is expected to buy."""
    plan = _cirs(analysis, name).planner.plan(float(n_p))
    return _forecast(analysis, name, plan, n_p)


def forecasts(analysis: Analysis, name: str, steps: int = _STEPS) -> Iterator[Forecast]:
    """Forecasts over at most `steps` mean budgets, increasing up to the largest that the study
    allows; each is made when it is asked for."""
    top = _cirs(analysis, name).planner.most
    for n_p in np.unique(np.geomspace(min(_LEAST, top), top, steps).round().astype(int)):
        yield forecast(analysis, name, int(n_p))


def n_p_for_draws(analysis: Analysis, draws: int) -> int:
    """The mean n_p that spends at most this many draws on each compressed classifier.

    Raises:
        SpecError: The pilot leaves nothing of it.
    """
    inputs = len(analysis.labels)
    pilot = max(_cirs(analysis, name).planner.cached.pilot for name in analysis.tally.compressed)
    if draws < (pilot + 1) * inputs:
        raise SpecError(
            f"a budget needs at least {pilot + 1} draws per input, {(pilot + 1) * inputs} in "
            f"total, of which the pilot takes {pilot * inputs}; got {draws}"
        )
    return draws // inputs


def n_p_for_seconds(analysis: Analysis, name: str, seconds: float) -> int:
    """The mean n_p that takes about this many seconds at the measured rate.

    Raises:
        SpecError: Nothing was measured, or the time buys too few draws.
    """
    rate = _cirs(analysis, name).seconds_per_draw
    if not rate > 0:
        raise SpecError(f"no time was measured for {name} yet; give a number of draws instead")
    if not 0 < seconds < float("inf"):
        raise SpecError(f"a time must be positive and finite; got {seconds}")
    return n_p_for_draws(analysis, int(seconds / rate))


def n_p_for_acr(analysis: Analysis, name: str, acr: float) -> int:
    """The least mean n_p that is expected to reach an average certified radius.

    Raises:
        SpecError: No budget is expected to.
    """
    found = list[Forecast]()
    for one in forecasts(analysis, name):
        if one.acr >= acr:
            return one.n_p
        found.append(one)
    best = max(found, key=lambda one: one.acr)
    raise SpecError(
        f"{name} is not expected to reach an average certified radius of {acr:g}; the most is "
        f"{down(best.acr)}, with {best.n_p} draws per input"
    )


def n_p_for_loss(analysis: Analysis, name: str, loss: float) -> int:
    """The mean n_p at which no input is expected to lose more than `loss` of radius against
    certifying the compressed classifier from scratch with n draws, where that can be had."""
    planner = _cirs(analysis, name).planner.with_loss(loss)
    total = planner.plan(float(planner.most)).total(analysis.tally.reported)
    return max(1, -(-total // max(1, len(analysis.labels))))


def _forecast(analysis: Analysis, name: str, plan: CirsPlan, n_p: int) -> Forecast:
    draws = plan.total(analysis.tally.reported)
    rate = _cirs(analysis, name).seconds_per_draw
    return Forecast(n_p, draws, draws * rate, expected_acr(analysis, plan))


def expected_acr(analysis: Analysis, plan: CirsPlan) -> float:
    """Average radius that a plan expects; labels enter here, after it was made."""
    right = analysis.tally.base.candidate == analysis.tally.labels
    return float((plan.expected * right)[analysis.rows].mean())


def rounds_done(analysis: Analysis, name: str) -> int:
    """How many of the study's rounds are complete, from the first."""
    budgets = range(len(analysis.tally.budgets))
    return next((at for at in budgets if not analysis.has(name, METHOD.name, at)), len(budgets))


def looks(analysis: Analysis, name: str) -> list[Look]:
    """The rounds that are complete, of a study in which they may be looked at; else none.

    One may stop at any of them, for whatever reason: with probability at least 1 - alpha, an
    input's certificates are right at all of them.
    """
    if not analysis.tally.looks:
        return []
    found = []
    for budget in range(rounds_done(analysis, name)):
        made = analysis.certify(name, METHOD.name, budget)
        radii = metrics.counted_radii(made, analysis.labels)
        found.append(
            Look(
                n_p=int(analysis.tally.budgets[budget]),
                acr=mean_interval(radii),
                certified=int(np.count_nonzero(radii)),
                draws=int(made.n_samples.sum()),
                seconds=float(analysis.seconds_per_input(name, METHOD.name, budget).sum()),
            )
        )
    return found


def expected_gain(analysis: Analysis, name: str, seconds: float = 60.0) -> float:
    """ACR that some more seconds are expected to bring, after the rounds that are complete.

    NaN where no time was measured; 0 where all rounds are.
    """
    cirs, done = _cirs(analysis, name), rounds_done(analysis, name)
    plans = cirs.plans[-len(analysis.tally.budgets) :]
    ahead = [_forecast(analysis, name, plan, 0) for plan in plans[max(0, done - 1) :]]
    if done == 0:
        ahead = [Forecast(0, 0, 0.0, 0.0), *ahead]
    if not cirs.seconds_per_draw > 0:
        return float("nan")
    at = np.array([one.seconds for one in ahead])
    acr = np.maximum.accumulate([one.acr for one in ahead])
    return float(np.interp(at[0] + seconds, at, acr) - acr[0])


def _cirs(analysis: Analysis, name: str) -> CirsTally:
    return counts_of(analysis.tally.compressed[name])
