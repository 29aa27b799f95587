"""From counts to what people look at: certificates, curves, tables. Pure and cheap."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from irs_core import metrics
from irs_core.analysis.certified import StudyCertificates
from irs_core.analysis.counts import UNKNOWN, StudyTally
from irs_core.analysis.results import (
    COSTS,
    MAIN_METHODS,
    METHODS,
    UNKNOWN_INTERVAL,
    Comparison,
    Cost,
    Floats,
    Interval,
    Method,
    Point,
    Settings,
    Summary,
    ZetaRow,
    mean_interval,
    mean_intervals,
    share_interval,
)
from irs_core.analysis.speedup import PerInput, speedup_interval
from irs_core.certify import Certificates
from irs_core.stats import binomial_upper_bound, zeta_floor
from irs_core.store import BASE

# Every input that may be in the direct branch is in it.
_LEAST_GAMMA = float(np.nextafter(0.5, 1.0))
Memo = dict[tuple[object, ...], Any]
T = TypeVar("T")


class Analysis(StudyCertificates):
    """Certificates, curves and summaries of one study under one choice of settings.

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
        super().__init__(tally, settings, held_out=held_out)
        self._memo: Memo = {} if memo is None else memo
        # What depends on gamma.
        self._own: Memo = {}
        self.labels = tally.labels[self.rows]

    def certify(self, name: str, method: Method, budget: int) -> Certificates:
        """Certificates of a compressed classifier at one budget; those at the largest are kept.

        Raises:
            MissingEvidenceError: Its draws are not all stored.
        """
        certify = super().certify
        if budget < len(self.tally.budgets) - 1:
            return certify(name, method, budget)
        return self._of(method, ("certificates", name), lambda: certify(name, method, budget))

    def point(self, name: str, method: Method, budget: int) -> Point:
        """ACR and cost of a method at one budget of the study."""
        # CIRS may have smaller budgets before those of the study.
        curve = self.per_input(name, method).points
        found: Point = curve[budget - len(self.tally.budgets)]
        return found

    def per_input(self, name: str, method: Method) -> PerInput:
        """What each input contributes to the curve of a method.

        Raises:
            MissingEvidenceError: Draws are not all stored.
        """
        made = {"irs": self._irs_per_input, "cirs": self._cirs_per_input}
        make = made.get(method, self._budgets_per_input)
        return self._of(method, ("curve", name), lambda: make(name, method))

    def _of(self, method: Method, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """What a method gives, made once: IRS anew for each gamma, the others never see it."""
        return self._kept((method, *key), make, self._own if method == "irs" else self._memo)

    def _kept(self, key: tuple[object, ...], make: Callable[[], T], memo: Memo) -> T:
        """What was made once under these confidence levels."""
        key = (*key, self.settings.alpha, self.settings.alpha_zeta)
        if key not in memo:
            memo[key] = make()
        found: T = memo[key]
        return found

    def _budgets_per_input(self, name: str, method: Method) -> PerInput:
        budgets = range(len(self.tally.budgets))
        made = [self.certify(name, method, budget) for budget in budgets]
        seconds = [self.seconds_per_input(name, method, budget) for budget in budgets]
        return self._stacked(tuple(self.tally.budgets.tolist()), made, seconds)

    def _cirs_per_input(self, name: str, _: Method) -> PerInput:
        """At the study's budgets, and at smaller ones where their draws are there."""
        counts = self.tally.compressed[name].cirs
        made = [self._cirs_at(name, index) for index in range(len(counts.n_p))]
        return self._stacked(tuple(map(int, counts.n_p)), made, counts.seconds[self.rows].T)

    def _stacked(
        self, n_p: tuple[int, ...], made: Sequence[Certificates], seconds: Iterable[Floats]
    ) -> PerInput:
        return PerInput(
            n_p,
            np.stack([metrics.counted_radii(one, self.labels) for one in made], axis=1),
            np.stack(list(seconds), axis=1),
            np.stack([one.n_samples.astype(np.float64) for one in made], axis=1),
        )

    def _irs_per_input(self, name: str, _: Method) -> PerInput:
        radii = self.by_branch(*self._branches(name))
        lacking = np.isnan(radii).any(axis=0)
        if lacking.any():
            # Draws lack where they are needed; certifying says which.
            self.certify(name, "irs", int(np.argmax(lacking)))
        counts = self.tally.compressed[name]
        seconds = self.by_branch(counts.paired_seconds[self.rows], counts.fresh_seconds[self.rows])
        draws = np.broadcast_to(self.tally.budgets.astype(np.float64), radii.shape)
        return PerInput(tuple(self.tally.budgets.tolist()), radii, seconds, draws)

    def _branches(self, name: str) -> tuple[Floats, Floats]:
        """What each input adds to ACR if IRS takes it incrementally, and if directly.

        Shape (inputs, budgets); NaN where the draws lack.
        """
        return self._kept(("branches", name), lambda: self._made_branches(name), self._memo)

    def _made_branches(self, name: str) -> tuple[Floats, Floats]:
        counts = self.tally.compressed[name]
        found = []
        for gamma, needed in ((1.0, counts.disagreements), (_LEAST_GAMMA, counts.fresh_hits)):
            made = [
                metrics.counted_radii(self._irs_at(name, budget, gamma), self.labels)
                for budget in range(len(self.tally.budgets))
            ]
            found.append(np.where(needed[self.rows] == UNKNOWN, np.nan, np.stack(made, axis=1)))
        return found[0], found[1]

    def compare(self, name: str) -> Comparison:
        """All methods over all budgets.

        Raises:
            MissingEvidenceError: The study has no baseline.
        """
        baseline = self.per_input(name, "rs")
        curves = {
            method: self.per_input(name, method) for method in self.methods(name) if method != "rs"
        }
        points = {method: curve.points for method, curve in curves.items()}
        return Comparison(
            rs=baseline.points,
            irs=points.get("irs", ()),
            iss=points.get("iss", ()),
            cirs=points.get("cirs", ()),
            speedups={
                (method, cost): self._speedup(name, method, cost)
                for method in curves
                for cost in COSTS
            },
        )

    def _speedup(self, name: str, method: Method, cost: Cost) -> Interval:
        def make() -> Interval:
            return speedup_interval(self.per_input(name, "rs"), self.per_input(name, method), cost)

        return self._of(method, ("speedup", name, cost), make)

    def methods(self, name: str) -> list[Method]:
        """The methods that have all their draws of a compressed classifier."""
        return [method for method in METHODS if self.has(name, method)]

    def main_method(self, name: str) -> Method:
        """The method that stands for a compressed classifier, of those whose draws are there."""
        return next((method for method in MAIN_METHODS if self.has(name, method)), "irs")

    def main_certificates(self, name: str) -> Certificates:
        """Of the base classifier, or of a compressed one by its main method at all its draws.

        Raises:
            MissingEvidenceError: No method has all its draws.
        """
        if name == BASE:
            return self.base
        return self.certify(name, self.main_method(name), len(self.tally.budgets) - 1)

    def summary(self, name: str) -> Summary:
        """One row about the base classifier or a compressed one."""
        certificates, original = self.main_certificates(name), name == BASE
        last = len(self.tally.budgets) - 1
        method = "irs" if original else self.main_method(name)
        compared = not original and self.has_baseline(name) and self.has(name, method)
        seconds, draws = (
            self._speedup(name, method, cost) if compared else UNKNOWN_INTERVAL for cost in COSTS
        )
        right = certificates.predicted == self.labels
        return Summary(
            name=name,
            n_p=self.tally.n if original else int(self.tally.budgets[last]),
            accuracy=share_interval(right),
            acr=mean_interval(metrics.counted_radii(certificates, self.labels)),
            mean_zeta=UNKNOWN_INTERVAL if original else self.zeta(name, last).mean_zeta,
            speedup_seconds=seconds,
            speedup_draws=draws,
            failure=certificates.provable_failure,
            method=method,
        )

    def has_baseline(self, name: str) -> bool:
        """Whether the from-scratch evidence is there."""
        return bool((self.tally.compressed[name].scratch_hits[self.rows] != UNKNOWN).all())

    def zeta(self, name: str, budget: int) -> ZetaRow:
        """Disagreement of a compressed classifier at one budget; inputs without draws left out."""
        return self._kept(("zeta", name, budget), lambda: self._zeta(name, budget), self._memo)

    def _zeta(self, name: str, budget: int) -> ZetaRow:
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
            mean_zeta=mean_interval(values),
            floor=float(zeta_floor(n_p, self.settings.alpha_zeta)),
            values=values,
            leave=float(left / agreed) if agreed else float("nan"),
        )

    def gamma_sweep(self, name: str, gammas: Sequence[float], budget: int) -> list[Interval]:
        """ACR of IRS for each gamma, all else equal."""
        settings = [replace(self.settings, gamma=float(gamma)) for gamma in gammas]
        incremental, direct = (branch[:, budget, None] for branch in self._branches(name))
        takes_direct = self.cache.p_lower[:, None] >= [one.gamma for one in settings]
        radii = np.where(takes_direct, direct, incremental)
        for one in np.flatnonzero(np.isnan(radii).any(axis=0)):
            # Draws lack where they are needed; certifying says which.
            Analysis(self.tally, settings[one], held_out=self.held_out).certify(name, "irs", budget)
        return mean_intervals(radii)
