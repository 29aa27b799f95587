"""Images on which layers are ranked and mixes proposed: never those of a certificate."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.data import Dataset, load_dataset, open_training
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

logger = logging.getLogger(__name__)

# Fewer held-out images than this rank layers worse than training images do.
_FEWEST = 50


@dataclass(frozen=True, eq=False)
class ApartImages:
    """Images apart from the reported ones.

    Args:
        pixels: float32 in [0, 1], (images, channels, height, width).
        labels: Their classes; they enter counts of what is right, no choice of a class.
        indices: In the data set they come from.
        words: Which images they are.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]
    indices: tuple[int, ...]
    digest: str
    words: str

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


def images_apart(data: DataSpec, most: int) -> ApartImages:
    """Held-out images where there are enough, else training images; at most `most` of them.

    Raises:
        DatasetError: There are neither.
    """
    held_out = _held_out(data, most)
    if held_out is not None and len(held_out) >= min(most, _FEWEST):
        return held_out
    try:
        return _training(data, most)
    except DatasetError as error:
        if held_out is not None and len(held_out):
            return held_out
        raise DatasetError(
            "ranking layers needs images apart from the reported ones: hold some out "
            f"(--holdout N), or give the data a training split ({error})"
        ) from None


def _held_out(data: DataSpec, most: int) -> ApartImages | None:
    if not data.holdout:
        return None
    dataset = load_dataset(data)
    rows = np.flatnonzero(~dataset.reported)[:most]
    return _taken(dataset, rows, f"{len(rows)} held-out images")


def _training(data: DataSpec, most: int) -> ApartImages:
    # Refuses where they would be the reported ones.
    open_training(data)
    dataset = load_dataset(data.whole("train"), most)
    return _taken(dataset, np.arange(len(dataset)), f"{len(dataset)} training images")


def _taken(dataset: Dataset, rows: NDArray[np.int64], words: str) -> ApartImages:
    return ApartImages(
        dataset.images(rows),
        np.asarray(dataset.labels)[rows].astype(np.int64),
        tuple(int(one) for one in np.asarray(dataset.indices)[rows]),
        dataset.digest,
        words,
    )
