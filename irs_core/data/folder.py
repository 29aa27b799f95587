"""Folders of images, one sub-folder per class, and the ImageNet validation set."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from irs_core.data.base import Source
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"})
IMAGENET_SIZE = 224
_GREY_MODES = frozenset({"1", "L"})


def open_folder(spec: DataSpec) -> Source:
    """ROOT/SPLIT/CLASS/IMAGE, or ROOT/CLASS/IMAGE where the split is empty.

    Classes are numbered in alphabetical order, images ordered by class and name. `size` resizes
    to a square. Images are RGB unless all that are selected are grey.

    Raises:
        DatasetError: The folder is missing or has no class folders.
    """
    root = Path(spec.root or "").expanduser()
    folder = root / spec.split if spec.split else root
    resize = partial(_squared, size=spec.size) if spec.size else _unchanged
    return _source(folder, root, resize, f"images in {root.name}, {spec.split or 'no'} split")


def open_imagenet(spec: DataSpec) -> Source:
    """ImageNet in class folders; the test split is ROOT/val (or ROOT/test).

    The shorter side is resized to 256 and the central 224x224 pixels are kept, as in Cohen et
    al. 2019; `size` scales both numbers.

    Raises:
        DatasetError: The folder is missing or has no class folders.
    """
    root = Path(spec.root or "").expanduser()
    split = spec.split
    if split == "test" and not (root / "test").is_dir():
        split = "val"
    crop = partial(_cropped, size=spec.size or IMAGENET_SIZE)
    return _source(root / split, root, crop, f"ImageNet, {spec.split} split", grey=False)


def _source(
    folder: Path,
    root: Path,
    prepare: Callable[[Image.Image], Image.Image],
    description: str,
    *,
    grey: bool = True,
) -> Source:
    if not folder.is_dir():
        there = (
            sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        )
        raise DatasetError(
            f"no folder {folder}; put images at {folder}/CLASS/NAME.jpg, or name another split"
            f" (in {root}: {', '.join(there[:8]) or 'nothing'})"
        )
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        inside = sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in SUFFIXES)
        files += inside
        labels += [label] * len(inside)
    if not files:
        raise DatasetError(f"no images in {folder}; put them at {folder}/CLASS/NAME.jpg")
    return Source(
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(classes),
        read=partial(_read, files, prepare, grey),
        scale=255,
        description=description,
    )


def _read(
    files: Sequence[Path],
    prepare: Callable[[Image.Image], Image.Image],
    grey: bool,
    positions: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Pixels (k, C, H, W); one array is filled, so memory is the pixels themselves."""
    pixels: NDArray[np.uint8] | None = None
    all_grey = grey
    for row, position in enumerate(positions):
        image, is_grey = _decode(files[position], prepare)
        if pixels is None:
            pixels = np.empty((len(positions), *image.shape), dtype=np.uint8)
        if image.shape != pixels.shape[1:]:
            raise DatasetError(
                f"images must all have one size; got {_size(pixels[0])} and, for "
                f"{files[position].name}, {_size(image)}: give a size to resize them to"
            )
        all_grey = all_grey and is_grey
        pixels[row] = image
    assert pixels is not None
    return np.ascontiguousarray((pixels[..., :1] if all_grey else pixels).transpose(0, 3, 1, 2))


def _decode(
    path: Path, prepare: Callable[[Image.Image], Image.Image]
) -> tuple[NDArray[np.uint8], bool]:
    try:
        with Image.open(path) as image:
            is_grey = image.mode in _GREY_MODES
            return np.asarray(prepare(image.convert("RGB")), dtype=np.uint8), is_grey
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"cannot decode image {path}: {error}") from None


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[0]}x{image.shape[1]}"


def _unchanged(image: Image.Image) -> Image.Image:
    return image


def _squared(image: Image.Image, *, size: int) -> Image.Image:
    return image.resize((size, size), Image.Resampling.BILINEAR)


def _cropped(image: Image.Image, *, size: int) -> Image.Image:
    shorter = round(size * 256 / IMAGENET_SIZE)
    scale = shorter / min(image.size)
    width, height = (max(size, int(side * scale)) for side in image.size)
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return resized.crop((left, top, left + size, top + size))
