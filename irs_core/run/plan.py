"""What a study still needs, in units of work. Free of torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.methods.kit.seq_original import EXPECTED_ALONE
from irs_core.run.options import Until
from irs_core.spec.study import STREAMS, Stream, StudySpec
from irs_core.store import BASE, CHUNK_DRAWS, ChunkId, EvidenceArray


@dataclass(frozen=True)
class Need:
    """Draws that one classifier must have on one stream.

    Args:
        name: The classifier's name in the study.
        rows: Inputs that need them, (inputs,).
        chosen: Which draws of a chunk they need, (rows of the tile, CHUNK_DRAWS); None for all
            of the first `draws`.
    """

    name: str
    stream: Stream
    draws: int
    array: EvidenceArray
    rows: NDArray[np.bool_]
    chosen: Callable[[ChunkId], NDArray[np.bool_]] | None = None

    @property
    def predictions(self) -> int:
        """All that are needed, stored or not."""
        if self.chosen is None:
            return self.draws * int(self.rows.sum())
        chunks = range(-(-self.draws // CHUNK_DRAWS))
        places = (ChunkId(tile, at) for tile in range(self.array.n_tiles) for at in chunks)
        return sum(int(self.chosen(at).sum()) for at in places)


@dataclass(frozen=True)
class Unit:
    """One chunk of one stream for all classifiers that miss it: draws [start, stop) of the chunk.

    Args:
        rows: Per need, which rows of the tile miss predictions.
        masks: Per need, which draws [start, stop) of each row are wanted; None for all.
    """

    stream: Stream
    at: ChunkId
    start: int
    stop: int
    needs: tuple[Need, ...]
    rows: tuple[NDArray[np.bool_], ...]
    masks: tuple[NDArray[np.bool_] | None, ...]

    @property
    def draws(self) -> int:
        """Predictions that this unit computes."""
        return sum(self.draws_by_need)

    @property
    def draws_by_need(self) -> tuple[int, ...]:
        """Predictions that this unit computes, per need."""
        width = self.stop - self.start
        return tuple(
            width * int(rows.sum()) if mask is None else int(mask.sum())
            for rows, mask in zip(self.rows, self.masks, strict=True)
        )


def expected_draws(spec: StudySpec, until: Until = "end") -> Iterator[tuple[str, Stream, int]]:
    """Classifier, stream and draws per input of everything that a study computes.

    Methods share fresh draws; on the draws of f each is counted in full, though another may have
    drawn some of it already. Without the baseline IRS draws on either of two streams, by its
    branch, and is counted once, under `estimate`.

    Args:
        until: `pilot` leaves out what follows the pilot.
    """
    yield BASE, "select", spec.n0
    yield BASE, "estimate", min(spec.n, EXPECTED_ALONE) if spec.original_stops else spec.n
    for compression in map(str, spec.compressions):
        for stream, draws in _compressed_draws(spec, until).items():
            yield compression, stream, draws


def _compressed_draws(spec: StudySpec, until: Until) -> Mapping[Stream, int]:
    total = dict[Stream, int]()
    for method in methods.asked(spec):
        wanted = method.expected(spec)
        if until == "pilot":
            pilot = method.extra_streams if method.plans else ()
            wanted = {stream: draws for stream, draws in wanted.items() if stream in pilot}
        for stream, draws in wanted.items():
            before = total.get(stream, 0)
            both = before + draws if stream == "estimate" else max(before, draws)
            total[stream] = min(spec.n, both) if stream == "estimate" else both
    order = {stream: place for place, stream in enumerate(STREAMS)}
    return dict(sorted(total.items(), key=lambda one: order[one[0]]))


def study_draws(spec: StudySpec, inputs: int) -> int:
    """Forward passes that a study takes when nothing is stored."""
    return inputs * sum(draws for _, _, draws in expected_draws(spec))


def plan_units(needs: Sequence[Need]) -> Iterator[Unit]:
    """Units that fill what is missing, stream by stream, chunk by chunk.

    Classifiers that miss the same chunk of a stream share a unit, so its noise is made once.
    """
    streams = dict.fromkeys(need.stream for need in needs)
    for stream in streams:
        wanted = [need for need in needs if need.stream == stream]
        for chunk in range(-(-max(need.draws for need in wanted) // CHUNK_DRAWS)):
            for tile in range(wanted[0].array.n_tiles):
                unit = _unit(wanted, ChunkId(tile, chunk))
                if unit is not None:
                    yield unit


def _unit(wanted: Sequence[Need], at: ChunkId) -> Unit | None:
    lacking, gaps, start, stop = list[Need](), [], CHUNK_DRAWS, 0
    for need in wanted:
        right = min(CHUNK_DRAWS, need.draws - at.chunk * CHUNK_DRAWS)
        rows = need.rows[need.array.rows(at.tile)]
        if right <= 0 or not rows.any():
            continue
        stored = need.array.read_chunk(at)[:, :right]
        empty = (stored == need.array.missing) & rows[:, None]
        if need.chosen is not None:
            empty &= need.chosen(at)[:, :right]
        if empty.any():
            lacking.append(need)
            gaps.append(empty)
            start = min(start, int(np.argmax(empty.any(axis=0))))
            stop = max(stop, right)
    return (
        Unit(
            at=at,
            stream=wanted[0].stream,
            start=start,
            stop=stop,
            needs=tuple(lacking),
            rows=tuple(empty.any(axis=1) for empty in gaps),
            masks=tuple(
                None if need.chosen is None else _widened(empty, stop)[:, start:]
                for need, empty in zip(lacking, gaps, strict=True)
            ),
        )
        if lacking
        else None
    )


def _widened(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    return np.pad(mask, ((0, 0), (0, max(0, width - mask.shape[1]))))[:, :width]
