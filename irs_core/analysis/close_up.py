"""One input at close range: its stored answers draw by draw, and the noise that it was shown.

The only reader of single predictions besides counting; everything else works on counts.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.data import Dataset
from irs_core.spec.study import Stream, StudySpec
from irs_core.store import CHUNK_DRAWS, ChunkId, DataRecord, EvidenceArray
from irs_core.store.evidence import Predictions


def read_answers(array: EvidenceArray, row: int, draws: int) -> Predictions:
    """The stored class of each of the first `draws` draws of one input, gaps marked, (draws,)."""
    tile, inside = divmod(row, array.tile_rows)
    parts = [
        array.read_chunk(ChunkId(tile, chunk))[inside] for chunk in range(-(-draws // CHUNK_DRAWS))
    ]
    return np.asarray(np.concatenate(parts)[:draws])


def votes(answers: Predictions, classes: int) -> NDArray[np.int64]:
    """How often each class was answered, (classes,); draws that are not computed do not count."""
    known = answers[answers != np.iinfo(answers.dtype).max]
    return np.bincount(known, minlength=classes).astype(np.int64)


def noise_group(spec: StudySpec, data: DataRecord | Dataset, row: int) -> int:
    """Index of the input that names a row's noise group.

    Held-out inputs never share a group with reported ones: what is tuned on them must not depend
    on reported draws.
    """
    first = 0 if data.reported[row] else int(np.count_nonzero(data.reported))
    return int(data.indices[row - (row - first) % spec.noise.group])


def noisy_copies(
    image: NDArray[np.float32],
    spec: StudySpec,
    group: int,
    *,
    stream: Stream = "estimate",
    start: int = 0,
    count: int = 8,
) -> NDArray[Any]:
    """The very images that the models saw on draws [start, start + count) of a stream.

    Args:
        image: One input in [0, 1], (channels, height, width).
        group: From `noise_group`.

    Returns:
        float32 (count, channels, height, width); values leave [0, 1], as they did for the models.
    """
    from irs_core.sampling.noise import noise_blocks, noisy

    scale = spec.data.scale
    parts: list[Any] = []
    at, stop = start, start + count
    while at < stop:
        chunk, offset = divmod(at, CHUNK_DRAWS)
        end = min(CHUNK_DRAWS, offset + stop - at)
        parts += list(
            noise_blocks(
                spec.noise,
                stream,
                group,
                chunk,
                shape=image.shape,
                scale=scale,
                start=offset,
                stop=end,
            )
        )
        at += end - offset
    original = np.rint(image * scale).astype(np.uint8) if spec.noise.integer else image
    return noisy(original, np.concatenate(parts), scale, steps=False)
