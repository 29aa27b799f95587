"""From counts to what people look at: certificates, curves, tables. Pure and cheap."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irs_core import metrics
from irs_core.certify import (
    Cache,
    Certificates,
    build_cache_from_hits,
    certify_cache,
    certify_cirs,
    certify_irs,
    certify_iss,
    certify_rs_hits,
)
from irs_core.errors import MissingEvidenceError
from irs_core.specs import StudySpec, check_gamma, check_probability
from irs_core.stats import binomial_upper_bound, zeta_floor
from irs_core.stats.budget import split_alpha
from irs_core.store import BASE
from irs_core.study.counts import UNKNOWN, StudyTally, require_known

Floats = NDArray[np.float64]
Method = Literal["rs", "irs", "iss", "cirs"]
METHODS: tuple[Method, ...] = ("rs", "irs", "iss", "cirs")
Cost = Literal["seconds", "draws"]
COSTS: tuple[Cost, ...] = ("seconds", "draws")
_SEED = 20_240_507
_RESAMPLES = 1000
# Every input that may be in the direct branch is in it.
_LEAST_GAMMA = float(np.nextafter(0.5, 1.0))
Memo = dict[tuple[object, ...], Any]


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
    """A mean over inputs with its 95% bootstrap interval."""

    value: float
    low: float
    high: float


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
        speedup_seconds, speedup_draws: Area speedup of `irs` over `rs`.
    """

    rs: tuple[Point, ...]
    irs: tuple[Point, ...]
    speedup_seconds: float
    speedup_draws: float
    iss: tuple[Point, ...] = ()
    cirs: tuple[Point, ...] = ()

    def points(self, method: Method) -> tuple[Point, ...]:
        """The curve of one method."""
        return {"rs": self.rs, "irs": self.irs, "iss": self.iss, "cirs": self.cirs}[method]

    def speedup(self, method: Method, cost: Cost) -> float:
        """Area speedup of a method over `rs`; NaN where there is nothing to compare."""
        if method == "irs":
            return self.speedup_seconds if cost == "seconds" else self.speedup_draws
        return _speedup(self.rs, self.points(method), cost)


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
        method: What certified it: `irs` where its draws are there, else `cirs` or `iss`.
    """

    name: str
    n_p: int
    accuracy: float
    acr: Interval
    mean_zeta: float
    speedup_seconds: float
    speedup_draws: float
    method: Method = "irs"


class Analysis:
    """Certificates and summaries of one study under one choice of settings.

    Args:
        tally: Counts of the study.
        settings: Confidence levels and gamma.
        held_out: Work on the inputs held out for tuning instead of the reported ones.
        memo: What does not depend on gamma, to be shared by analyses of the same inputs of the
            same tally; it fills as they are asked.
    """

    def __init__(
        self,
        tally: StudyTally,
        settings: Settings,
        *,
        held_out: bool = False,
        memo: Memo | None = None,
    ) -> None:
        """See the class."""
        self.tally = tally
        self._memo: Memo = {} if memo is None else memo
        self.settings = settings
        self.rows = ~tally.reported if held_out else tally.reported
        self.labels = tally.labels[self.rows]

    @cached_property
    def cache(self) -> Cache:
        """What certifying the base classifier left behind."""
        base = self.tally.base
        return build_cache_from_hits(
            base.candidate[self.rows],
            base.hits[self.rows],
            n0=self.tally.n0,
            n=self.tally.n,
            alpha=self.settings.alpha,
        )

    @cached_property
    def base(self) -> Certificates:
        """The base classifier's own certificates."""
        return certify_cache(self.cache, sigma=self.tally.sigma)

    def certify(self, name: str, method: Method, budget: int) -> Certificates:
        """Certificates of a compressed classifier at one budget (an index into `tally.budgets`).

        Raises:
            MissingEvidenceError: Its draws are not all stored.
        """
        certifier = {"rs": self._rs, "irs": self._irs, "iss": self._iss, "cirs": self.cirs}[method]
        return certifier(name, budget)

    def has(self, name: str, method: Method, budget: int = -1) -> bool:
        """Whether the draws of a method are all there, by default at the largest budget."""
        try:
            self.certify(name, method, budget % len(self.tally.budgets))
        except MissingEvidenceError:
            return False
        return True

    def cirs(self, name: str, budget: int, *, weight: float = 1.0) -> Certificates:
        """Certificates of CIRS.

        Args:
            weight: Part of alpha + alpha_zeta that this look may use, in (0, 1]; see `looks`.

        Raises:
            MissingEvidenceError: Its draws are not all stored.
        """
        return self._cirs_at(name, self._cirs_index(name, budget), weight)

    def _cirs_index(self, name: str, budget: int) -> int:
        """Where a budget of the study stands among the points of CIRS."""
        return len(self.tally.compressed[name].cirs.plans) - len(self.tally.budgets) + budget

    def _cirs_at(self, name: str, index: int, weight: float = 1.0) -> Certificates:
        counts = self.tally.compressed[name].cirs
        plan, what = counts.plans[index], f"the evidence of {name} for cirs"
        level = weight * (self.settings.alpha + self.settings.alpha_zeta)
        a1, a2 = split_alpha(self.tally.n, plan.mean, level)
        return certify_cirs(
            self.cache,
            draws=plan.draws[self.rows],
            leavers=require_known(counts.leavers[self.rows, index], what),
            fresh_hits=require_known(counts.fresh_hits[self.rows, index], what),
            threshold=plan.threshold,
            a1=a1,
            a2=a2,
            sigma=self.tally.sigma,
            pilot=plan.pilot,
        )

    def _iss(self, name: str, budget: int) -> Certificates:
        counts = self.tally.compressed[name]
        hits = require_known(counts.iss.hits[self.rows, budget], f"the evidence of {name} for iss")
        return certify_iss(
            counts.scratch_candidate[self.rows],
            counts.scratch_selected[self.rows],
            hits,
            counts.iss.sizes[self.rows, budget],
            k0=self.tally.n0,
            alpha=self.settings.alpha + self.settings.alpha_zeta,
            sigma=self.tally.sigma,
        )

    def _irs(self, name: str, budget: int) -> Certificates:
        counts = self.tally.compressed[name]
        disagreements = counts.disagreements[self.rows, budget]
        fresh = counts.fresh_hits[self.rows, budget]
        direct = self.cache.p_lower >= self.settings.gamma
        require_known(np.where(direct, fresh, disagreements), f"the incremental evidence of {name}")
        return self._irs_of(name, budget)

    def _irs_of(self, name: str, budget: int) -> Certificates:
        """Certificates of IRS in which missing draws count as none: to be checked or left out."""
        counts = self.tally.compressed[name]
        disagreements = counts.disagreements[self.rows, budget]
        fresh = counts.fresh_hits[self.rows, budget]
        return certify_irs(
            self.cache,
            disagreements=np.where(disagreements == UNKNOWN, 0, disagreements),
            fresh_hits=np.where(fresh == UNKNOWN, 0, fresh),
            n_p=int(self.tally.budgets[budget]),
            alpha_zeta=self.settings.alpha_zeta,
            gamma=self.settings.gamma,
            sigma=self.tally.sigma,
        )

    def _rs(self, name: str, budget: int) -> Certificates:
        counts = self.tally.compressed[name]
        hits = require_known(
            counts.scratch_hits[self.rows, budget], f"the from-scratch evidence of {name}"
        )
        return certify_rs_hits(
            counts.scratch_candidate[self.rows],
            hits,
            n0=self.tally.n0,
            n=int(self.tally.budgets[budget]),
            alpha=self.settings.alpha + self.settings.alpha_zeta,
            sigma=self.tally.sigma,
        )

    def seconds_per_input(self, name: str, method: Method, budget: int) -> Floats:
        """Measured seconds that a method's draws took, (inputs,)."""
        counts = self.tally.compressed[name]
        if method == "cirs":
            return np.asarray(counts.cirs.seconds[self.rows, self._cirs_index(name, budget)])
        select = counts.select_seconds[self.rows]
        if method == "iss":
            return np.asarray(counts.iss.seconds[self.rows, budget] + select)
        fresh = counts.fresh_seconds[self.rows, budget]
        if method == "rs":
            return np.asarray(fresh + select)
        direct = self.cache.p_lower >= self.settings.gamma
        return np.asarray(np.where(direct, fresh, counts.paired_seconds[self.rows, budget]))

    def point(self, name: str, method: Method, budget: int) -> Point:
        """ACR and cost of a method at one budget."""
        levels = (self.settings.alpha, self.settings.alpha_zeta)
        if method == "irs":
            return self._irs_point(name, budget, ("irs", name, budget, *levels))
        key = (method, name, budget, *levels)
        if key not in self._memo:
            certificates = self.certify(name, method, budget)
            self._memo[key] = Point(
                n_p=int(self.tally.budgets[budget]),
                acr=self._mean(metrics.counted_radii(certificates, self.labels)),
                seconds=float(self.seconds_per_input(name, method, budget).sum()),
                draws=int(certificates.n_samples.sum()),
            )
        point: Point = self._memo[key]
        return point

    def _irs_point(self, name: str, budget: int, key: tuple[object, ...]) -> Point:
        """A point of IRS: gamma only chooses between two radii that do not depend on it."""
        if key not in self._memo:
            self._memo[key] = self._branch_radii(name, budget)
        incremental, direct = self._memo[key]
        values = np.where(self.cache.p_lower >= self.settings.gamma, direct, incremental)
        if np.isnan(values).any():
            # Draws lack where they are needed; certifying says which.
            self.certify(name, "irs", budget)
        n_p = int(self.tally.budgets[budget])
        seconds = float(self.seconds_per_input(name, "irs", budget).sum())
        return Point(n_p, self._mean(values), seconds, n_p * len(values))

    def _branch_radii(self, name: str, budget: int) -> tuple[Floats, Floats]:
        """What each input adds to ACR in either branch of IRS; NaN where its draws lack."""
        counts = self.tally.compressed[name]
        found = []
        for gamma, needed in ((1.0, counts.disagreements), (_LEAST_GAMMA, counts.fresh_hits)):
            settings = Settings(self.settings.alpha, self.settings.alpha_zeta, gamma)
            with_gamma = _with(self, settings)._irs_of(name, budget)
            radii = metrics.counted_radii(with_gamma, self.labels)
            found.append(np.where(needed[self.rows, budget] == UNKNOWN, np.nan, radii))
        return found[0], found[1]

    def compare(self, name: str) -> Comparison:
        """All methods over all budgets.

        Raises:
            MissingEvidenceError: The study has no baseline.
        """
        rs = self._points(name, "rs")
        irs, iss, cirs = (
            self._points(name, method) if self.has(name, method) else ()
            for method in ("irs", "iss", "cirs")
        )
        return Comparison(
            rs=rs,
            irs=irs,
            speedup_seconds=_speedup(rs, irs, "seconds"),
            speedup_draws=_speedup(rs, irs, "draws"),
            iss=iss,
            cirs=cirs,
        )

    def _points(self, name: str, method: Method) -> tuple[Point, ...]:
        if method == "cirs":
            return self._cirs_points(name)
        return tuple(self.point(name, method, budget) for budget in range(len(self.tally.budgets)))

    def _cirs_points(self, name: str) -> tuple[Point, ...]:
        """Those of the study's budgets, and smaller ones where their draws are there."""
        counts = self.tally.compressed[name].cirs
        found = []
        for index, n_p in enumerate(counts.n_p):
            key = ("cirs", name, "point", index, self.settings.alpha, self.settings.alpha_zeta)
            if key not in self._memo:
                made = self._cirs_at(name, index)
                self._memo[key] = Point(
                    n_p=int(n_p),
                    acr=self._mean(metrics.counted_radii(made, self.labels)),
                    seconds=float(counts.seconds[self.rows, index].sum()),
                    draws=int(made.n_samples.sum()),
                )
            found.append(self._memo[key])
        return tuple(found)

    def main_method(self, name: str) -> Method:
        """The method that stands for a compressed classifier: `irs` where its draws are there."""
        found: list[Method] = [one for one in ("irs", "cirs", "iss") if self.has(name, one)]
        return found[0] if found else "irs"

    def summary(self, name: str) -> Summary:
        """One row about the base classifier or a compressed one."""
        if name == BASE:
            acr = self._mean(metrics.counted_radii(self.base, self.labels))
            nan = float("nan")
            return Summary(
                BASE,
                self.tally.n,
                metrics.smoothed_accuracy(self.base, self.labels),
                acr,
                nan,
                nan,
                nan,
            )
        last = len(self.tally.budgets) - 1
        method = self.main_method(name)
        certificates = self.certify(name, method, last)
        speedups = self.compare(name) if self.has_baseline(name) else None
        return Summary(
            name=name,
            n_p=int(self.tally.budgets[last]),
            accuracy=metrics.smoothed_accuracy(certificates, self.labels),
            acr=self._mean(metrics.counted_radii(certificates, self.labels)),
            mean_zeta=self.zeta(name, last).mean_zeta.value,
            speedup_seconds=speedups.speedup(method, "seconds") if speedups else float("nan"),
            speedup_draws=speedups.speedup(method, "draws") if speedups else float("nan"),
            method=method,
        )

    def has_baseline(self, name: str) -> bool:
        """Whether the from-scratch evidence is there."""
        return bool((self.tally.compressed[name].scratch_hits[self.rows] != UNKNOWN).all())

    def zeta(self, name: str, budget: int) -> ZetaRow:
        """Disagreement of a compressed classifier at one budget; inputs without draws left out."""
        compressed = self.tally.compressed[name]
        every = compressed.disagreements[self.rows, budget]
        known = every != UNKNOWN
        counts, agreed = every[known], compressed.agreements[self.rows, budget][known].sum()
        left = compressed.leaves[self.rows, budget][known].sum()
        n_p = int(self.tally.budgets[budget])
        values = (
            np.asarray(binomial_upper_bound(counts, n_p, self.settings.alpha_zeta))
            if len(counts)
            else np.array([])
        )
        return ZetaRow(
            name=name,
            n_p=n_p,
            disagreement=float(counts.mean() / n_p) if len(counts) else float("nan"),
            mean_zeta=self._mean(values),
            floor=float(zeta_floor(n_p, self.settings.alpha_zeta)),
            values=values,
            leave=float(left / agreed) if agreed else float("nan"),
        )

    def gamma_sweep(self, name: str, gammas: Sequence[float], budget: int) -> list[Interval]:
        """ACR of IRS for each gamma, all else equal."""
        settings = [
            Settings(self.settings.alpha, self.settings.alpha_zeta, float(gamma))
            for gamma in gammas
        ]
        return [_with(self, one).point(name, "irs", budget).acr for one in settings]

    def _mean(self, values: Floats) -> Interval:
        return mean_interval(values)


def mean_interval(values: Floats) -> Interval:
    """Mean over inputs with its 95% interval; NaN where there are none."""
    if not len(values):
        return Interval(float("nan"), float("nan"), float("nan"))
    low, high = metrics.mean_interval(values, seed=_SEED, resamples=_RESAMPLES)
    return Interval(float(values.mean()), low, high)


def _with(analysis: Analysis, settings: Settings) -> Analysis:
    changed = Analysis(analysis.tally, settings, memo=analysis._memo)
    changed.rows, changed.labels = analysis.rows, analysis.labels
    if changed.settings.alpha == analysis.settings.alpha:
        # The original's bounds depend on alpha alone.
        changed.__dict__["cache"] = analysis.cache
    return changed


def _speedup(rs: Sequence[Point], irs: Sequence[Point], cost: Cost) -> float:
    if not rs or not irs:
        return float("nan")
    # Evidence without its journal has predictions but no times.
    if not all(0 < getattr(point, cost) < float("inf") for point in (*rs, *irs)):
        return float("nan")
    return metrics.area_speedup(_curve(rs, cost), _curve(irs, cost))


def _curve(points: Sequence[Point], cost: Cost) -> metrics.Curve:
    return metrics.Curve(
        acr=np.array([point.acr.value for point in points]),
        cost=np.array([float(getattr(point, cost)) for point in points]),
    )
