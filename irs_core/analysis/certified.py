"""Certificates of every classifier of a study, from its counts. No label is seen."""

from dataclasses import replace
from functools import cached_property

from irs_core import methods
from irs_core.certify import (
    Cache,
    Certificates,
    build_cache_from_hits,
    certify_cache,
    certify_rs_hits,
    certify_sequential_scratch,
    few_selected,
    largest_proven,
    others_upper,
    with_two_sided,
)
from irs_core.errors import MissingEvidenceError
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.counts import Floats, StudyTally
from irs_core.methods.kit.seq_walk import looks
from irs_core.spec.convention import TWO_SIDED
from irs_core.spec.settings import Settings


class StudyCertificates:
    """Certificates under one choice of settings.

    Args:
        tally: Counts of the study.
        settings: Confidence levels and gamma.
        held_out: Of the inputs held out for tuning instead of the reported ones.
    """

    def __init__(self, tally: StudyTally, settings: Settings, *, held_out: bool = False) -> None:
        """See the class."""
        self.tally = tally
        self.settings = settings
        self.held_out = held_out
        self.rows = ~tally.reported if held_out else tally.reported

    @cached_property
    def cache(self) -> Cache:
        """What certifying the base classifier left behind.

        Raises:
            MissingEvidenceError: Each of its inputs stopped by itself, which leaves no cache.
        """
        base = self.tally.base
        if self.tally.radii:
            raise MissingEvidenceError(
                "the original stopped where each input was answered at "
                f"{', '.join(f'{one:g}' for one in self.tally.radii)}; what rests on a fixed n "
                "needs a study without the method seq"
            )
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
        if self.tally.radii:
            return self._proven(self._base_stopped())
        whole = certify_cache(self.cache, sigma=self.tally.sigma)
        if self.settings.convention == TWO_SIDED:
            whole = self._base_two_sided(whole)
        return self._proven(whole)

    def _base_stopped(self) -> Certificates:
        """The largest radius that its draws prove, and each of the named ones that they prove."""
        if self.settings.convention == TWO_SIDED:
            raise MissingEvidenceError(
                "an original that stopped at radii has one-sided radii only; choose those"
            )
        tally, rows = self.tally, self.rows
        failures, draws = looks(tally.base.failed_at[rows], tally.base.draws[rows])
        return largest_proven(
            [
                certify_sequential_scratch(
                    tally.base.candidate[rows],
                    failures=failures,
                    draws=draws,
                    n0=tally.n0,
                    alpha=self.settings.alpha,
                    sigma=tally.sigma,
                    radius=radius,
                )
                for radius in (None, *tally.radii)
            ]
        )

    def _base_two_sided(self, whole: Certificates) -> Certificates:
        tally, rows, half = self.tally, self.rows, self.settings.alpha / 2
        part = certify_rs_hits(
            whole.candidate,
            self.cache.agree_counts,
            n0=tally.n0,
            n=tally.n,
            alpha=half,
            sigma=tally.sigma,
        )
        others = others_upper(tally.base.others[rows], tally.n, half)
        few = few_selected(tally.base.selected[rows], tally.n0)
        return with_two_sided(whole, part, others, few)

    def _proven(self, made: Certificates) -> Certificates:
        """Under discrete noise nothing is proven about the full radius; see `describe_noise`."""
        return replace(made, provable_failure=None) if self.tally.noise == "discrete" else made

    def case(self, name: str) -> Case:
        """A compressed classifier as methods see it."""
        return Case(name, self.tally, self.settings, self.rows, self.cache)

    def certify(self, name: str, method: str, budget: int) -> Certificates:
        """Certificates of a compressed classifier at one budget (an index into `tally.budgets`).

        Raises:
            MissingEvidenceError: Its draws are not all stored.
        """
        point = self._point(name, method, budget)
        self._check_convention(method)
        return self._proven(methods.get(method).certify(self.case(name), point))

    def _check_convention(self, method: str) -> None:
        known = methods.get(method)
        if self.settings.convention == TWO_SIDED and not known.two_sided:
            able = ", ".join(one.title for one in methods.every() if one.two_sided)
            raise MissingEvidenceError(
                f"{known.title} has one-sided radii only; choose one-sided radii, or one of {able}"
            )

    def _point(self, name: str, method: str, budget: int) -> int:
        """Where a budget of the study stands among the points of a method, which end with them."""
        return len(methods.get(method).points(self.case(name))) - len(self.tally.budgets) + budget

    def has(self, name: str, method: str, budget: int = -1) -> bool:
        """Whether the draws of a method are all there, by default at the largest budget."""
        try:
            self.certify(name, method, budget % len(self.tally.budgets))
        except MissingEvidenceError:
            return False
        return True

    def seconds_per_input(self, name: str, method: str, budget: int) -> Floats:
        """Measured seconds that a method's draws took, (inputs,)."""
        point = self._point(name, method, budget)
        return methods.get(method).seconds(self.case(name), point)
