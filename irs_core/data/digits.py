"""The 8x8 digits that come with scikit-learn (Alpaydin & Kaynak 1998); no files needed."""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Source, unchanged
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

_GREY_LEVELS = 16
_PIXELS = 64


def open_digits(spec: DataSpec) -> Source:
    """Every fourth image (position % 4 == 3) is the test split, 449; the other 1348 train.

    Raises:
        DatasetError: The split is neither `train` nor `test`, or scikit-learn is missing.
    """
    if spec.split not in ("train", "test"):
        raise DatasetError(f"digits have the splits train and test; got {spec.split!r}")
    rows = _rows()
    chosen = (np.arange(len(rows)) % 4 == 3) == (spec.split == "test")
    return Source(
        labels=rows[chosen, _PIXELS].astype(np.int64),
        classes=tuple(str(digit) for digit in range(10)),
        read=unchanged(rows[chosen, :_PIXELS].reshape(-1, 1, 8, 8), _GREY_LEVELS),
        description=f"handwritten digits 8x8, {spec.split} split",
    )


def _rows() -> NDArray[np.uint8]:
    """Pixels and, last, the digit of each image; uint8 (1797, 65)."""
    # Its file is read without scikit-learn, which takes a second to import.
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise DatasetError("the digits come with scikit-learn, which is not installed")
    file = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    if file.is_file():
        with gzip.open(file, "rt", encoding="ascii") as lines:
            return np.loadtxt(lines, delimiter=",", dtype=np.uint8)
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.uint8)
