"""From a data specification to a dataset."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Dataset, Source, data_digest, select, spaced
from irs_core.data.cifar import open_cifar10, open_cifar100
from irs_core.data.digits import open_digits
from irs_core.data.folder import open_folder, open_imagenet
from irs_core.data.gather import with_channels
from irs_core.data.mnist import open_mnist
from irs_core.data.npz import open_npz
from irs_core.data.parquet import open_parquet
from irs_core.errors import DatasetError
from irs_core.hardware import free_memory
from irs_core.spec.data_kinds import KINDS, DataKind
from irs_core.spec.study import DataSpec

_OPENERS: dict[DataKind, Callable[[DataSpec], Source]] = {
    "digits": open_digits,
    "cifar10": open_cifar10,
    "cifar100": open_cifar100,
    "mnist": open_mnist,
    "image-folder": open_folder,
    "imagenet": open_imagenet,
    "npz": open_npz,
    "parquet": open_parquet,
}


def open_source(spec: DataSpec) -> Source:
    """The whole split that a specification names, its images not yet read.

    Raises:
        DatasetError: The data are missing, empty or damaged.
    """
    if spec.size is not None and not KINDS[spec.kind].resized:
        raise DatasetError(f"size applies to image files only; got {spec.size} for {spec.kind}")
    if spec.class_list is not None and not KINDS[spec.kind].listed:
        raise DatasetError(f"{spec.kind} numbers its classes itself; got {spec.class_list!r} too")
    source = _OPENERS[spec.kind](spec)
    if not len(source.labels):
        raise DatasetError(f"{source.description} holds no images")
    return source


def open_training(spec: DataSpec) -> Source:
    """The whole training split beside the images that a specification names.

    Raises:
        DatasetError: There is none apart from those images, or it is damaged.
    """
    if spec.split in ("", "train"):
        raise DatasetError(
            "no split for training apart from what is certified, which is the split train itself "
            "or all there is; certify another one (--split)"
        )
    source = open_source(spec.whole("train"))
    if not source.has_split:
        raise DatasetError(
            f"no split for training apart from what is certified: {source.description}; name them "
            "by split (arrays x_train and y_train, x_test and y_test; Parquet files "
            "train.parquet and test.parquet)"
        )
    return source


def load_dataset(spec: DataSpec, most: int | None = None) -> Dataset:
    """Read the selected and the held-out images; each is decoded once and kept as 8-bit pixels.

    Args:
        most: Read at most so many of the reported images, from all over them; None for all. Those
            held out stay.

    Raises:
        DatasetError: The data are missing, empty, damaged, of unequal size, or fewer than the
            specification asks for.
    """
    source = open_source(spec)
    indices, reported = select(len(source.labels), spec)
    if most is not None:
        kept = ~reported
        kept[np.flatnonzero(reported)[spaced(int(reported.sum()), most)]] = True
        indices, reported = indices[kept], reported[kept]
    _check_memory(source, indices)
    read = with_channels(source.read(indices), spec.channels)
    pixels, notes = read.pixels, (*read.notes, *source.notes)
    for array in (pixels, indices, reported):
        array.setflags(write=False)
    return Dataset(
        pixels=pixels,
        scale=read.scale,
        labels=source.labels[indices],
        indices=indices,
        reported=reported,
        classes=source.classes,
        digest=data_digest(pixels, read.scale, indices),
        description="; ".join([source.description, *notes]),
        known=source.known,
        notes=notes,
        aliases=source.aliases,
        has_split=source.has_split,
    )


def _check_memory(source: Source, indices: NDArray[np.int64]) -> None:
    """Refuse what would not fit, instead of being ended by the system after minutes of reading."""
    free = free_memory()
    one = source.read(indices[:1]).pixels
    if free is not None and len(indices) * one.nbytes > free:
        raise DatasetError(
            f"{len(indices):,} images of shape {one.shape[1:]} take "
            f"{len(indices) * one.nbytes / 1e9:,.1f} GB and {max(free, 0) / 1e9:,.1f} GB of memory "
            "are free: take fewer of them (max, max_images), or smaller ones (size)"
        )
