"""How `seq` gets two-sided radii: inputs that the class alone cannot settle, step by step.

An input of which so few selection draws gave the candidate that a one-sided radius cannot reach the
study's least radius is asked with both bounds. Those need f^p's answers on all of the first draws,
not only on f's hits; the number of draws doubles until the input is answered, given up, or its
budget is spent. Bounds hold at every number of draws at once, so that none of these rules enters a
guarantee; which inputs are asked so is decided on selection draws alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr  # type: ignore[import-untyped, unused-ignore]

from irs_core.certify import (
    Cache,
    Certificates,
    Others,
    arrivals_upper,
    build_cache_from_hits,
    certify_sequential,
    few_selected,
    with_two_sided,
)
from irs_core.certify.two_sided import SHARE
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.counts import UNKNOWN, Floats, Ints, require_known
from irs_core.methods.kit.groups import arrival_counts, group_counts
from irs_core.methods.kit.method import TWO_SIDED_ASKED
from irs_core.methods.kit.observed import Observed, gaps_of
from irs_core.spec.study import StudySpec
from irs_core.stats import binomial_lower_bound, binomial_upper_bound, two_sided_radius
from irs_core.stats.budget import split_alpha

Bools = NDArray[np.bool_]
_FIRST = 60
# The split of the level is that for so many draws.
TYPICAL = 400


@dataclass(frozen=True, eq=False)
class Steps:
    """One compressed classifier after each step.

    Args:
        sizes: First draws of the stream, all of them answered, (steps,).
        hits, left: On how many of them f gave its candidate, and on how many of those f^p left it,
            (inputs, steps).
        arrivals: On how many f^p gave each group of classes and f did not, (inputs, steps,
            groups); UNKNOWN where some are not stored.
    """

    sizes: Ints
    hits: Ints
    left: Ints
    arrivals: NDArray[np.signedinteger]

    def known(self, most: int) -> Ints:
        """Steps of at most so many draws that are stored, from the first, (inputs,)."""
        within = (self.arrivals[:, :, 0] != UNKNOWN) & (self.sizes <= most)
        return np.asarray(np.cumprod(within, axis=1).sum(axis=1), np.int64)

    def drawn(self, known: Ints) -> Ints:
        """Draws of so many steps, (inputs,)."""
        return np.concatenate([[0], self.sizes])[known]


def step_sizes(most: int) -> Ints:
    """Numbers of draws, doubling up to `most`."""
    sizes = [_FIRST * 2**power for power in range(30) if _FIRST * 2**power < most]
    return np.asarray([*sizes, most], np.int64)


def asked_two_sided(selected: Ints, n0: int, reaches: Floats, sigma: float) -> Bools:
    """Inputs that are asked with both bounds, by their selection draws alone, (inputs,)."""
    if not len(reaches):
        return np.zeros(len(selected), np.bool_)
    return few_selected(selected, n0, min(SHARE, float(ndtr(reaches[0] / sigma))))


def count_steps(one: Observed) -> Steps:
    """Count what is stored; inputs are not chosen here."""
    sizes = step_sizes(one.spec.n_p[-1])
    width, original = int(sizes[-1]), one.original
    seen, candidate = one.read("estimate", width), original.candidate[:, None]
    hits = original.estimation[:, :width] == candidate
    left = hits & (seen != candidate) & ~gaps_of(seen)

    def up_to(flags: Bools) -> Ints:
        return np.cumsum(flags, axis=1, dtype=np.int64)[:, sizes - 1]

    arrivals = arrival_counts(original.groups, original.estimation, seen, sizes)
    return Steps(sizes, up_to(hits), up_to(left), arrivals)


def bounds_of(
    cache: Cache, others: Ints, steps: Steps, known: Ints, *, level: float, sigma: float
) -> tuple[Certificates, Others]:
    """The bound on the class and those on the others after so many steps, each at half a level.

    Args:
        others: How many of f's n draws gave each group, (inputs, groups).
        known: Steps that count, (inputs,).
    """
    at = np.minimum(np.arange(len(steps.sizes)), np.maximum(known - 1, 0)[:, None])
    some = (known > 0)[:, None]
    a1, a2 = split_alpha(cache.n, TYPICAL, level / 2)
    part = certify_sequential(
        cache,
        failures=np.where(some, np.take_along_axis(steps.left, at, axis=1), 0),
        draws=np.where(some, np.take_along_axis(steps.hits, at, axis=1), 0),
        a1=a1,
        a2=a2,
        sigma=sigma,
    )
    last = np.take_along_axis(steps.arrivals, at[:, -1:, None], axis=1)[:, 0]
    rest = arrivals_upper(
        others,
        cache.n,
        np.where(some, last, 0),
        steps.drawn(known),
        b1=a1,
        b2=a2,
        anytime=True,
    )
    return part, rest


@dataclass(frozen=True, eq=False)
class Stepped:
    """Where each input stands that is asked with both bounds; (inputs,).

    Args:
        steps: What is stored, of all inputs.
        known: Steps after which it is answered, given up, or has to be drawn.
        further: Draws still to be made; 0 where none are.
    """

    steps: Steps
    known: Ints
    further: Ints


def nothing_stepped(inputs: int) -> Stepped:
    """Of a study that names no radius."""
    none = np.zeros((inputs, 0), np.int64)
    nothing = np.zeros(inputs, np.int64)
    return Stepped(Steps(nothing[:0], none, none, none[:, :, None]), nothing, nothing)


def walk_steps(one: Observed, reaches: Floats) -> Stepped:
    """Go on with every input until it is answered, given up, or has to be drawn."""
    spec, original, steps = one.spec, one.original, count_steps(one)
    rows = asked_two_sided(original.selected, spec.n0, reaches, spec.noise.sigma)
    open_ = rows & original.reported
    known, stored = np.zeros(len(rows), np.int64), steps.known(spec.n_p[-1])
    further = known
    if not open_.any():
        return Stepped(steps, known, further)
    cache, others = _of_original(one)
    while True:
        going = open_ & (known < len(steps.sizes))
        going &= _worth_more(cache, others, steps, known, reaches, one.spec)
        further = np.where(going & (known >= stored), steps.drawn(known + going), 0)
        open_ = going & (known < stored)
        if not open_.any():
            return Stepped(steps, known, further)
        known = known + open_


def _of_original(one: Observed) -> tuple[Cache, Ints]:
    spec, original = one.spec, one.original
    hits = np.count_nonzero(original.estimation == original.candidate[:, None], axis=1)
    level = (spec.alpha + spec.alpha_zeta) / 2
    cache = build_cache_from_hits(original.candidate, hits, n0=spec.n0, n=spec.n, alpha=level)
    others = group_counts(original.groups, original.estimation, np.array([spec.n]))[:, 0]
    return cache, others


def _worth_more(
    cache: Cache, others: Ints, steps: Steps, known: Ints, reaches: Floats, spec: StudySpec
) -> Bools:
    """Inputs of which a radius is open and within reach."""
    level, sigma = spec.alpha + spec.alpha_zeta, spec.noise.sigma
    part, rest = bounds_of(cache, others, steps, known, level=level, sigma=sigma)
    upper = np.minimum(rest.upper, 1 - part.p_lower)
    proven = two_sided_radius(part.p_lower, upper, sigma)
    possible = _hoped(cache, others, steps, known, level, sigma)
    worth = (proven[:, None] < reaches) & (possible[:, None] >= reaches)
    return np.asarray(worth.any(axis=1))


def _hoped(
    cache: Cache, others: Ints, steps: Steps, known: Ints, level: float, sigma: float
) -> Floats:
    """Radii if f^p went on as so far for ever; without draws, if it were f."""
    a1, _ = split_alpha(cache.n, TYPICAL, level / 2)
    rows, at = np.arange(len(known)), np.maximum(known - 1, 0)
    some = known > 0
    hits, drawn = np.maximum(steps.hits[rows, at], 1), np.maximum(steps.drawn(known), 1)
    left = np.where(some, steps.left[rows, at] / hits, 0.0)
    moved = np.where(some[:, None], steps.arrivals[rows, at] / drawn[:, None], 0.0)
    low = binomial_lower_bound(cache.agree_counts, cache.n, a1) * (1 - left)
    high = (binomial_upper_bound(others, cache.n, a1) + moved).max(axis=1)
    return two_sided_radius(low, np.minimum(high, 1 - low), sigma)


def asked_in(case: Case, reaches: Floats) -> Bools:
    """Inputs in view that are asked with both bounds."""
    tally = case.tally
    return asked_two_sided(tally.base.selected[case.rows], tally.n0, reaches, tally.sigma)


def more_draws(case: Case, own: Stepped, taken: Ints, most: int) -> Ints:
    """Draws of the steps that a budget allows, less those among so many hits that are counted."""
    steps, known = _in_view(case, own, most)
    rows, at = np.arange(len(known)), np.maximum(known - 1, 0)
    hits = np.where(known > 0, steps.hits[rows, at], 0)
    return np.asarray(steps.drawn(known) - np.minimum(np.minimum(taken, most), hits))


def certify_steps(
    case: Case, own: Stepped, reaches: Floats, taken: Ints, most: int, whole: Certificates
) -> Certificates:
    """The certificates with two-sided radii on the inputs that are asked so.

    Args:
        taken: Hits of f on which f^p was run for `whole`, (inputs in view,).
        most: Draws that an input may take.

    Raises:
        MissingEvidenceError: An input needs draws and has none.
    """
    asked, rows, tally = asked_in(case, reaches), case.rows, case.tally
    missing = asked & (own.further[rows] > 0) & (own.known[rows] == 0)
    require_known(
        np.where(missing, UNKNOWN, 0), case.name, "two-sided radii of Seq", TWO_SIDED_ASKED
    )
    steps, known = _in_view(case, own, most)
    others, level, sigma = tally.base.others[rows], case.level, tally.sigma
    part, rest = bounds_of(case.cache, others, steps, known, level=level, sigma=sigma)
    more = more_draws(case, own, taken, most)
    return with_two_sided(whole, part, rest, asked, more_samples=more)


def _in_view(case: Case, own: Stepped, most: int) -> tuple[Steps, Ints]:
    rows, every = case.rows, own.steps
    steps = Steps(every.sizes, every.hits[rows], every.left[rows], every.arrivals[rows])
    return steps, np.minimum(own.known[rows], steps.known(most))
