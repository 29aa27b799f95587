"""How images get into a graph file and scores out of it, on arrays."""

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import ModelOutputError
from irs_core.graphs import GraphFacts
from irs_core.graphs.outputs import Output

_TYPES = {"f32": np.float32, "f16": np.float16, "f64": np.float64, "u8": np.uint8}
WHITE = 255


def fed(images: NDArray[np.float32], facts: GraphFacts) -> NDArray[np.generic]:
    """Images (N, channels, height, width) as the file takes them.

    Of pixels that are whole numbers, 1.0 is 255: they are rounded, half to even, and cut off.
    """
    if facts.element == "u8":
        images = np.clip(np.rint(images * np.float32(WHITE)), 0, WHITE)
    if facts.reversed:
        images = images[:, ::-1]
    if facts.channels_last:
        images = images.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images, _TYPES[facts.element])


def scores_of(
    found: NDArray[np.generic], images: int, classes: int, output: Output
) -> NDArray[np.float32]:
    """Scores (images, classes) from what the file gave.

    Raises:
        ModelOutputError: It is not one row of scores per image.
    """
    rows = np.asarray(found, np.float32)
    shape = rows.shape if rows.ndim and rows.shape[0] == images else (images, *rows.shape)
    if sum(one != 1 for one in shape[1:]) <= 1 and rows.size % images == 0:
        rows = rows.reshape(images, -1)
    if rows.shape == (images, 1) and classes == 2:
        rows = np.hstack([1 - rows, rows] if output.sigmoid else [np.zeros_like(rows), rows])
    if rows.shape != (images, classes):
        raise ModelOutputError(
            f"the model must return scores of shape ({images}, {classes}); {output.name!r} has "
            f"{tuple(np.shape(found))}"
        )
    return rows
