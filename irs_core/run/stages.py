"""What a study computes, stage by stage; a stage may depend on what earlier ones found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.tally import count_classes, iss_sizes
from irs_core.certify import build_cache
from irs_core.methods.cirs_plan import CirsPlan, cached_counts, study_planner, study_plans
from irs_core.methods.draws import pilot_draws, reach
from irs_core.run.plan import Need
from irs_core.spec.study import Stream, StudySpec
from irs_core.store import BASE, CHUNK_DRAWS, ChunkId, EvidenceArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Runnable:
    """A classifier of a study with its evidence arrays, by stream."""

    name: str
    arrays: Mapping[Stream, EvidenceArray]


def base_stage(spec: StudySpec, base: Runnable, inputs: int) -> list[Need]:
    """All that the base classifier needs."""
    every = np.ones(inputs, np.bool_)
    return [
        Need(BASE, "select", spec.n0, base.arrays["select"], every),
        Need(BASE, "estimate", spec.n, base.arrays["estimate"], every),
    ]


def compressed_stages(
    spec: StudySpec, runnables: Sequence[Runnable], reported: NDArray[np.bool_]
) -> Iterator[list[Need]]:
    """Needs of the compressed classifiers; each stage must be filled before the next is asked for.

    Args:
        runnables: The base classifier, whose stage is filled, then the compressed ones.
    """
    yield _prefixes(spec, runnables, len(reported))
    if "iss" in spec.methods and not spec.baseline:
        yield [_iss_need(spec, one, reported) for one in runnables[1:]]
    if "cirs" in spec.methods:
        yield pilot_stage(spec, runnables, reported)
        yield from _cirs_rounds(spec, runnables, reported)


def pilot_stage(
    spec: StudySpec, runnables: Sequence[Runnable], reported: NDArray[np.bool_]
) -> list[Need]:
    """The draws from which CIRS plans."""
    drawn = pilot_draws(spec)
    return [
        Need(one.name, "select", drawn, one.arrays["select"], reported) for one in runnables[1:]
    ]


def _prefixes(spec: StudySpec, runnables: Sequence[Runnable], inputs: int) -> list[Need]:
    """The first n_p draws of IRS and of the baseline, and selection draws from scratch."""
    every, none = np.ones(inputs, np.bool_), np.zeros(inputs, np.bool_)
    paired = every if "irs" in spec.methods else none
    fresh = every if spec.baseline else none
    if "irs" in spec.methods and not spec.baseline:
        # Without the baseline, each input needs only the draws of its own branch.
        direct = _direct_branch(spec, runnables[0])
        paired, fresh = ~direct, direct
    needs = []
    wanted: tuple[tuple[Stream, NDArray[np.bool_]], ...] = (
        ("estimate", paired),
        ("scratch-estimate", fresh),
    )
    for one in runnables[1:]:
        for stream, rows in wanted:
            needs.append(Need(one.name, stream, spec.n_p[-1], one.arrays[stream], rows))
        if spec.baseline or "iss" in spec.methods:
            needs.append(
                Need(one.name, "scratch-select", spec.n0, one.arrays["scratch-select"], every)
            )
    return [need for need in needs if need.rows.any()]


def _direct_branch(spec: StudySpec, base: Runnable) -> NDArray[np.bool_]:
    selection = base.arrays["select"].read_complete(spec.n0)
    estimation = base.arrays["estimate"].read_complete(spec.n)
    classes = 1 + int(max(selection.max(), estimation.max()))
    cache = build_cache(
        count_classes(selection, classes),
        count_classes(estimation, classes),
        n0=spec.n0,
        n=spec.n,
        alpha=spec.alpha,
    )
    return np.asarray(cache.p_lower >= spec.gamma)


def _iss_need(spec: StudySpec, one: Runnable, reported: NDArray[np.bool_]) -> Need:
    """Each input's own number of fresh draws, from f^p's selection draws."""
    selected = one.arrays["scratch-select"].read_complete(spec.n0)
    top = count_classes(selected, 1 + int(selected.max())).max(axis=1)
    sizes = np.where(reported, iss_sizes(spec, top).max(axis=1), 0)
    return _prefix_need(one, "scratch-estimate", sizes)


def _prefix_need(one: Runnable, stream: Stream, draws: Ints) -> Need:
    array = one.arrays[stream]

    def chosen(at: ChunkId) -> NDArray[np.bool_]:
        return _columns(at) < draws[array.rows(at.tile), None]

    return Need(one.name, stream, int(draws.max()), array, draws > 0, chosen)


def _columns(at: ChunkId) -> Ints:
    return np.arange(at.chunk * CHUNK_DRAWS, (at.chunk + 1) * CHUNK_DRAWS)[None, :]


def _cirs_rounds(
    spec: StudySpec, runnables: Sequence[Runnable], reported: NDArray[np.bool_]
) -> Iterator[list[Need]]:
    """One round per budget, the smallest first, so that each can be looked at when it is done."""
    base = runnables[0].arrays
    selection = base["select"].read_complete(spec.n0)
    estimation = base["estimate"].read_complete(spec.n)
    candidate = count_classes(selection, 1 + int(selection.max())).argmax(axis=1)
    hits = estimation[:, : reach(spec)] == candidate[:, None]
    plans = [
        study_plans(
            study_planner(
                spec,
                cached_counts(
                    spec,
                    candidate=candidate,
                    selection=selection,
                    estimation=estimation,
                    pilot=one.arrays["select"].read(pilot_draws(spec)),
                    reported=reported,
                ),
            ),
            spec,
        )
        for one in runnables[1:]
    ]
    hit_masks = _hit_masks(base["estimate"], candidate)
    for budget in range(len(plans[0]) if plans else 0):
        needs = []
        for one, made in zip(runnables[1:], plans, strict=True):
            needs += _round_needs(one, made[budget], hits, hit_masks)
        yield needs


def _hit_masks(estimate: EvidenceArray, candidate: Ints) -> Callable[[ChunkId], NDArray[np.bool_]]:
    def hits(at: ChunkId) -> NDArray[np.bool_]:
        found = estimate.read_chunk(at) == candidate[estimate.rows(at.tile), None]
        return np.asarray(found)

    return hits


def _round_needs(
    one: Runnable,
    plan: CirsPlan,
    hits: NDArray[np.bool_],
    hit_masks: Callable[[ChunkId], NDArray[np.bool_]],
) -> list[Need]:
    """Fresh draws of the direct inputs, and the first hits of the others."""
    needs = []
    direct = np.where(plan.direct, plan.draws, 0)
    if direct.any():
        needs.append(_prefix_need(one, "scratch-estimate", direct))
    wanted = np.where(plan.direct, 0, plan.draws)
    if wanted.any():
        stops = _stops(hits, wanted)
        prefix = _prefix_need(one, "estimate", stops)
        assert prefix.chosen is not None
        before = prefix.chosen

        def chosen(at: ChunkId) -> NDArray[np.bool_]:
            return before(at) & hit_masks(at)

        needs.append(Need(one.name, "estimate", prefix.draws, prefix.array, prefix.rows, chosen))
    return needs


def _stops(hits: NDArray[np.bool_], wanted: Ints) -> Ints:
    """Draws to go through, from the first, until each input has so many hits."""
    enough = np.cumsum(hits, axis=1, dtype=np.int32) >= wanted[:, None]
    return np.where(wanted > 0, enough.argmax(axis=1) + 1, 0)
