"""CIRS: conditional incremental certification, with a budget per input (docs/methods/cirs.md)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.certify import (
    Certificates,
    arrivals_upper,
    certify_cirs,
    certify_joint,
    few_selected,
    with_two_sided,
)
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.cirs_plan import (
    CirsPlan,
    Planner,
    cached_counts,
    look_weights,
    pilot_draws,
    points,
    reach,
    study_planner,
    study_plans,
)
from irs_core.methods.kit.cirs_promise import levels_of
from irs_core.methods.kit.cirs_two_sided import arrivals_of, not_chosen, prefixes
from irs_core.methods.kit.counting import row_counts, times
from irs_core.methods.kit.counts import UNKNOWN, CompressedTally, Floats, Ints, require_known
from irs_core.methods.kit.method import TWO_SIDED_ASKED, MethodDef, Style
from irs_core.methods.kit.observed import Observed, Wish, gaps_of
from irs_core.spec.convention import TWO_SIDED
from irs_core.spec.study import Stream, StudySpec
from irs_core.stats.budget import split_alpha


@dataclass(frozen=True)
class CirsTally:
    """Counts of one compressed classifier under the plans of CIRS; UNKNOWN where draws are missing.

    Args:
        n_p: Mean budgets, pilot included: some below the study's own, then those, (points,).
        plans: One per point.
        leavers: Of an incremental input's chosen draws, how many left the candidate,
            (inputs, points); 0 where direct.
        fresh_hits: Of a direct input's fresh draws, how many gave it, (inputs, points); 0 where
            incremental.
        seconds: Time of these draws and of the pilot, (inputs, points).
        prefixes: First draws of the stream on all of which f^p runs for two-sided radii, (points,).
        arrivals: On how many of these f^p gave each group of classes and f did not, (inputs,
            points, groups).
        more: How many of these are not among the draws that the plan chose, (inputs, points).
        planner: Makes the plan of any other budget.
        seconds_per_draw: Mean measured time of a draw; NaN where none was measured.
    """

    n_p: Ints
    plans: tuple[CirsPlan, ...]
    leavers: Ints
    fresh_hits: Ints
    seconds: Floats
    prefixes: Ints
    arrivals: NDArray[np.signedinteger]
    more: Ints
    planner: Planner
    seconds_per_draw: float


def counts_of(counts: CompressedTally) -> CirsTally:
    """What CIRS counts of a compressed classifier."""
    found: CirsTally = counts.own[METHOD.name]
    return found


def has_pilot(one: Observed) -> bool:
    """Whether all that its plans are made from is stored; without a pilot, nothing is asked."""
    if "select" not in one.streams:
        return True
    return not gaps_of(one.read("select", pilot_draws(one.spec)))[one.original.reported].any()


def _planner(one: Observed) -> Planner:
    original = one.original
    pilot = original.selection[:, :0]
    if "select" in one.streams:
        pilot = one.read("select", pilot_draws(one.spec))
    cached = cached_counts(
        one.spec,
        candidate=original.candidate,
        selection=original.selection,
        estimation=original.estimation,
        pilot=pilot,
        reported=original.reported,
    )
    return study_planner(one.spec, cached)


def _stages(models: Sequence[Observed]) -> Iterator[list[Wish]]:
    """The pilot; then one round per budget, the smallest first, so that each can be looked at."""
    yield [
        Wish(one.name, "select", np.where(one.original.reported, pilot_draws(one.spec), 0))
        for one in models
    ]
    plans = [(one, study_plans(_planner(one), one.spec)) for one in models]
    for budget in range(len(plans[0][1]) if plans else 0):
        yield [wish for one, made in plans for wish in _round(one, made[budget], budget)]


def _round(one: Observed, plan: CirsPlan, budget: int) -> list[Wish]:
    """Fresh draws of the direct inputs, and the first hits of the others.

    Two-sided radii need what f^p does where f answers otherwise: all of the first draws.
    """
    found = [
        Wish(one.name, "scratch-estimate", np.where(plan.direct, plan.draws, 0)),
        Wish(one.name, "estimate", np.where(plan.direct, 0, plan.draws), hits=True),
    ]
    if one.spec.convention == TWO_SIDED:
        few = few_selected(one.original.selected, one.spec.n0) & (plan.draws > 0)
        found.append(Wish(one.name, "estimate", np.where(few, prefixes(one.spec)[budget], 0)))
    return found


def _expected(spec: StudySpec) -> Mapping[Stream, int]:
    # The mean budget counts in full, though other methods may have drawn some of it already.
    pilot = pilot_draws(spec)
    return {"select": pilot, "estimate": max(1, spec.n_p[-1] - pilot)}


def _count(one: Observed) -> CirsTally:
    spec, candidate = one.spec, one.original.candidate[:, None]
    planner = _planner(one)
    plans = study_plans(planner, spec)
    draws = np.stack([plan.draws for plan in plans], axis=1)
    direct = np.stack([plan.direct for plan in plans], axis=1)
    drawn = one.read("scratch-estimate", reach(spec))
    fresh_hits = row_counts(drawn == candidate, gaps_of(drawn), np.where(direct, draws, 0))
    leavers = _leavers(one, np.where(direct, 0, draws))
    if not has_pilot(one):
        # The plans will be others; nothing is certified by these.
        leavers[:], fresh_hits[:] = UNKNOWN, UNKNOWN
    seconds, rate = _measured(one, draws, direct)
    n_p = np.asarray(points(spec), np.int64)
    return CirsTally(
        n_p=n_p,
        plans=plans,
        leavers=leavers,
        fresh_hits=fresh_hits,
        seconds=seconds,
        prefixes=prefixes(spec),
        arrivals=arrivals_of(one),
        more=not_chosen(one, np.where(direct, 0, draws)),
        planner=planner,
        seconds_per_draw=rate,
    )


def _reach(spec: StudySpec) -> int:
    known = reach(spec)
    return max(known, int(prefixes(spec).max())) if spec.convention == TWO_SIDED else known


def _leavers(one: Observed, draws: Ints) -> Ints:
    """Of each input's first so many hits of f, on how many f^p left the candidate."""
    candidate, width = one.original.candidate[:, None], reach(one.spec)
    own, hits = one.read("estimate", width), one.original.estimation[:, :width] == candidate
    # Position of each hit among its input's hits, from 1; 0 where f predicted another class.
    rank = np.where(hits, np.cumsum(hits, axis=1, dtype=np.int32), 0)
    gone, gaps = own != candidate, gaps_of(own)
    found = np.empty_like(draws)
    for at in range(draws.shape[1]):
        chosen: NDArray[np.bool_] = (rank > 0) & (rank <= draws[:, at, None])
        counts = np.count_nonzero(chosen & gone, axis=1)
        found[:, at] = np.where((chosen & gaps).any(axis=1), UNKNOWN, counts)
    return found


def _measured(one: Observed, draws: Ints, direct: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Seconds of the draws of each input at each point, and the mean seconds of a draw."""
    widest = one.spec.n_p[-1]
    rates = np.where(direct, one.rate("scratch-estimate", widest), one.rate("estimate", widest))
    seconds, measured = times(rates, draws), [rates]
    if "select" in one.streams:
        pilot = pilot_draws(one.spec)
        rate = one.rate("select", pilot)
        seconds = seconds + rate * pilot
        measured.append(rate)
    # Before the counted draws run, the pilot's rate has to do.
    known = [rate[np.isfinite(rate)] for rate in measured]
    return seconds, next((float(rate.mean()) for rate in known if len(rate)), float("nan"))


def _points(case: Case) -> tuple[int, ...]:
    return tuple(map(int, counts_of(case.counts).n_p))


def _certify(case: Case, point: int) -> Certificates:
    counts, rows = counts_of(case.counts), case.rows
    plan = counts.plans[point]
    asked = (case.name, METHOD.title, METHOD.asked_with)
    leavers = require_known(counts.leavers[rows, point], *asked)
    fresh_hits = require_known(counts.fresh_hits[rows, point], *asked)
    given: dict[str, Any] = {
        "draws": plan.draws[rows],
        "leavers": leavers,
        "fresh_hits": fresh_hits,
        "threshold": plan.threshold,
        "sigma": case.tally.sigma,
        "pilot": plan.pilot,
    }

    def at_level(level: float) -> Certificates:
        if plan.joint:
            levels = levels_of(case.tally.n, level, plan.supposed)
            return certify_joint(case.cache, levels=levels, **given)
        a1, a2 = split_alpha(case.tally.n, plan.mean, level)
        return certify_cirs(case.cache, a1=a1, a2=a2, **given)

    level = _level(case, point)
    made = at_level(level)
    return _two_sided(case, point, made, at_level(level / 2)) if case.two_sided else made


def _two_sided(case: Case, point: int, whole: Certificates, part: Certificates) -> Certificates:
    """Two-sided radii where few selection draws gave the candidate and it gets draws at all.

    That it gets none is known before any draw of f^p, and a certificate without draws abstains.
    """
    counts, rows, n = counts_of(case.counts), case.rows, case.tally.n
    few = case.few & (counts.plans[point].draws[rows] > 0)
    arrivals = np.where(few[:, None], counts.arrivals[rows, point], 0).astype(np.int64)
    prefix = int(counts.prefixes[point])
    b1, b2 = split_alpha(n, prefix, whole.claimed_failure - part.claimed_failure)
    others = arrivals_upper(
        case.tally.base.others[rows],
        n,
        require_known(arrivals, case.name, "two-sided radii of CIRS", TWO_SIDED_ASKED),
        prefix,
        b1=b1,
        b2=b2,
    )
    return with_two_sided(whole, part, others, few, more_samples=counts.more[rows, point])


def _level(case: Case, point: int) -> float:
    """What a point may spend: where rounds could be looked at, its part of the level."""
    if not case.tally.looks:
        return case.level
    before = len(_points(case)) - len(case.budgets)
    return case.level * float(look_weights(len(case.budgets))[max(0, point - before)])


def _seconds(case: Case, point: int) -> Floats:
    counts, rows = counts_of(case.counts), case.rows
    seconds = counts.seconds[rows, point]
    if not case.two_sided:
        return np.asarray(seconds)
    few = case.few & (counts.plans[point].draws[rows] > 0)
    more = np.where(few, counts.more[rows, point], 0)
    return np.asarray(seconds + times(np.full(len(more), counts.seconds_per_draw), more))


METHOD = MethodDef(
    name="cirs",
    title="CIRS",
    phrase="incremental with a budget per input",
    sentence="Conditional incremental certification: reuses the original's draws and pays only for "
    "those on which the compressed model leaves the certified class.",
    asked_with="the method CIRS",
    style=Style("solid", "diamond", "mark"),
    order=3,
    standing=0,
    proven=lambda settings: settings.alpha + settings.alpha_zeta,
    stages=_stages,
    expected=_expected,
    certify=_certify,
    seconds=_seconds,
    points=_points,
    extra_streams=("select",),
    reach=_reach,
    counts=CirsTally,
    count=_count,
    plans=True,
    two_sided=True,
    price="what is lost",
    reused="At most a share of {lost} of the draws that the original answers with {tested} is "
    "lost, so P({tested}) is at least {bound}",
)
