"""`seq`: each input draws until its question at a radius is answered (docs/methods/seq.md)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.certify import (
    Certificates,
    build_cache_from_hits,
    certify_sequential,
    largest_proven,
)
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.counting import Predictions, times
from irs_core.methods.kit.counts import UNKNOWN, Floats, Ints, require_known
from irs_core.methods.kit.method import MethodDef, Style
from irs_core.methods.kit.observed import Observed, Original, Wish, gaps_of
from irs_core.methods.kit.seq_steps import (
    Stepped,
    asked_in,
    asked_two_sided,
    certify_steps,
    more_draws,
    nothing_stepped,
    walk_steps,
)
from irs_core.methods.kit.seq_walk import (
    Walk,
    find_hits,
    joined,
    looks,
    next_round,
    questions,
    row_blocks,
    walk,
)
from irs_core.spec.convention import TWO_SIDED
from irs_core.spec.outward import less
from irs_core.spec.study import Stream, StudySpec
from irs_core.stats.budget import split_alpha

# The split of the level is that for so many draws: the inputs that a split can decide are those
# near the radius, and they take more than the mean.
TYPICAL_DRAWS = 200
# Mean draws before anything is known; measured ones are 25 to 100 (benchmarks/RESULTS.md).
EXPECTED = 100
# Hits of f are looked for among so many times the draws that an input may take.
_REACH = 4


@dataclass(frozen=True)
class SeqTally:
    """Counts of one compressed classifier under `seq`; (inputs,) where nothing else is said.

    Args:
        taken: Hits of f on which f^p was run; UNKNOWN where the study names no radius.
        open: Hits still to be run before the input is answered; 0 where it is.
        failed_at: Which of the taken hits f^p left, from 1, (inputs, most leavers); the largest
            integer where there are no more.
        looked: Draws of the stream that the taken hits stand for.
        failed_looked: Those before each hit that f^p left, at most `looked`, like `failed_at`.
        reaches: Radii that are certified or not, in pixel units, (radii,).
        seconds_per_draw: Mean measured time of a draw, (inputs,); NaN where none was measured.
        stepped: What two-sided radii rest on.
    """

    taken: Ints
    open: Ints
    failed_at: Ints
    looked: Ints
    failed_looked: Ints
    reaches: Floats
    seconds_per_draw: Floats
    stepped: Stepped


def reaches(spec: StudySpec) -> Floats:
    """The radii of a study less its tolerance."""
    return np.array([less(radius, spec.tolerance) for radius in spec.radii], np.float64)


def reach(spec: StudySpec) -> int:
    """Estimation draws, from the first, among which it may run f^p."""
    return min(spec.n, _REACH * spec.n_p[-1]) if spec.radii else spec.n_p[-1]


def _walk(one: Observed) -> Walk:
    """Where each input stands; inputs do not see each other, so that some at a time will do."""
    width = reach(one.spec)
    seen = one.read("estimate", width)
    return joined([_walk_rows(one, seen[rows], rows) for rows in row_blocks(seen)])


def _levels(spec: StudySpec) -> tuple[float, float]:
    return split_alpha(spec.n, TYPICAL_DRAWS, spec.alpha + spec.alpha_zeta)


def _one_sided_rows(spec: StudySpec, original: Original) -> NDArray[np.bool_]:
    """Inputs that are asked with one bound, of the reported ones."""
    if spec.convention != TWO_SIDED:
        return original.reported
    sigma = spec.noise.sigma
    both = asked_two_sided(original.selected, spec.n0, reaches(spec), sigma)
    return np.asarray(original.reported & ~both)


def _walk_rows(one: Observed, seen: Predictions, rows: slice) -> Walk:
    spec, original = one.spec, one.original
    candidate, width = original.candidate[rows, None], seen.shape[1]
    agree = original.estimation[rows] == candidate
    a1, a2 = _levels(spec)
    cache = build_cache_from_hits(
        candidate[:, 0], np.count_nonzero(agree, axis=1), n0=spec.n0, n=spec.n, alpha=a1
    )
    hits = find_hits(agree[:, :width], seen != candidate, gaps_of(seen), spec.n_p[-1])
    asked = questions(
        cache, spec.radii, tolerance=spec.tolerance, sigma=spec.noise.sigma, a1=a1, a2=a2
    )
    return walk(hits, asked, _one_sided_rows(spec, original)[rows])


def _stages(models: Sequence[Observed]) -> Iterator[list[Wish]]:
    """Round by round: first the inputs that few draws are expected to answer."""
    while True:
        wishes = [wish for one in models for wish in _round(one)]
        if not wishes:
            return
        yield wishes


def _round(one: Observed) -> list[Wish]:
    return [*_hit_round(one), *_step_round(one)]


def _step_round(one: Observed) -> list[Wish]:
    if one.spec.convention != TWO_SIDED:
        return []
    further = walk_steps(one, reaches(one.spec)).further
    return [Wish(one.name, "estimate", further)] if further.any() else []


def _hit_round(one: Observed) -> list[Wish]:
    draws = next_round(_walk(one))
    return [Wish(one.name, "estimate", draws, hits=True)] if draws.any() else []


def _expected(spec: StudySpec) -> Mapping[Stream, int]:
    return {"estimate": min(spec.n_p[-1], EXPECTED)}


def _count(one: Observed) -> SeqTally:
    inputs = len(one.original.reported)
    nothing = np.zeros(inputs, np.int64)
    if not one.spec.radii:
        none = np.zeros((inputs, 0), np.int64)
        return SeqTally(
            taken=nothing + UNKNOWN,
            open=nothing,
            failed_at=none,
            looked=nothing,
            failed_looked=none,
            reaches=reaches(one.spec),
            seconds_per_draw=np.zeros(inputs),
            stepped=nothing_stepped(inputs),
        )
    found, stepped = _walk(one), walk_steps(one, reaches(one.spec))
    waiting = stepped.further if one.spec.convention == TWO_SIDED else 0
    rate = np.broadcast_to(one.rate("estimate", reach(one.spec))[:, 0], (inputs,))
    return SeqTally(
        taken=found.taken,
        open=found.wanted - found.taken + waiting,
        failed_at=found.failed_at,
        looked=found.looked,
        failed_looked=found.failed_looked,
        reaches=reaches(one.spec),
        seconds_per_draw=np.asarray(rate, np.float64),
        stepped=stepped,
    )


def counts_of(case: Case) -> SeqTally:
    """What it counts of a compressed classifier."""
    found: SeqTally = case.counts.own[METHOD.name]
    return found


def _certify(case: Case, point: int) -> Certificates:
    """The largest radius that the draws prove, and each of the study's radii that they prove.

    Draws beyond the point's budget are left out: at most so many were taken.
    """
    own, rows = counts_of(case), case.rows
    taken = require_known(own.taken[rows], case.name, METHOD.title, METHOD.asked_with)
    taken = np.minimum(taken, case.budgets[point])
    failures, draws = looks(own.failed_at[rows], taken)
    a1, a2 = split_alpha(case.tally.n, TYPICAL_DRAWS, case.level)
    made = [
        certify_sequential(
            case.cache,
            failures=failures,
            draws=draws,
            a1=a1,
            a2=a2,
            sigma=case.tally.sigma,
            radius=radius,
        )
        for radius in (None, *own.reaches.tolist())
    ]
    whole = largest_proven(made)
    if not case.two_sided:
        return whole
    most, all_taken = case.budgets[point], own.taken[rows]
    return certify_steps(case, own.stepped, own.reaches, all_taken, most, whole)


def _seconds(case: Case, point: int) -> Floats:
    own, rows = counts_of(case), case.rows
    taken = np.minimum(own.taken[rows], case.budgets[point])
    if case.two_sided:
        more = more_draws(case, own.stepped, own.taken[rows], case.budgets[point])
        taken = taken + np.where(asked_in(case, own.reaches), more, 0)
    return times(own.seconds_per_draw[rows], taken)


def _anytime(case: Case) -> tuple[Ints, Ints]:
    own, rows = counts_of(case), case.rows
    taken = require_known(own.taken[rows], case.name, METHOD.title, METHOD.asked_with)
    failures, _ = looks(own.failed_at[rows], taken)
    return failures, np.concatenate([own.failed_looked[rows], own.looked[rows, None]], axis=1)


METHOD = MethodDef(
    name="seq",
    title="Seq",
    phrase="incremental, stops at a radius",
    sentence="Sequential incremental certification at a radius named beforehand: each input stops "
    "as soon as its answer is known.",
    asked_with="the method seq and a radius",
    style=Style("dashdot", "triangle-up", "mark"),
    order=4,
    standing=3,
    proven=lambda settings: settings.alpha + settings.alpha_zeta,
    stages=_stages,
    expected=_expected,
    certify=_certify,
    seconds=_seconds,
    reach=reach,
    counts=SeqTally,
    count=_count,
    anytime=_anytime,
    two_sided=True,
    price="what is lost",
    reused="At most a share of {lost} of the draws that the original answers with {tested} is "
    "lost, so P({tested}) is at least {bound}",
)
