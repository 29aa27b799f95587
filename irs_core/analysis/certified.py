"""Certificates of every classifier of a study, from its counts. No label is seen."""

from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.counts import UNKNOWN, StudyTally, require_known
from irs_core.analysis.results import Floats, Method, Settings
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
from irs_core.stats.budget import split_alpha

Number = TypeVar("Number", np.int64, np.float64)


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
        plan = counts.plans[index]
        leavers = require_known(counts.leavers[self.rows, index], name, "cirs")
        fresh_hits = require_known(counts.fresh_hits[self.rows, index], name, "cirs")
        level = weight * (self.settings.alpha + self.settings.alpha_zeta)
        a1, a2 = split_alpha(self.tally.n, plan.mean, level)
        return certify_cirs(
            self.cache,
            draws=plan.draws[self.rows],
            leavers=leavers,
            fresh_hits=fresh_hits,
            threshold=plan.threshold,
            a1=a1,
            a2=a2,
            sigma=self.tally.sigma,
            pilot=plan.pilot,
        )

    def _iss(self, name: str, budget: int) -> Certificates:
        counts = self.tally.compressed[name]
        hits = require_known(counts.iss.hits[self.rows, budget], name, "iss")
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
        require_known(self.by_branch(disagreements, fresh), name, "irs")
        return self._irs_at(name, budget, self.settings.gamma)

    def by_branch(self, incremental: NDArray[Number], direct: NDArray[Number]) -> NDArray[Number]:
        """What IRS takes of two values of each input, (inputs, ...); gamma alone chooses."""
        takes_direct = self.cache.p_lower >= self.settings.gamma
        axes = (slice(None), *[None] * (direct.ndim - 1))
        return np.where(takes_direct[axes], direct, incremental)

    def _irs_at(self, name: str, budget: int, gamma: float) -> Certificates:
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
            gamma=gamma,
            sigma=self.tally.sigma,
        )

    def _rs(self, name: str, budget: int) -> Certificates:
        counts = self.tally.compressed[name]
        hits = require_known(counts.scratch_hits[self.rows, budget], name, "rs")
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
        return self.by_branch(counts.paired_seconds[self.rows, budget], fresh)
