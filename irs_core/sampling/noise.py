"""Noise as a function of (seed, stream, group, draw) and of nothing else."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.sampling.bookmarks import MARK_DRAWS, Bookmarks
from irs_core.sampling.counter_noise import CounterNoise
from irs_core.sampling.integer_noise import integer_law
from irs_core.spec.study import STREAMS, NoiseSpec, Stream
from irs_core.store.evidence import CHUNK_DRAWS

# float32 in pixel units, or int16 in steps of the pixel grid.
Noise = NDArray[np.float32] | NDArray[np.int16]


def chunk_generator(
    noise: NoiseSpec, stream: Stream, group: int, chunk: int
) -> np.random.Generator:
    """The generator of one chunk's noise, independent of every other chunk's.

    SFC64 because it is the fastest of numpy's generators that are equal on every platform.
    """
    key = (STREAMS.index(stream), group, chunk)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(noise.seed, spawn_key=key)))


def noise_blocks(
    noise: NoiseSpec,
    stream: Stream,
    group: int,
    chunk: int,
    *,
    shape: tuple[int, ...],
    scale: int = 255,
    start: int = 0,
    stop: int = CHUNK_DRAWS,
    block: int = 256,
    marks: Bookmarks | None = None,
) -> Iterator[Noise]:
    """Draws [start, stop) of one chunk, in blocks of at most `block` draws.

    A draw's values do not depend on `block`, `start`, `stop` or `marks`. Under the generator sfc64
    the chunk is one sequential stream, and what comes before `start` is generated and dropped.

    Args:
        group: Index of the input group that shares the noise.
        shape: Shape of one input, (channels, height, width).
        scale: The pixel value that means 1.0; only integer noise depends on it.
        marks: Where generation may go on, and where places are kept for the next time; not used
            by philox, which begins anywhere.

    Yields:
        Arrays (draws, *shape): float32 in pixel units for Gaussian noise, int16 in grid steps
        (1/scale) for integer noise.

    Raises:
        SpecError: Integer noise is too wide; see `integer_law`.
    """
    if noise.generator == "philox":
        every = np.ones(stop - start, np.bool_)
        found = _by_counter(noise, stream, group, chunk, shape, scale, start, every, block)
        yield from (values for _, values in found)
        return
    generator = chunk_generator(noise, stream, group, chunk)
    fill = _filling(noise, scale, generator)
    key = (noise.seed, noise.kind, stream, group, chunk, shape)
    at = 0 if marks is None else marks.resume(key, start, generator)
    while at < stop:
        count = min(block, (start if at < start else stop) - at)
        values = np.empty((count, *shape), np.int16 if noise.integer else np.float32)
        for first, last in _pieces(at, at + count, marks):
            fill(values[first - at : last - at])
            if marks is not None and last % MARK_DRAWS == 0 and last < CHUNK_DRAWS:
                marks.keep(key, last, generator)
        if at >= start:
            yield values
        at += count


def pilot_copies(
    noise: NoiseSpec, image: NDArray[np.float32], row: int, draws: int
) -> NDArray[np.float32]:
    """Noisy copies of an input from the stream that no certificate uses, (draws, C, H, W).

    Args:
        image: The input, in [0, 1], (C, H, W).
        row: Its number, by which copies of different inputs differ.
    """
    blocks = noise_blocks(noise, "pilot", row, 0, shape=image.shape, stop=draws)
    return np.concatenate([image + values for values in blocks])


def chosen_blocks(
    noise: NoiseSpec,
    stream: Stream,
    group: int,
    chunk: int,
    wanted: NDArray[np.bool_],
    *,
    shape: tuple[int, ...],
    scale: int = 255,
    start: int = 0,
    block: int = 256,
    marks: Bookmarks | None = None,
) -> Iterator[tuple[NDArray[np.intp], Noise]]:
    """Some draws of one chunk, in blocks of at most `block` draws; see `noise_blocks`.

    Args:
        wanted: Which of the draws from `start` on.

    Yields:
        Places among `wanted`, (draws,), and the noise there, (draws, *shape). Under the generator
        sfc64 also draws between wanted ones, which cost nothing more.
    """
    if noise.generator == "philox":
        yield from _by_counter(noise, stream, group, chunk, shape, scale, start, wanted, block)
        return
    places = wanted.nonzero()[0]
    at = int(places.min(initial=len(wanted)))
    for values in noise_blocks(
        noise,
        stream,
        group,
        chunk,
        shape=shape,
        start=start + at,
        stop=start + int(places.max(initial=-1)) + 1,
        block=block,
        scale=scale,
        marks=marks,
    ):
        yield np.arange(at, at + len(values)), values
        at += len(values)


def _by_counter(
    noise: NoiseSpec,
    stream: Stream,
    group: int,
    chunk: int,
    shape: tuple[int, ...],
    scale: int,
    start: int,
    wanted: NDArray[np.bool_],
    block: int,
) -> Iterator[tuple[NDArray[np.intp], Noise]]:
    places = wanted.nonzero()[0]
    source = CounterNoise(noise, stream, group, shape, scale)
    for first in range(0, len(places), block):
        part = places[first : first + block]
        yield part, source.draws(chunk * CHUNK_DRAWS + start + part)


def _pieces(start: int, stop: int, marks: Bookmarks | None) -> Iterator[tuple[int, int]]:
    """Draws [start, stop), cut where places are kept."""
    if marks is None:
        yield start, stop
        return
    edges = range(start - start % MARK_DRAWS + MARK_DRAWS, stop, MARK_DRAWS)
    yield from pairwise([start, *edges, stop])


def noisy(
    image: NDArray[np.generic], values: Noise, scale: int, *, steps: bool
) -> NDArray[np.float32] | NDArray[np.int16]:
    """An image under noise, (draws, channels, height, width).

    Args:
        image: float32 in [0, 1] for Gaussian noise; whole grid steps (uint8) for integer noise.
        scale: The pixel value that means 1.0.
        steps: Give whole grid steps, int16, instead of float32 pixel units; integer noise only.
    """
    if values.dtype == np.float32:
        return np.asarray(np.add(image, values, dtype=np.float32))
    grid: NDArray[np.int16] = np.asarray(np.add(image, values, dtype=np.int16))
    if steps:
        return grid
    # As `Dataset.images` does it, so that no noise gives the image itself.
    return np.asarray(np.divide(grid, np.float32(scale), dtype=np.float32))


def _filling(
    noise: NoiseSpec, scale: int, generator: np.random.Generator
) -> Callable[[NDArray[Any]], None]:
    """Fills an array of the noise's type with the next draws."""
    if noise.integer:
        law = integer_law(noise.kind, noise.sigma, scale)

        def integer(values: NDArray[Any]) -> None:
            values[...] = law.draw(generator, values.size).reshape(values.shape)

        return integer
    sigma = np.float32(noise.sigma)

    def normal(values: NDArray[Any]) -> None:
        generator.standard_normal(dtype=np.float32, out=values)
        values *= sigma

    return normal
