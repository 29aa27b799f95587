"""Images without labels: every one that lies below a folder."""

from pathlib import Path

from irs_core.data.base import Images, spaced
from irs_core.data.decode import decode
from irs_core.data.folder import SUFFIXES, prepared
from irs_core.data.gather import gathered
from irs_core.errors import DatasetError
from irs_core.sandbox.opening import inside
from irs_core.spec.paths import expanded


def read_unlabelled(
    folder: str, *, size: int | None = None, channels: int | None = None, most: int | None = None
) -> Images:
    """Images at any depth below a folder, in the order of their paths.

    Args:
        size: Height and width that they are resized to; None keeps them (all must be equal).
        channels: 1 or 3; None for 3, or 1 where all are grey.
        most: At most so many, from all over them; None for all.

    Raises:
        DatasetError: There are none, they differ in size, or one is damaged.
    """
    files = unlabelled_files(folder)
    if most is not None:
        files = [files[row] for row in spaced(len(files), most)]
    prepare = prepared(size)
    return gathered(
        ((path.name, decode(path, str(path), prepare)) for path in files), len(files), channels
    )


def unlabelled_files(folder: str) -> list[Path]:
    """The images at any depth below a folder, in the order of their paths.

    Raises:
        DatasetError: There are none, or they are training and test images together.
    """
    root = expanded(folder)
    if not root.is_dir():
        raise DatasetError(f"no folder {root}; name one that holds images, at any depth")
    splits = [one for one in ("train", "val", "test") if (root / one).is_dir()]
    if "train" in splits and len(splits) > 1:
        raise DatasetError(
            f"{root} holds the splits {' and '.join(splits)}, and what learned from test images "
            f"cannot be tried on them: name {root / 'train'}"
        )
    files = _files(root)
    if not files:
        raise DatasetError(f"no images below {root}; put them there as .png or .jpg")
    return files


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(inside(folder)):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            found += _files(path)
        elif path.suffix.lower() in SUFFIXES:
            found.append(path)
    return found
