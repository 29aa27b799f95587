"""What a study still needs, in units of work. Free of torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.specs import Stream, StudySpec
from irs_core.store import BASE, CHUNK_DRAWS, ChunkId, EvidenceArray


@dataclass(frozen=True)
class Need:
    """Draws that one classifier must have on one stream.

    Args:
        name: The classifier's name in the study.
        rows: Inputs that need them, (inputs,).
    """

    name: str
    stream: Stream
    draws: int
    array: EvidenceArray
    rows: NDArray[np.bool_]


@dataclass(frozen=True)
class Unit:
    """One chunk of one stream for all classifiers that lack it: draws [start, stop) of the chunk.

    Args:
        rows: Per need, which rows of the tile lack predictions.
    """

    stream: Stream
    at: ChunkId
    start: int
    stop: int
    needs: tuple[Need, ...]
    rows: tuple[NDArray[np.bool_], ...]

    @property
    def draws(self) -> int:
        """Predictions that this unit computes."""
        return (self.stop - self.start) * sum(int(rows.sum()) for rows in self.rows)


def stream_draws(spec: StudySpec) -> Iterator[tuple[str, Stream, int]]:
    """Classifier, stream and draws per input of everything that a study computes.

    Without the baseline an input draws f^p on `estimate` or on `scratch-estimate`, by its branch;
    it is counted once, under `estimate`.
    """
    yield BASE, "select", spec.n0
    yield BASE, "estimate", spec.n
    for compression in spec.compressions:
        yield str(compression), "estimate", spec.n_p[-1]
        if spec.baseline:
            yield str(compression), "scratch-estimate", spec.n_p[-1]
            yield str(compression), "scratch-select", spec.n0


def study_draws(spec: StudySpec, inputs: int) -> int:
    """Forward passes that a study takes when nothing is stored."""
    return inputs * sum(draws for _, _, draws in stream_draws(spec))


def plan_units(needs: Sequence[Need]) -> Iterator[Unit]:
    """Units that fill what is missing, stream by stream, chunk by chunk.

    Classifiers that lack the same chunk of a stream share a unit, so its noise is made once.
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
    lacking, gaps, start, stop = [], [], CHUNK_DRAWS, 0
    for need in wanted:
        right = min(CHUNK_DRAWS, need.draws - at.chunk * CHUNK_DRAWS)
        rows = need.rows[need.array.rows(at.tile)]
        if right <= 0 or not rows.any():
            continue
        stored = need.array.read_chunk(at)[:, :right]
        empty = (stored == need.array.missing) & rows[:, None]
        if empty.any():
            lacking.append(need)
            gaps.append(empty.any(axis=1))
            start = min(start, int(np.argmax(empty.any(axis=0))))
            stop = max(stop, right)
    return (
        Unit(
            at=at,
            stream=wanted[0].stream,
            start=start,
            stop=stop,
            needs=tuple(lacking),
            rows=tuple(gaps),
        )
        if lacking
        else None
    )
