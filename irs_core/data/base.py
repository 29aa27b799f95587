"""What a dataset is: pixels kept as 8-bit integers, labels, and which inputs are reported."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

# Of uint8, uint16 or float32; `Images.scale` says what white is.
Pixels = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Images:
    """Pixels as they were read.

    Args:
        pixels: (k, C, H, W); whole numbers, or float32 in [0, 1].
        scale: The pixel value that means 1.0.
        notes: What was done to the images, in a few words each.
    """

    pixels: Pixels
    scale: int
    notes: tuple[str, ...] = ()

    def unit(self) -> NDArray[np.float32]:
        """In [0, 1], float32 (k, C, H, W)."""
        return scaled(self.pixels, self.scale)


@dataclass(frozen=True, eq=False)
class Source:
    """A whole split, before a subset is chosen.

    Args:
        labels: Class numbers, int64 (total,).
        classes: Class names by number.
        read: The images at the given positions.
        description: What it is, for people.
        known: Class numbers are those of a list or of the labels themselves, not the places of
            names in an alphabet.
        notes: What was done to labels, in a few words each.
        aliases: Of each class all names that its list gives it; empty where there is no list.
        has_split: The images are those of the split that was asked for; False where the data name
            no splits, and all of them were taken.
    """

    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    read: Callable[[NDArray[np.int64]], Images]
    description: str
    known: bool = True
    notes: tuple[str, ...] = ()
    aliases: tuple[tuple[str, ...], ...] = ()
    has_split: bool = True

    @property
    def names(self) -> dict[int, str]:
        """Names of the classes that occur, by number."""
        return {number: self.classes[number] for number in np.unique(self.labels).tolist()}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A chosen subset of a labelled test set, followed by its held-out inputs.

    Args:
        pixels: (N, C, H, W); uint8, uint16, or float32 in [0, 1].
        scale: The pixel value that means 1.0.
        labels: Class numbers, int64 (N,). Only metrics may look at them.
        indices: Positions in the whole split, int64 (N,): ascending among the reported inputs,
            then ascending among the held-out ones.
        reported: bool (N,); False for held-out inputs.
        classes: Class names by number.
        digest: SHA-256 (hexadecimal) of shape, scale, indices and pixels; labels do not enter.
        description: What it is and what was done to it, for people.
        known, aliases, has_split: As in `Source`.
        notes: What was done to images and labels, which the description ends with.
    """

    pixels: Pixels
    scale: int
    labels: NDArray[np.int64]
    indices: NDArray[np.int64]
    reported: NDArray[np.bool_]
    classes: tuple[str, ...]
    digest: str
    description: str
    known: bool = True
    notes: tuple[str, ...] = ()
    aliases: tuple[tuple[str, ...], ...] = ()
    has_split: bool = True

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of every image."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    def images(self, rows: ArrayLike | slice) -> NDArray[np.float32]:
        """Images in [0, 1], float32 (k, C, H, W), of the given rows of this dataset."""
        chosen = self.pixels[rows if isinstance(rows, slice) else np.asarray(rows)]
        return scaled(chosen, self.scale)


def unchanged(pixels: NDArray[np.uint8], scale: int) -> Callable[[NDArray[np.int64]], Images]:
    """Reads images out of an array (N, C, H, W)."""
    return lambda positions: Images(pixels[positions], scale)


def scaled(pixels: Pixels, scale: int) -> NDArray[np.float32]:
    """Pixels in [0, 1], where `scale` means 1.0."""
    return pixels.astype(np.float32) / np.float32(scale)


def select(total: int, spec: DataSpec) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Positions of the reported inputs and then of the held-out ones, and which is which.

    Held-out inputs are evenly spaced over the positions that are not reported.

    Raises:
        DatasetError: No input is selected, or too few remain to be held out.
    """
    reported = np.arange(spec.start, total, spec.stride, dtype=np.int64)[: spec.max]
    if not len(reported):
        raise DatasetError(f"start must be below the {total} images there are; got {spec.start}")
    rest = np.setdiff1d(np.arange(total, dtype=np.int64), reported, assume_unique=True)
    if len(rest) < spec.holdout:
        raise DatasetError(
            f"holdout must be at most the {len(rest)} images outside the reported subset; "
            f"got {spec.holdout}"
        )
    middles = (2 * np.arange(spec.holdout) + 1) * len(rest) // (2 * max(spec.holdout, 1))
    indices = np.concatenate([reported, rest[middles]])
    return indices, np.arange(len(indices)) < len(reported)


def spaced(total: int, most: int) -> NDArray[np.int64]:
    """At most `most` positions below `total`, ascending: one out of each of so many equal parts.

    The place in its part follows from a fixed seed, so that neither an order by class nor classes
    that take turns leave one out.
    """
    most = min(total, most)
    edges = np.arange(most + 1, dtype=np.int64) * total // max(most, 1)
    shares = np.random.default_rng(0).random(most)
    return edges[:-1] + (shares * np.diff(edges)).astype(np.int64)


def data_digest(pixels: Pixels, scale: int, indices: NDArray[np.int64]) -> str:
    """SHA-256 (hexadecimal) of images: shape, scale, positions and pixels."""
    kind = {} if pixels.dtype == np.uint8 else {"kind": str(pixels.dtype)}
    head = json.dumps({"shape": list(pixels.shape), "scale": scale, **kind})
    digest = hashlib.sha256(head.encode())
    digest.update(np.ascontiguousarray(indices, dtype="<i8").data)
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
