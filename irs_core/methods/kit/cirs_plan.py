"""How CIRS spends the draws of a study: one plan per budget, made before f^p runs.

A plan reads f's counts, and f^p's answers on the pilot, which are draws of the `select` stream.
It reads no answer of f^p on a draw that enters a bound; see docs/methods/cirs.md.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import SpecError
from irs_core.methods.kit.cirs_promise import (
    Promise,
    Setting,
    joint_promise,
    split_promise,
)
from irs_core.spec.study import StudySpec
from irs_core.stats.budget import (
    LeavePrior,
    allocate,
    best_at_price,
    candidate_draws,
    leave_prior,
)
from irs_core.stats.joint_plan import FlowPrior, Supposed, flow_prior

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# Draws per input on which CIRS learns how often a compressed classifier leaves the class.
PILOT_DRAWS = 5
# No input gets more draws than this many times the largest mean budget.
_REACH = 4
_LAST_LOOK = 0.5
# Parts of the least n_p that are looked at as well.
_LOWER = (16, 8, 4, 2)
# Rounding that may not cost an input its promised radius.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Cached:
    """What a plan may know: counts of f, and the pilot.

    Args:
        selected: Selection draws, of n0, that gave the candidate, (inputs,).
        hits: Estimation draws, of n, that gave it, (inputs,).
        within: Hits among the first draws on which the study may run f^p, (inputs,).
        planned: Inputs that get draws, (inputs,).
        pilot: Draws per input of the pilot; 0 where there was none.
        agree, leave, arrive: Its counts; see `leave_prior`.
    """

    selected: Ints
    hits: Ints
    within: Ints
    planned: NDArray[np.bool_]
    pilot: int
    agree: Ints
    leave: Ints
    arrive: Ints


@dataclass(frozen=True, eq=False)
class CirsPlan:
    """One budget's plan for one compressed classifier.

    Args:
        mean: Mean draws per input, without the pilot, that the split of alpha, or the levels of
            the joint bound, are made for.
        threshold: Cached hits from which an input is direct.
        draws: Draws of f^p that each input gets, (inputs,); 0 where it gets none.
        direct: Which inputs are direct, (inputs,).
        expected: Radius that each is expected to get, pixel units, (inputs,).
        pilot: Draws per input of the pilot, on top of `draws`.
        supposed: What the levels of the joint bound are made for; no draws under the split.
    """

    mean: float
    threshold: int
    draws: Ints
    direct: NDArray[np.bool_]
    expected: Floats
    pilot: int
    supposed: Supposed

    @property
    def joint(self) -> bool:
        """Whether incremental inputs are certified by the joint bound."""
        return len(self.supposed.draws) > 0

    def total(self, planned: NDArray[np.bool_]) -> int:
        """Forward passes of f^p on the planned inputs, pilot included."""
        return int(self.draws[planned].sum() + self.pilot * np.count_nonzero(planned))


@dataclass(frozen=True, eq=False)
class Planner:
    """Plans of one compressed classifier at any budget.

    Args:
        n0, n: Selection and estimation draws of f.
        sigma: Standard deviation of the noise, pixel units.
        group: Inputs that share noise; see `NoiseSpec`.
        reach: Estimation draws among which f^p may run.
        level: Failure probability of each certificate.
        max_loss, split_draws, bound: See `StudySpec`.
        cached: What the plans are made from.
    """

    n0: int
    n: int
    sigma: float
    group: int
    reach: int
    level: float
    max_loss: float | None
    split_draws: int | None
    cached: Cached
    bound: str = "split"

    @cached_property
    def prior(self) -> LeavePrior:
        """Prior of leaving and arriving, estimated from the pilot draws, under the split."""
        return leave_prior(**self._pilot)

    @cached_property
    def flow(self) -> FlowPrior:
        """The same under the joint bound."""
        return flow_prior(**self._pilot)

    @property
    def _pilot(self) -> dict[str, Any]:
        cached, planned = self.cached, self.cached.planned
        return {
            "hits": cached.selected[planned],
            "n0": self.n0,
            "agree": cached.agree[planned],
            "leave": cached.leave[planned],
            "arrive": cached.arrive[planned],
            "draws": cached.pilot,
        }

    @cached_property
    def sizes(self) -> Ints:
        """Numbers of draws that an input may get."""
        return candidate_draws(self.reach)

    @property
    def most(self) -> int:
        """The largest mean budget that could be spent."""
        return self.reach + self.cached.pilot

    def with_loss(self, loss: float) -> "Planner":
        """The same, with as few draws as lose at most so much radius; see `StudySpec.max_loss`.

        Raises:
            SpecError: `loss` is not positive and finite.
        """
        if not 0 < loss < float("inf"):
            raise SpecError(f"max_loss must be positive and finite; got {loss}")
        return replace(self, max_loss=loss)

    def plan(self, n_p: float) -> CirsPlan:
        """The plan for a mean of `n_p` draws per input, pilot included.

        Its split, its levels and its threshold are functions of `n_p` (or `split_draws`), n, the
        level, the selection draws and the pilot, and of no estimation draw.
        """
        mean = float(self.split_draws or max(1.0, n_p - self.cached.pilot))
        promise = self._promise(mean)
        cached, sizes = self.cached, self.sizes
        radii = self._radii(promise, cached.hits, cached.within)
        budget = max(0.0, n_p - cached.pilot) * np.count_nonzero(cached.planned)
        choice = self._choose(promise, radii, budget)
        return CirsPlan(
            mean=mean,
            threshold=promise.threshold,
            draws=np.where(cached.planned, sizes[choice], 0),
            direct=cached.hits >= promise.threshold,
            expected=radii[np.arange(len(radii)), choice],
            pilot=cached.pilot,
            supposed=promise.supposed,
        )

    def _promise(self, mean: float) -> Promise:
        setting = Setting(self.n0, self.n, self.sigma, self.level, self.sizes)
        if self.bound == "split":
            return split_promise(setting, mean, self.prior)
        selected = self.cached.selected[self.cached.planned]
        return joint_promise(
            setting, mean, self.flow, selected, for_all=self.split_draws is not None
        )

    def _choose(self, promise: Promise, radii: Floats, budget: float) -> Ints:
        planned, sizes = self.cached.planned, self.sizes
        if self.max_loss is not None:
            return self._least(promise, radii, self.max_loss)
        if self.group == 1:
            choice = np.zeros(len(radii), np.int64)
            choice[planned] = allocate(radii[planned], sizes, budget).choice
            return choice
        # Inputs that share noise must not see each other's cached counts: the price comes from
        # the selection draws, and each input then looks at its own counts alone.
        share = self.cached.selected / self.n0
        hits = np.rint(share * self.n).astype(np.int64)
        within = np.rint(share * self.reach).astype(np.int64)
        supposed = self._radii(promise, hits, within)
        price = allocate(supposed[planned], sizes, budget).price
        return best_at_price(radii, sizes, price)

    def _least(self, promise: Promise, radii: Floats, loss: float) -> Ints:
        """The fewest draws that lose at most `loss` against n draws from scratch; where nothing
        does, those with the largest radius."""
        enough = radii >= promise.scratch(self.cached.hits) - loss - _ROUNDING
        return np.asarray(np.where(enough.any(axis=1), enough.argmax(axis=1), radii.argmax(axis=1)))

    def _radii(self, promise: Promise, hits: Ints, within: Ints) -> Floats:
        """Expected radius of each input at each size; -inf where it has too few hits."""
        radii = promise.incremental(hits)
        radii[self.sizes[None, :] > within[:, None]] = -np.inf
        direct = hits >= promise.threshold
        if direct.any():
            radii[direct] = promise.direct(hits[direct])
        return radii


def look_weights(looks: int) -> NDArray[np.float64]:
    """Parts of alpha for each look, fixed in advance: half for the last, the rest shared evenly."""
    if looks == 1:
        return np.ones(1)
    weights = np.full(looks, (1 - _LAST_LOOK) / (looks - 1))
    weights[-1] = _LAST_LOOK
    return weights


def pilot_draws(spec: StudySpec) -> int:
    """Draws of f^p per input on the `select` stream, from which CIRS plans; 0 without it."""
    return min(PILOT_DRAWS, spec.n0) if "cirs" in spec.methods else 0


def reach(spec: StudySpec) -> int:
    """Estimation draws, from the first, among which CIRS may run f^p."""
    if "cirs" not in spec.methods:
        return spec.n_p[-1]
    # With a bound on the loss a few inputs need many more draws than the mean.
    return spec.n if spec.max_loss is not None else min(spec.n, _REACH * spec.n_p[-1])


def pilot_spec(spec: StudySpec) -> StudySpec:
    """The study whose pilot a goal is predicted from.

    Equal for all studies of the same models, inputs, noise, n0 and n: their confidence, budgets
    and methods change no draw of the pilot.
    """
    return StudySpec(
        model=spec.model,
        data=spec.data,
        noise=spec.noise,
        compressions=spec.compressions,
        n0=spec.n0,
        n=spec.n,
        n_p=(spec.n,),
        methods=("cirs",),
        baseline=False,
        name=spec.name,
    )


def study_planner(spec: StudySpec, cached: Cached) -> Planner:
    """The planner of a study, at the study's own confidence."""
    return Planner(
        n0=spec.n0,
        n=spec.n,
        sigma=spec.noise.sigma,
        group=spec.noise.group,
        reach=reach(spec),
        level=spec.alpha + spec.alpha_zeta,
        max_loss=spec.max_loss,
        split_draws=spec.split_draws,
        cached=cached,
        bound=spec.bound,
    )


def lower_budgets(spec: StudySpec) -> tuple[int, ...]:
    """Mean budgets below a study's own, whose draws are nearly all among those of the others.

    CIRS with the study's least n_p often certifies more than the baseline with its largest; only
    smaller budgets then show at what cost it reaches what the baseline reaches.
    """
    if spec.max_loss is not None:
        return ()
    lower = {spec.n_p[0] // part for part in _LOWER}
    return tuple(sorted(n_p for n_p in lower if n_p > pilot_draws(spec)))


def study_plans(planner: Planner, spec: StudySpec) -> tuple[CirsPlan, ...]:
    """The plans of `lower_budgets` and of each n_p of a study, at the study's own confidence.

    A function of the specification and of what `Cached` holds, so that running, resuming and
    looking at a study all see the same plans.
    """
    return tuple(planner.plan(float(n_p)) for n_p in points(spec))


def points(spec: StudySpec) -> tuple[int, ...]:
    """Mean budgets of the curve of CIRS, increasing."""
    return (*lower_budgets(spec), *spec.n_p)


def cached_counts(
    spec: StudySpec,
    *,
    candidate: Ints,
    selection: NDArray[np.unsignedinteger],
    estimation: NDArray[np.unsignedinteger],
    pilot: NDArray[np.unsignedinteger],
    reported: NDArray[np.bool_],
) -> Cached:
    """Count what a plan may know.

    Args:
        selection: f on its selection draws, (inputs, n0).
        estimation: f on its estimation draws, (inputs, n).
        pilot: f^p on the first selection draws, (inputs, pilot draws); no draws for no pilot.
        reported: Inputs that the budget is for.
    """
    drawn = pilot.shape[1]
    named = candidate[:, None]
    f, g = selection[:, :drawn] == named, pilot == named
    hits = estimation == named
    return Cached(
        selected=np.count_nonzero(selection == named, axis=1),
        hits=np.count_nonzero(hits, axis=1),
        within=np.count_nonzero(hits[:, : reach(spec)], axis=1),
        planned=reported,
        pilot=drawn,
        agree=np.count_nonzero(f, axis=1),
        leave=np.count_nonzero(f & ~g, axis=1),
        arrive=np.count_nonzero(~f & g, axis=1),
    )
