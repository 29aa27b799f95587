"""CIFAR-10 in the layout of its authors and of torchvision: ROOT/cifar-10-batches-py.

The batches are pickles. They are read by an unpickler that knows the four functions needed to
rebuild a numpy array and nothing else, so a file cannot run code of its own; a checksum would
only tell that the file is the well-known one.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Source
from irs_core.errors import DatasetError
from irs_core.specs import DataSpec

FOLDER = "cifar-10-batches-py"
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_BATCHES = {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)}
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        if name == "_reconstruct":
            module = "numpy._core.multiarray"
        return super().find_class(module, name)


def open_cifar10(spec: DataSpec) -> Source:
    """The train (50,000) or test (10,000) images, 3x32x32, in the order of the files.

    Raises:
        DatasetError: A batch is missing, damaged, or holds anything but arrays; or there is no
            such split.
    """
    if spec.split not in _BATCHES:
        raise DatasetError(f"CIFAR-10 has the splits train and test; got {spec.split!r}")
    folder = _folder(Path(spec.root or "").expanduser())
    batches = [_read_batch(folder / name) for name in _BATCHES[spec.split]]
    pixels = np.concatenate([batch[0] for batch in batches])
    return Source(
        labels=np.concatenate([batch[1] for batch in batches]),
        classes=CLASSES,
        read=lambda positions: pixels[positions],
        scale=255,
        description=f"CIFAR-10, {spec.split} split",
    )


def _folder(root: Path) -> Path:
    for folder in (root / FOLDER, root):
        if (folder / "test_batch").exists() or (folder / "data_batch_1").exists():
            return folder
    raise DatasetError(
        f"no CIFAR-10 batches in {root}; unpack cifar-10-python.tar.gz there so that "
        f"{root / FOLDER / 'test_batch'} exists"
    )


def _read_batch(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file, encoding="bytes").load()
        fields = {_text(key): value for key, value in content.items()}
        pixels, labels = np.asarray(fields["data"]), np.asarray(fields["labels"], dtype=np.int64)
    except OSError as error:
        raise DatasetError(f"cannot read CIFAR-10 batch {path}: {error.strerror}") from None
    except Exception as error:  # a damaged pickle raises almost anything
        raise DatasetError(f"{path.name} is no CIFAR-10 batch: {error}") from None
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3072):
        raise DatasetError(
            f"{path.name} must hold uint8 pixels of shape ({len(labels)}, 3072); "
            f"got {pixels.dtype} {pixels.shape}"
        )
    if len(labels) and not (labels.min() >= 0 and labels.max() < len(CLASSES)):
        raise DatasetError(f"{path.name} must hold labels in [0, 9]; got {labels.max()}")
    return pixels.reshape(-1, 3, 32, 32), labels


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key
