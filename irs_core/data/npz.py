"""Arrays in numpy files (.npz, or a folder of .npy), without objects."""

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Images, Source
from irs_core.data.class_list import read_class_list
from irs_core.errors import DatasetError, reason
from irs_core.sandbox.opening import opened
from irs_core.spec.paths import expanded
from irs_core.spec.study import MAX_CLASSES, DataSpec

_MAX_BYTES = 1 << 31
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_COLOURS = (1, 3)


def open_npz(spec: DataSpec) -> Source:
    """Images and labels of one .npz file, or of .npy files in a folder (ROOT).

    Arrays are named by split, `x_test` and `y_test`, or `test_images` and `test_labels`; or
    `images` and `labels`, which are of no split: whatever is asked for gets all of them. Images are
    (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 channels, of 8 or 16 bits, or of floats in
    [0, 1]; floats that are all whole numbers up to 255 are 8 bits.

    Raises:
        DatasetError: The file is missing, damaged or too large, or an array is not as above.
    """
    path = expanded(spec.root or "")
    split = spec.split
    found = (_npy_files if path.is_dir() else _arrays)(
        path,
        {
            "images": ("images", f"x_{split}", f"{split}_images"),
            "labels": ("labels", f"y_{split}", f"{split}_labels"),
        },
    )
    (name, images), (_, labels) = found["images"], found["labels"]
    whole, has_split = _images(path.name, images), name != "images"
    pixels = whole.pixels
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
        classes=named_classes(spec.class_list, count),
        read=lambda positions: replace(whole, pixels=pixels[positions]),
        description=f"arrays in {path.name}" + (f", {split} split" if has_split else ""),
        aliases=read_class_list(spec.class_list).entries if spec.class_list else (),
        has_split=has_split,
    )


def named_classes(class_list: str | None, count: int) -> tuple[str, ...]:
    """Names of numbered classes, from a list where there is one.

    Args:
        count: Classes that occur, at least.

    Raises:
        DatasetError: The list is shorter.
    """
    if class_list is None:
        return tuple(str(number) for number in range(count))
    listed = read_class_list(class_list)
    if len(listed.entries) < count:
        raise DatasetError(
            f"{listed.name} names {len(listed.entries)} classes; labels go up to {count - 1}"
        )
    return listed.classes


def _npy_files(
    folder: Path, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, NDArray[np.generic]]]:
    """By role, the name of an array and what it holds."""
    found = {}
    for role, names in wanted.items():
        files = [folder / f"{one}.npy" for one in names]
        file = next((one for one in files if one.is_file()), None)
        if file is None:
            raise DatasetError(f"{folder} needs a file {' or '.join(one.name for one in files)}")
        try:
            with opened(file) as content:
                size = content.seek(0, os.SEEK_END)
                content.seek(0)
                if size > _MAX_BYTES:
                    raise DatasetError(
                        f"{file.name} may have at most {_MAX_BYTES} bytes; it has {size}"
                    )
                _check_head(content, size, file.name, file.name)
                content.seek(0)
                array = np.asarray(np.lib.format.read_array(content, allow_pickle=False))
                found[role] = (file.stem, array)
        except DatasetError:
            raise
        except OSError as error:
            raise DatasetError(f"cannot read {file}: {reason(error)}") from None
        except (ValueError, TypeError, EOFError, SyntaxError) as error:
            raise DatasetError(f"{file.name} is no readable .npy file: {error}") from None
    return found


def _arrays(
    path: Path, wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, NDArray[np.generic]]]:
    """By role, the name of an array and what it holds."""
    found = {}
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            for role, names in wanted.items():
                name = next((one for one in names if f"{one}.npy" in entries), None)
                if name is None:
                    raise DatasetError(
                        f"{path.name} needs an array named {' or '.join(names)}; it has "
                        f"{', '.join(repr(one)[:40] for one in list(entries)[:8]) or 'none'}"
                    )
                found[role] = (name, _array(archive, entries[f"{name}.npy"], path.name))
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {reason(error)}") from None
    except (
        ValueError,
        TypeError,
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
        _check_head(file, entry.file_size, name, entry.filename)
    with archive.open(entry) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _check_head(file: IO[bytes], most: int, name: str, entry: str) -> None:
    """Refuse an array of objects, and one of more bytes than there are."""
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
    if dtype.hasobject or size > most:
        raise DatasetError(f"{name} must hold plain arrays; {entry!r} is not one")


def _images(name: str, images: NDArray[np.generic]) -> Images:
    if images.ndim == 4 and images.shape[3] in _COLOURS and images.shape[1] not in _COLOURS:
        images = images.transpose(0, 3, 1, 2)
    elif images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or images.shape[1] not in _COLOURS:
        raise DatasetError(
            f"{name} must hold images (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 or 3 "
            f"channels; got {images.shape}"
        )
    if images.dtype == np.uint8:
        return Images(np.ascontiguousarray(images, np.uint8), 255)
    if images.dtype == np.uint16:
        note = "16-bit pixels scaled by 1/65535"
        return Images(np.ascontiguousarray(images, np.uint16), 65535, (note,))
    if images.dtype.kind != "f":
        raise DatasetError(
            f"{name} must hold images of 8 or 16 bits (uint8, uint16) or floats; got {images.dtype}"
        )
    return _floats(name, np.ascontiguousarray(images, np.float32))


def _floats(name: str, images: NDArray[np.float32]) -> Images:
    if not images.size or not bool(np.isfinite(images).all()):
        raise DatasetError(f"{name} must hold finite pixels")
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 1:
        return Images(images, 1, ("floats taken as they are",))
    if low >= 0 and high <= 255 and bool((images == np.rint(images)).all()):
        return Images(images.astype(np.uint8), 255, ("whole floats up to 255 scaled by 1/255",))
    way = "divide by 255" if low >= 0 else "undo the normalisation, which --mean and --std repeat"
    raise DatasetError(
        f"floats of images must lie in [0, 1]; {name} has {low:.4g} to {high:.4g}: {way}"
    )
