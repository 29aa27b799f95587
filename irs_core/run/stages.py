"""What a study computes, stage by stage; a stage may depend on what earlier ones found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.tally import observe, read_original
from irs_core.methods.kit.observed import Observed, Original, Wish
from irs_core.methods.kit.seq_original import original_round
from irs_core.run.plan import Need
from irs_core.spec.study import Stream, StudySpec
from irs_core.store import BASE, CHUNK_DRAWS, ChunkId, EvidenceArray

Ints = NDArray[np.int64]
_Kind = tuple[str, Stream, bool]


@dataclass(frozen=True)
class Runnable:
    """A classifier of a study with its evidence arrays, by stream."""

    name: str
    arrays: Mapping[Stream, EvidenceArray]


def base_stage(spec: StudySpec, base: Runnable, inputs: int) -> list[Need]:
    """All that the base classifier needs; its selection draws alone where it stops by itself."""
    every = np.ones(inputs, np.bool_)
    selection = Need(BASE, "select", spec.n0, base.arrays["select"], every)
    if spec.original_stops:
        return [selection]
    return [selection, Need(BASE, "estimate", spec.n, base.arrays["estimate"], every)]


def original_stages(
    spec: StudySpec, base: Runnable, reported: NDArray[np.bool_]
) -> Iterator[list[Need]]:
    """Needs of an original that stops by itself, round by round; none for any other.

    Each stage must be filled before the next is asked for: the stored draws alone decide it.
    """
    while spec.original_stops:
        draws = original_round(spec, read_original(spec, base.arrays, reported))
        if not draws.any():
            return
        yield [_prefix_need(BASE, "estimate", draws, base.arrays["estimate"])]


def compressed_stages(
    spec: StudySpec, runnables: Sequence[Runnable], reported: NDArray[np.bool_]
) -> Iterator[list[Need]]:
    """Needs of the compressed classifiers; each stage must be filled before the next is asked for.

    The first stages of all methods make one, so that they share draws, and so on.

    Args:
        runnables: The base classifier, whose stage is filled, then the compressed ones.
    """
    original, observed = _observed(spec, runnables, reported)
    asked = [method.stages(observed) for method in methods.asked(spec)]
    for stage in zip_longest(*asked, fillvalue=()):
        yield _needs([wish for wishes in stage for wish in wishes], runnables, original)


def pilot_stage(
    spec: StudySpec, runnables: Sequence[Runnable], reported: NDArray[np.bool_]
) -> list[Need]:
    """The draws from which methods plan."""
    original, observed = _observed(spec, runnables, reported)
    planning = [method.stages(observed) for method in methods.asked(spec) if method.plans]
    return _needs([wish for stages in planning for wish in next(stages)], runnables, original)


def _observed(
    spec: StudySpec, runnables: Sequence[Runnable], reported: NDArray[np.bool_]
) -> tuple[Original, list[Observed]]:
    original = read_original(spec, runnables[0].arrays, reported)
    return original, [observe(spec, original, one.name, one.arrays) for one in runnables[1:]]


def _needs(wishes: Sequence[Wish], runnables: Sequence[Runnable], original: Original) -> list[Need]:
    """Needs that fulfil all wishes, one for each classifier, stream and kind of draws."""
    arrays = {one.name: one.arrays for one in runnables}
    wanted = dict[_Kind, Ints]()
    for wish in wishes:
        kind = (wish.name, wish.stream, wish.hits)
        wanted[kind] = np.maximum(wanted.get(kind, 0), wish.draws)
    found = []
    for (name, stream, hits), draws in wanted.items():
        if draws.any():
            make = _hits_need(runnables[0], original, draws) if hits else _prefix_need
            found.append(make(name, stream, draws, arrays[name][stream]))
    return found


def _prefix_need(name: str, stream: Stream, draws: Ints, array: EvidenceArray) -> Need:
    """The first draws of each input, as many as it needs."""
    rows, most = draws > 0, int(draws.max())
    if (draws[rows] == most).all():
        return Need(name, stream, most, array, rows)

    def chosen(at: ChunkId) -> NDArray[np.bool_]:
        return _columns(at) < draws[array.rows(at.tile), None]

    return Need(name, stream, most, array, rows, chosen)


def _columns(at: ChunkId) -> Ints:
    return np.arange(at.chunk * CHUNK_DRAWS, (at.chunk + 1) * CHUNK_DRAWS)[None, :]


def _hits_need(
    base: Runnable, original: Original, wanted: Ints
) -> Callable[[str, Stream, Ints, EvidenceArray], Need]:
    """The first draws of each input on which f gave its candidate, as many as it needs."""
    candidate, estimate = original.candidate, base.arrays["estimate"]
    stops = _stops(original.estimation == candidate[:, None], wanted)

    def make(name: str, stream: Stream, draws: Ints, array: EvidenceArray) -> Need:
        def chosen(at: ChunkId) -> NDArray[np.bool_]:
            rows = estimate.rows(at.tile)
            hits = estimate.read_chunk(at) == candidate[rows, None]
            return np.asarray(hits & (_columns(at) < stops[rows, None]))

        return Need(name, stream, int(stops.max()), array, draws > 0, chosen)

    return make


def _stops(hits: NDArray[np.bool_], wanted: Ints) -> Ints:
    """Draws to go through, from the first, until each input has its hits."""
    enough = np.cumsum(hits, axis=1, dtype=np.int32) >= wanted[:, None]
    return np.where(wanted > 0, enough.argmax(axis=1) + 1, 0)
