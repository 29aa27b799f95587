"""The hot loop: one block of noise, one or several classifiers, class ids out."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Predictor
from irs_core.sampling.noise import Noise, noise_blocks, noisy
from irs_core.specs import NoiseSpec, Stream

# Values of noise held at once: 16 MB, whatever the images and the number of draws.
BLOCK_VALUES = 4_000_000
T = TypeVar("T")


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
    images: NDArray[np.float32] | NDArray[np.uint8],
    groups: Sequence[int],
    requests: Sequence[Request],
    *,
    noise: NoiseSpec,
    stream: Stream,
    chunk: int,
    start: int,
    stop: int,
    scale: int = 255,
    block: int | None = None,
) -> list[Sampled]:
    """Run every requested classifier on the same noise.

    The next block of noise is made while the classifiers run on the current one.

    Args:
        images: Inputs of one tile, (rows, channels, height, width): float32 pixels in [0, 1]
            for Gaussian noise, uint8 grid steps for integer noise.
        groups: Noise group of each row; neighbours with equal groups share noise.
        chunk, start, stop: Draws [start, stop) of that chunk.
        scale: The pixel value that means 1.0; matters to integer noise only.
        block: Draws held at once; None for as many as fit `BLOCK_VALUES`. Changes nothing else.

    Returns:
        One result per request, in order.
    """
    classes = [np.full((len(images), stop - start), -1, np.int64) for _ in requests]
    seconds = np.zeros(len(requests))
    wanted = np.flatnonzero(np.any([request.rows for request in requests], axis=0)).tolist()
    shape = images.shape[1:]
    window = {"start": start, "stop": stop}
    window["block"] = block or max(1, BLOCK_VALUES // int(np.prod(shape)))
    runs = [(group, list(rows)) for group, rows in groupby(wanted, key=lambda row: groups[row])]

    def blocks() -> Iterator[tuple[list[int], int, Noise]]:
        for group, rows in runs:
            at = 0
            for values in noise_blocks(
                noise, stream, group, chunk, shape=shape, scale=scale, **window
            ):
                yield rows, at, values
                at += len(values)

    for (rows, at, values), made in _prefetched(blocks()):
        seconds += made
        for row in rows:
            for steps, members in _by_form(requests, row, noise):
                clock = perf_counter()
                # Predictors that take whole steps say so, which no type can.
                inputs: Any = noisy(images[row], values, scale, steps=steps)
                seconds[members] += perf_counter() - clock
                for index in members:
                    clock = perf_counter()
                    classes[index][row, at : at + len(values)] = requests[index].predictor(inputs)
                    seconds[index] += perf_counter() - clock
    return [Sampled(found, float(spent)) for found, spent in zip(classes, seconds, strict=True)]


def _by_form(
    requests: Sequence[Request], row: int, noise: NoiseSpec
) -> Iterator[tuple[bool, list[int]]]:
    """Requests for a row by the form of input they take: whole grid steps, or float32."""
    wanted = [index for index, request in enumerate(requests) if request.rows[row]]
    whole = [
        index
        for index in wanted
        if noise.integer and getattr(requests[index].predictor, "takes_steps", False)
    ]
    for steps, members in ((False, [one for one in wanted if one not in whole]), (True, whole)):
        if members:
            yield steps, members


def _prefetched(items: Iterator[T]) -> Iterator[tuple[T, float]]:
    """The items, each made one step ahead in a thread, with the seconds that it took to make."""

    def make() -> tuple[T | None, float]:
        clock = perf_counter()
        return next(items, None), perf_counter() - clock

    with ThreadPoolExecutor(1) as pool:
        ahead: Future[tuple[T | None, float]] = pool.submit(make)
        while True:
            item, spent = ahead.result()
            if item is None:
                return
            ahead = pool.submit(make)
            yield item, spent
