"""MNIST in torchvision's layout: ROOT/MNIST/raw, IDX files, gzipped or not."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Source, unchanged
from irs_core.errors import DatasetError, reason
from irs_core.sandbox.opening import opened
from irs_core.spec.study import DataSpec

_PREFIX = {"train": "train", "test": "t10k"}
_UINT8 = 0x08
# More than any set of this family holds.
_MAX_BYTES = 1 << 29


def open_mnist(spec: DataSpec) -> Source:
    """The train (60,000) or test (10,000) images, 1x28x28, in the order of the files.

    Raises:
        DatasetError: A file is missing or damaged, or there is no such split.
    """
    if spec.split not in _PREFIX:
        raise DatasetError(f"MNIST has the splits train and test; got {spec.split!r}")
    prefix = _PREFIX[spec.split]
    root = Path(spec.root or "").expanduser()
    pixels = _read(_find(root, f"{prefix}-images-idx3-ubyte"), dimensions=3)
    labels = _read(_find(root, f"{prefix}-labels-idx1-ubyte"), dimensions=1).astype(np.int64)
    if len(pixels) != len(labels):
        raise DatasetError(f"MNIST has {len(pixels)} images and {len(labels)} labels in {root}")
    if len(labels) and labels.max() > 9:
        raise DatasetError(f"MNIST has labels in [0, 9]; got {labels.max()}")
    return Source(
        labels=labels,
        classes=tuple(str(digit) for digit in range(10)),
        read=unchanged(pixels[:, None], 255),
        description=f"MNIST, {spec.split} split",
    )


def _find(root: Path, name: str) -> Path:
    for folder in (root / "MNIST" / "raw", root / "raw", root):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise DatasetError(f"no MNIST in {root}; put {root / 'MNIST' / 'raw' / name}[.gz] there")


def _read(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """An IDX file: two zero bytes, the type, the number of dimensions, each size, the values."""
    head = 4 + 4 * dimensions
    try:
        with opened(path) as raw, gzip.open(raw) if path.suffix == ".gz" else raw as file:
            start = file.read(head)
            if len(start) != head or start[:4] != bytes((0, 0, _UINT8, dimensions)):
                raise DatasetError(f"{path.name} is no IDX file of {dimensions} dimensions")
            shape = struct.unpack(f">{dimensions}I", start[4:])
            size = math.prod(shape)
            if size > _MAX_BYTES:
                raise DatasetError(f"{path.name} may hold {_MAX_BYTES} bytes; it says {size}")
            # One byte more than there may be tells a file that is too long, or a bomb.
            values = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"cannot read {path}: {reason(error)}") from None
    if len(values) != size:
        raise DatasetError(f"{path.name} must hold {size} values after its head; it does not")
    return np.frombuffer(values, np.uint8).reshape(shape)
