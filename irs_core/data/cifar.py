"""CIFAR-10 and CIFAR-100 in the layout of their authors and of torchvision.

The batches are pickles; `irs_core.data.array_pickle` reads them without running anything of
theirs. A checksum would only tell that the file is the well-known one.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.data.array_pickle import load_arrays
from irs_core.data.base import Source, unchanged
from irs_core.errors import DatasetError, reason
from irs_core.sandbox.opening import opened
from irs_core.spec.study import DataSpec

FOLDER = "cifar-10-batches-py"
FOLDER_100 = "cifar-100-python"
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


@dataclass(frozen=True)
class _Layout:
    """Where a set keeps its images, and what its labels are called."""

    title: str
    folder: str
    archive: str
    batches: dict[str, tuple[str, ...]]
    labels: str
    classes: int


_CIFAR10 = _Layout(
    "CIFAR-10",
    FOLDER,
    "cifar-10-python.tar.gz",
    {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)},
    "labels",
    10,
)
_CIFAR100 = _Layout(
    "CIFAR-100",
    FOLDER_100,
    "cifar-100-python.tar.gz",
    {"train": ("train",), "test": ("test",)},
    "fine_labels",
    100,
)


def open_cifar10(spec: DataSpec) -> Source:
    """The train (50,000) or test (10,000) images, 3x32x32, in the order of the files.

    Raises:
        DatasetError: A batch is missing, damaged, or holds anything but arrays; or there is no
            such split.
    """
    folder = _folder(_CIFAR10, spec)
    return _open(_CIFAR10, folder, spec.split, CLASSES)


def open_cifar100(spec: DataSpec) -> Source:
    """The train (50,000) or test (10,000) images, 3x32x32, with their 100 fine classes.

    Raises:
        DatasetError: As for `open_cifar10`.
    """
    folder = _folder(_CIFAR100, spec)
    names = _load(folder / "meta", "CIFAR-100 list of classes").get("fine_label_names", [])
    classes = tuple(_text(name) for name in names if isinstance(name, bytes | str))
    if len(classes) != _CIFAR100.classes:
        raise DatasetError(f"{folder / 'meta'} must name 100 classes; it names {len(classes)}")
    return _open(_CIFAR100, folder, spec.split, classes)


def _open(layout: _Layout, folder: Path, split: str, classes: tuple[str, ...]) -> Source:
    batches = [_read_batch(layout, folder / name) for name in layout.batches[split]]
    pixels = np.concatenate([batch[0] for batch in batches])
    return Source(
        labels=np.concatenate([batch[1] for batch in batches]),
        classes=classes,
        read=unchanged(pixels, 255),
        description=f"{layout.title}, {split} split",
    )


def _folder(layout: _Layout, spec: DataSpec) -> Path:
    if spec.split not in layout.batches:
        raise DatasetError(f"{layout.title} has the splits train and test; got {spec.split!r}")
    root = Path(spec.root or "").expanduser()
    marks = [names[0] for names in layout.batches.values()]
    for folder in (root / layout.folder, root):
        if any((folder / name).is_file() for name in marks):
            return folder
    raise DatasetError(
        f"no {layout.title} batches in {root}; unpack {layout.archive} there so that "
        f"{root / layout.folder / layout.batches['test'][0]} exists"
    )


def _load(path: Path, what: str) -> dict[str, Any]:
    try:
        with opened(path) as file:
            return {_text(key): value for key, value in load_arrays(file).items()}
    except OSError as error:
        raise DatasetError(f"cannot read {what} {path}: {reason(error)}") from None
    except Exception as error:  # a damaged pickle raises almost anything
        raise DatasetError(f"{path.name} is no {what}: {' '.join(str(error).split())}") from None


def _read_batch(layout: _Layout, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    what = f"{layout.title} batch"
    fields = _load(path, what)
    try:
        pixels = np.asarray(fields["data"])
        labels = np.asarray(fields[layout.labels], dtype=np.int64)
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise DatasetError(f"{path.name} is no {what}: {error}") from None
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3072):
        raise DatasetError(
            f"{path.name} must hold uint8 pixels of shape ({len(labels)}, 3072); "
            f"got {pixels.dtype} {pixels.shape}"
        )
    if len(labels) and not (labels.min() >= 0 and labels.max() < layout.classes):
        raise DatasetError(
            f"{path.name} must hold labels in [0, {layout.classes - 1}]; got {labels.max()}"
        )
    return pixels.reshape(-1, 3, 32, 32), labels


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key
