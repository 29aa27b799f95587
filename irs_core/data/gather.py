"""Decoded images of one size as one array, with what was done to them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from irs_core.data.base import Images, Pixels
from irs_core.data.decode import Decoded
from irs_core.errors import DatasetError

_WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}
_WIDER = tuple(_WHITE)
# Luma of ITU-R 601, in 65536ths, as Pillow weighs colours.
_LUMA = np.array([19595, 38470, 7471], np.int64)
GREY_REPEATED = "grey repeated in 3 channels, in which radii are measured"
COLOURS_WEIGHED = "colours made grey (ITU-R 601)"


def gathered(images: Iterable[tuple[str, Decoded]], count: int, channels: int | None) -> Images:
    """All images in one array; memory is the pixels themselves.

    Args:
        images: Names, for messages, and images.
        count: How many there are.
        channels: 1 or 3 channels; None for 3, or 1 where all are grey.

    Raises:
        DatasetError: Sizes differ.
    """
    pixels: NDArray[np.generic] | None = None
    greys, notes = 0, Counter[str]()
    for row, (name, image) in enumerate(images):
        found = np.broadcast_to(image.pixels, (*image.pixels.shape[:2], 3))
        if pixels is None:
            pixels = np.empty((count, *found.shape), found.dtype)
        if found.shape != pixels.shape[1:]:
            raise DatasetError(
                f"images must all have one size; got {_size(pixels[0])} and, for "
                f"{name}, {_size(found)}: give a size to resize them to"
            )
        kind = max(str(found.dtype), str(pixels.dtype), key=_WIDER.index)
        pixels = as_kind(pixels, kind)
        pixels[row] = as_kind(found, kind)
        greys += image.grey
        notes.update(image.notes)
    if pixels is None:
        raise DatasetError("no images are selected")
    said = [text if n == count else f"{text} ({n} of {count} images)" for text, n in notes.items()]
    if greys == count:
        pixels = pixels[..., :1]
    made: Pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return with_channels(Images(made, _WHITE[str(made.dtype)], tuple(said)), channels)


def with_channels(images: Images, channels: int | None) -> Images:
    """The same images with 1 or 3 channels; None keeps those that they have.

    Raises:
        DatasetError: They have neither.
    """
    has = images.pixels.shape[1]
    if channels in (None, has):
        return images
    if {has, channels} != {1, 3}:
        raise DatasetError(f"images of {has} channels cannot be made ones of {channels}")
    if channels == 3:
        repeated = np.repeat(images.pixels, 3, axis=1)
        return replace(images, pixels=repeated, notes=(*images.notes, GREY_REPEATED))
    grey = weighed(images.pixels)
    return replace(images, pixels=grey, notes=(*images.notes, COLOURS_WEIGHED))


def as_kind(pixels: NDArray[np.generic], kind: str) -> NDArray[np.generic]:
    """Pixels as numbers of a wider kind; white stays white."""
    if str(pixels.dtype) == kind:
        return pixels
    if kind == "float32":
        return pixels.astype(np.float32) / np.float32(_WHITE[str(pixels.dtype)])
    return pixels.astype(np.uint16) * np.uint16(257)


def weighed(pixels: Pixels) -> Pixels:
    """Grey values (N, 1, H, W) of colours (N, 3, H, W)."""
    if pixels.dtype == np.float32:
        grey = np.einsum("nchw,c->nhw", pixels, (_LUMA / 65536).astype(np.float32))
        return np.asarray(grey[:, None])
    grey = (np.einsum("nchw,c->nhw", pixels.astype(np.int64), _LUMA) + (1 << 15)) >> 16
    return np.asarray(grey[:, None], pixels.dtype)


def _size(image: NDArray[np.generic]) -> str:
    return f"{image.shape[0]}x{image.shape[1]}"
