"""Noise as a function of (seed, stream, group, chunk) and of nothing else."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from irs_core.specs import STREAMS, NoiseSpec, Stream
from irs_core.store.evidence import CHUNK_DRAWS


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
    start: int = 0,
    stop: int = CHUNK_DRAWS,
    block: int = 256,
) -> Iterator[NDArray[np.float32]]:
    """Draws [start, stop) of one chunk, in blocks of at most `block` draws.

    A draw's values do not depend on `block`, `start` or `stop`: the chunk is one sequential
    stream, and what comes before `start` is generated and dropped.

    Args:
        group: Index of the input group that shares the noise.
        shape: Shape of one input, (channels, height, width).

    Yields:
        float32 arrays (draws, *shape), mean 0 and standard deviation sigma.
    """
    generator = chunk_generator(noise, stream, group, chunk)
    sigma = np.float32(noise.sigma)
    at = 0
    while at < stop:
        count = min(block, (start if at < start else stop) - at)
        values = generator.standard_normal((count, *shape), dtype=np.float32)
        if at >= start:
            values *= sigma
            yield values
        at += count
