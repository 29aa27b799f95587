"""From counts to what people look at: certificates, curves, tables. Pure and cheap."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from irs_core import methods, metrics
from irs_core.analysis.certified import StudyCertificates
from irs_core.analysis.results import (
    COSTS,
    UNKNOWN_INTERVAL,
    Comparison,
    Cost,
    Floats,
    Interval,
    Point,
    Summary,
    ZetaRow,
    mean_interval,
    mean_intervals,
    share_interval,
)
from irs_core.analysis.speedup import PerInput, speedup_interval
from irs_core.certify import Certificates
from irs_core.errors import UnknownKeyError
from irs_core.methods import Branches, MethodDef
from irs_core.methods.kit.counts import UNKNOWN, StudyTally
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.settings import Settings
from irs_core.stats import binomial_upper_bound, zeta_floor
from irs_core.store import BASE

_BASELINE = methods.baseline().name
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

    @cached_property
    def one_sided(self) -> "Analysis":
        """The same with one-sided radii, which decisions use."""
        if self.settings.convention == ONE_SIDED:
            return self
        settings = self.settings.one_sided
        return Analysis(self.tally, settings, held_out=self.held_out, memo=self._memo)

    def certify(self, name: str, method: str, budget: int) -> Certificates:
        """Certificates of a compressed classifier at one budget; those at the largest are kept.

        Raises:
            MissingEvidenceError: Its draws are not all stored.
        """
        certify = super().certify
        if budget < len(self.tally.budgets) - 1:
            return certify(name, method, budget)
        return self._of(method, ("certificates", name), lambda: certify(name, method, budget))

    def point(self, name: str, method: str, budget: int) -> Point:
        """ACR and cost of a method at one budget of the study."""
        # CIRS may have smaller budgets before those of the study.
        curve = self.per_input(name, method).points
        found: Point = curve[budget - len(self.tally.budgets)]
        return found

    def per_input(self, name: str, method: str) -> PerInput:
        """What each input contributes to the curve of a method.

        Raises:
            MissingEvidenceError: Draws are not all stored.
        """
        return self._of(method, ("curve", name), lambda: self._per_input(name, methods.get(method)))

    def _of(self, method: str, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """What a method gives, made once: anew for each gamma where that changes it."""
        turns = methods.get(method).branches is not None
        return self._kept((method, *key), make, self._own if turns else self._memo)

    def _kept(self, key: tuple[object, ...], make: Callable[[], T], memo: Memo) -> T:
        """What was made once under these confidence levels."""
        settings = self.settings
        key = (*key, settings.alpha, settings.alpha_zeta, settings.convention)
        if key not in memo:
            memo[key] = make()
        found: T = memo[key]
        return found

    def _per_input(self, name: str, method: MethodDef) -> PerInput:
        case = self.case(name)
        n_p = method.points(case)
        seconds = [method.seconds(case, point) for point in range(len(n_p))]
        if method.branches is None:
            made = [method.certify(case, point) for point in range(len(n_p))]
            radii = np.stack([metrics.counted_radii(one, self.labels) for one in made], axis=1)
            draws = np.stack([one.n_samples.astype(np.float64) for one in made], axis=1)
        else:
            radii = self._branched_radii(name, method, method.branches)
            draws = np.broadcast_to(np.asarray(n_p, np.float64), radii.shape)
        return PerInput(n_p, radii, np.stack(seconds, axis=1), draws)

    def _branched_radii(self, name: str, method: MethodDef, branches: Branches) -> Floats:
        """What each input adds to ACR by the branch that gamma gives it, (inputs, budgets)."""
        incremental, direct = self._both_branches(name, method.name, branches)
        radii = np.where(branches.direct(self.case(name))[:, None], direct, incremental)
        missing = np.isnan(radii).any(axis=0)
        if missing.any():
            # Draws are missing where they are needed; certifying says which.
            self.certify(name, method.name, int(np.argmax(missing)))
        return radii

    def _both_branches(self, name: str, method: str, branches: Branches) -> tuple[Floats, Floats]:
        """What each input adds to ACR if it is taken incrementally, and if directly.

        Shape (inputs, budgets); NaN where draws are missing.
        """

        def make() -> tuple[Floats, Floats]:
            case = self.case(name)
            made = [branches.certify(case, budget) for budget in range(len(self.tally.budgets))]
            return self._counted([one[0] for one in made]), self._counted([one[1] for one in made])

        return self._kept(("branches", method, name), make, self._memo)

    def _counted(self, made: Sequence[tuple[Certificates, NDArray[np.bool_]]]) -> Floats:
        found = [
            np.where(known, metrics.counted_radii(one, self.labels), np.nan) for one, known in made
        ]
        return np.stack(found, axis=1)

    def compare(self, name: str) -> Comparison:
        """All methods whose draws are there, over all budgets."""
        found = self.methods(name)
        curves = {method: self.per_input(name, method) for method in found}
        # Whoever stops at a radius does not go for ACR: its area would say nothing.
        goals = [one for one in found if methods.get(one).anytime is None]
        compared = [one for one in goals if one != _BASELINE] if _BASELINE in found else []
        return Comparison(
            curves={method: curve.points for method, curve in curves.items()},
            speedups={
                (method, cost): self._speedup(name, method, cost)
                for method in compared
                for cost in COSTS
            },
        )

    def _speedup(self, name: str, method: str, cost: Cost) -> Interval:
        def make() -> Interval:
            curves = self.per_input(name, _BASELINE), self.per_input(name, method)
            return speedup_interval(*curves, cost)

        return self._of(method, ("speedup", name, cost), make)

    def methods(self, name: str) -> list[str]:
        """The methods whose results of a compressed classifier are shown, as they are listed."""
        return [one.name for one in methods.every() if self.shows(name, one.name)]

    def shows(self, name: str, method: str) -> bool:
        """Whether the study was made to show a method, and all its draws are there.

        Whether the draws of another one happen to be there may depend on the classifier's answers,
        and so may which one speaks for it.
        """
        return method in self.tally.shown and self.has(name, method)

    def check_shown(self, method: str) -> None:
        """Refuse a method that the study was not made to show, whatever draws happen to be there.

        Raises:
            UnknownKeyError: The study does not show it, or there is none of that name.
        """
        if methods.get(method).name not in self.tally.shown:
            shown = [one.name for one in methods.every() if one.name in self.tally.shown]
            raise UnknownKeyError(
                f"this study was not made to show {method}; it shows {', '.join(shown)}. Certify "
                f"with --method {method} to have it"
            )

    def main_method(self, name: str) -> str:
        """The method that stands for a compressed classifier, of those whose draws are there."""
        shown = (one.name for one in methods.by_standing() if self.shows(name, one.name))
        return next(shown, methods.accelerated()[0].name)

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
        stopped = certificates.method if self.tally.radii else ""
        method = stopped if original else self.main_method(name)
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
        swept = next(one for one in methods.every() if one.branches is not None)
        assert swept.branches is not None
        incremental, direct = (
            branch[:, budget, None]
            for branch in self._both_branches(name, swept.name, swept.branches)
        )
        settings = [replace(self.settings, gamma=float(gamma)) for gamma in gammas]
        cases = [replace(self.case(name), settings=one) for one in settings]
        takes_direct = np.stack([swept.branches.direct(case) for case in cases], axis=1)
        radii = np.where(takes_direct, direct, incremental)
        for one in np.flatnonzero(np.isnan(radii).any(axis=0)):
            # Draws are missing where they are needed; certifying says which.
            swept.certify(cases[one], budget)
        return mean_intervals(radii)
