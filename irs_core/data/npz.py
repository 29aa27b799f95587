"""Arrays in a numpy .npz file, without objects."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Source
from irs_core.errors import DatasetError
from irs_core.spec.study import MAX_CLASSES, DataSpec

_MAX_BYTES = 1 << 31
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_COLOURS = (1, 3)


def open_npz(spec: DataSpec) -> Source:
    """Images and labels of one .npz file (ROOT).

    Arrays are named `images` and `labels`, or by split `x_test` and `y_test`, `test_images` and
    `test_labels`. Images are 8-bit: (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels.

    Raises:
        DatasetError: The file is missing, damaged or too large, or an array is not as above.
    """
    path = Path(spec.root or "").expanduser()
    split = spec.split
    arrays = _arrays(
        path,
        {
            "images": ("images", f"x_{split}", f"{split}_images"),
            "labels": ("labels", f"y_{split}", f"{split}_labels"),
        },
    )
    pixels, labels = _pixels(path.name, arrays["images"]), arrays["labels"]
    if labels.dtype.kind not in "iu" or labels.size != len(pixels):
        raise DatasetError(
            f"{path.name} must hold one whole number per image as label; got {labels.dtype} "
            f"{labels.shape} for {len(pixels)} images"
        )
    labels = labels.reshape(-1)
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < MAX_CLASSES:
        raise DatasetError(f"{path.name} must hold labels in [0, {MAX_CLASSES - 1}]")
    count = int(labels.max()) + 1 if len(labels) else 0
    return Source(
        labels=labels.astype(np.int64),
        classes=tuple(str(number) for number in range(count)),
        read=lambda positions: pixels[positions],
        scale=255,
        description=f"arrays in {path.name}, {split} split",
    )


def _arrays(path: Path, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, NDArray[np.generic]]:
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            for role, names in wanted.items():
                name = next((f"{one}.npy" for one in names if f"{one}.npy" in entries), None)
                if name is None:
                    raise DatasetError(
                        f"{path.name} needs an array named {' or '.join(names)}; it has "
                        f"{', '.join(repr(one)[:40] for one in list(entries)[:8]) or 'none'}"
                    )
                found[role] = _array(archive, entries[name], path.name)
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from None
    except (
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        SyntaxError,
    ) as error:
        raise DatasetError(f"{path.name} is no readable .npz file: {error}") from None
    return found


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> NDArray[np.generic]:
    if entry.compress_type not in _METHODS or entry.file_size > _MAX_BYTES:
        raise DatasetError(
            f"{name} may hold stored or deflated arrays of at most {_MAX_BYTES} bytes; "
            f"{entry.filename!r} is not one"
        )
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
        # Python's integers, because the product of a forged shape would wrap around in numpy's.
        size = dtype.itemsize
        for one in shape:
            size *= int(one)
        if dtype.hasobject or size > entry.file_size:
            raise DatasetError(f"{name} must hold plain arrays; {entry.filename!r} is not one")
    with archive.open(entry) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _pixels(name: str, images: NDArray[np.generic]) -> NDArray[np.uint8]:
    if images.dtype != np.uint8:
        raise DatasetError(f"{name} must hold 8-bit images (uint8); got {images.dtype}")
    if images.ndim == 3:
        return np.asarray(images[:, None], np.uint8)
    if images.ndim == 4 and images.shape[3] in _COLOURS and images.shape[1] not in _COLOURS:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.uint8)
    if images.ndim == 4 and images.shape[1] in _COLOURS:
        return np.asarray(images, np.uint8)
    raise DatasetError(
        f"{name} must hold images (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels; "
        f"got {images.shape}"
    )
