"""The hot loop: one chunk of noise, one or several classifiers, class ids out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from irs_core.backends.base import Predictor
from irs_core.sampling.noise import noise_blocks
from irs_core.specs import NoiseSpec, Stream


@dataclass(frozen=True)
class Request:
    """One classifier's part of a unit: which rows it still needs."""

    predictor: Predictor
    rows: NDArray[np.bool_]


@dataclass(frozen=True)
class Sampled:
    """What one classifier predicted, and what that cost.

    Args:
        classes: int64 (rows, draws); -1 on rows that were not asked for.
        seconds: Its own inference plus all of the noise, as if it had run alone.
    """

    classes: NDArray[np.int64]
    seconds: float


def sample(
    images: NDArray[np.float32],
    groups: Sequence[int],
    requests: Sequence[Request],
    *,
    noise: NoiseSpec,
    stream: Stream,
    chunk: int,
    start: int,
    stop: int,
    batch: int | None = None,
) -> list[Sampled]:
    """Run every requested classifier on the same noise.

    Args:
        images: Inputs of one tile, (rows, channels, height, width), pixels in [0, 1].
        groups: Noise group of each row; neighbours with equal groups share noise.
        chunk, start, stop: Draws [start, stop) of that chunk.
        batch: Draws per call; None lets each backend choose. Never changes the noise.

    Returns:
        One result per request, in order.
    """
    classes = [np.full((len(images), stop - start), -1, np.int64) for _ in requests]
    seconds = [0.0 for _ in requests]
    wanted = np.any([request.rows for request in requests], axis=0)
    block = batch or min(request.predictor.batch for request in requests)
    for group, members in groupby(np.flatnonzero(wanted), key=lambda row: groups[int(row)]):
        rows = list(members)
        column = 0
        clock = perf_counter()
        for values in noise_blocks(
            noise, stream, group, chunk, shape=images.shape[1:], start=start, stop=stop, block=block
        ):
            shared = perf_counter() - clock
            for row in rows:
                clock = perf_counter()
                noisy = images[row] + values
                shared += perf_counter() - clock
                for index, request in enumerate(requests):
                    if not request.rows[row]:
                        continue
                    clock = perf_counter()
                    classes[index][row, column : column + len(values)] = request.predictor(noisy)
                    seconds[index] += perf_counter() - clock
            column += len(values)
            seconds = [spent + shared for spent in seconds]
            clock = perf_counter()
    return [Sampled(found, spent) for found, spent in zip(classes, seconds, strict=True)]
