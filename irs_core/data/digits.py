"""The 8x8 digits that come with scikit-learn (Alpaydin & Kaynak 1998); no files needed."""

import numpy as np

from irs_core.data.base import Source, unchanged
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

_GREY_LEVELS = 16


def open_digits(spec: DataSpec) -> Source:
    """Every fourth image (position % 4 == 3) is the test split, 449; the other 1348 train.

    Raises:
        DatasetError: The split is neither `train` nor `test`.
    """
    if spec.split not in ("train", "test"):
        raise DatasetError(f"digits have the splits train and test; got {spec.split!r}")
    # Scikit-learn takes a second to import, and other data have no use for it.
    from sklearn.datasets import load_digits

    bunch = load_digits()
    chosen = (np.arange(len(bunch.target)) % 4 == 3) == (spec.split == "test")
    pixels = bunch.images[chosen].astype(np.uint8)[:, None]
    return Source(
        labels=bunch.target[chosen].astype(np.int64),
        classes=tuple(str(digit) for digit in range(10)),
        read=unchanged(pixels, _GREY_LEVELS),
        description=f"handwritten digits 8x8, {spec.split} split",
    )
