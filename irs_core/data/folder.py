"""Folders of images, one sub-folder per class, and the ImageNet validation set."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from irs_core.data.base import Images, Source
from irs_core.data.class_list import list_among, read_class_list
from irs_core.data.decode import Decoded, Prepare, decode
from irs_core.data.gather import gathered
from irs_core.errors import DatasetError, reason
from irs_core.sandbox.opening import confined, inside
from irs_core.spec.paths import expanded
from irs_core.spec.study import DataSpec

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".pgm", ".tif", ".tiff"})
IMAGENET_SIZE = 224
# What systems and archives leave behind; names that begin with a dot are left out as well.
_LEFT_BEHIND = frozenset({"__MACOSX", "@eaDir", "__pycache__", "$RECYCLE.BIN"})


def open_folder(spec: DataSpec) -> Source:
    """ROOT/SPLIT/CLASS/IMAGE, or ROOT/CLASS/IMAGE where the split is empty.

    Classes are numbered by a list, where there is one (`class_list`, or `classes.txt` in ROOT),
    else in alphabetical order, or by number where all are numbers. Images are ordered by class
    and name. `size` resizes to a square. Images are RGB unless all that are selected are grey.

    Raises:
        DatasetError: The folder is missing or has no class folders, or one is not in the list.
    """
    root = expanded(spec.root or "")
    folder = root / spec.split if spec.split else root
    resize = prepared(spec.size)
    return _source(folder, root, resize, spec, f"images in {root.name}, {spec.split or 'no'} split")


def open_imagenet(spec: DataSpec) -> Source:
    """ImageNet in class folders; the test split is ROOT/val (or ROOT/test).

    The shorter side is resized to 256 and the central 224x224 pixels are kept, as in Cohen et
    al. 2019; `size` scales both numbers. EXIF orientation is not looked at, as there.

    Raises:
        DatasetError: The folder is missing or has no class folders, or one is not in the list.
    """
    root = expanded(spec.root or "")
    split = spec.split
    if split == "test" and not (root / "test").is_dir():
        split = "val"
    crop = partial(_cropped, size=spec.size or IMAGENET_SIZE)
    title = f"ImageNet, {spec.split} split"
    return _source(root / split, root, crop, spec, title, as_published=True)


def prepared(size: int | None) -> Prepare:
    """Resizing to a square, or nothing."""
    return partial(_squared, size=size) if size else _unchanged


def _source(
    folder: Path,
    root: Path,
    prepare: Prepare,
    spec: DataSpec,
    description: str,
    *,
    as_published: bool = False,
) -> Source:
    if not folder.is_dir():
        raise DatasetError(
            f"no folder {folder}; put images at {folder}/CLASS/NAME.jpg, or name another split"
            f"{_there(root)}"
        )
    names = in_order([path.name for path in _visible(folder) if path.is_dir()])
    found = spec.class_list or list_among(root) or list_among(folder)
    numbers: Sequence[int] = range(len(names))
    classes: Sequence[str] = names
    notes: tuple[str, ...] = ()
    aliases: tuple[tuple[str, ...], ...] = ()
    if found:
        listed = read_class_list(found)
        numbers, classes, aliases = listed.numbers(names), listed.classes, listed.entries
        notes = (f"classes numbered by {listed.name}",)
    elif names != sorted(names):
        notes = ("class folders in the order of their numbers",)
    files: list[Path] = []
    labels: list[int] = []
    for label, name in zip(numbers, names, strict=True):
        own = sorted(p for p in _visible(folder / name) if p.suffix.lower() in SUFFIXES)
        files += own
        labels += [label] * len(own)
    if not files:
        raise DatasetError(f"no images in {folder}; put them at {folder}/CLASS/NAME.jpg")
    return Source(
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(classes),
        read=partial(_read, files, prepare, spec.channels, as_published),
        description=description,
        known=bool(found),
        notes=notes,
        aliases=aliases,
    )


def in_order(names: Sequence[str]) -> list[str]:
    """Names of classes in alphabetical order, or by number where all are numbers."""
    numbers = bool(names) and all(one.isascii() and one.isdigit() for one in names)
    return sorted(names, key=lambda one: (int(one), one)) if numbers else sorted(names)


def _there(root: Path) -> str:
    """What splits there are; nothing to somebody who is not at this machine."""
    if confined():
        return ""
    there = [path.name for path in _visible(root)] if root.is_dir() else []
    return f" (in {root}: {', '.join(there[:8]) or 'nothing'})"


def _visible(folder: Path) -> list[Path]:
    try:
        found = inside(folder)
    except OSError as error:
        raise DatasetError(f"cannot read folder {folder}: {reason(error)}") from None
    return [one for one in found if not one.name.startswith(".") and one.name not in _LEFT_BEHIND]


def _read(
    files: Sequence[Path],
    prepare: Prepare,
    channels: int | None,
    as_published: bool,
    positions: NDArray[np.int64],
) -> Images:
    def one(position: int) -> tuple[str, Decoded]:
        path = files[position]
        return path.name, decode(path, str(path), prepare, upright=not as_published)

    kept = 3 if as_published and channels is None else channels
    return gathered(map(one, positions), len(positions), kept)


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
