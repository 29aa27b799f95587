"""Opening files so that nothing leads out of the folders that may be read.

Without folders (a person at the command line, on files of their own) files are opened as they are
named. Once a process is confined, a path is resolved, must lie below one of the folders, and is
opened part by part from there without following links: what is checked is what is opened, even
where somebody puts a link in its place in between.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_PROGRAM = Path(__file__).resolve().parents[1]
# Each file in it is what the descriptor of that number has open.
_DESCRIPTORS = Path("/dev/fd")
_folders: tuple[Path, ...] | None = None
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A pipe that somebody put there must not be waited for.
_FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


class OutsideError(PermissionError):
    """A path that leads out of the folders that may be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            errno.EPERM, "it leads out of the folders that the app may read", str(path)
        )


def confine(folders: Sequence[Path]) -> None:
    """Let this process open data and models below these folders only, for good.

    Args:
        folders: Resolved. Files of the program itself can be read as well.
    """
    global _folders
    _folders = (*folders, _PROGRAM)


def confined() -> bool:
    """Whether this process reads for somebody who is not at its machine."""
    return _folders is not None


def opened(path: Path) -> BinaryIO:
    """A regular file, open for reading.

    Raises:
        OSError: It is missing, no regular file, or leads outside.
    """
    if _folders is None:
        return path.open("rb")
    descriptor = _descriptor(path, _FILE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def content_of(path: Path) -> bytes:
    """The content of a regular file.

    Raises:
        OSError: As `opened`.
    """
    with opened(path) as file:
        return file.read()


@contextmanager
def pinned(path: Path) -> Iterator[str]:
    """A path to a file that means this very file as long as the context lasts, for other libraries.

    Raises:
        OSError: As `opened`.
    """
    if _folders is None:
        yield str(path)
        return
    with opened(path) as file:
        yield f"{_DESCRIPTORS}/{file.fileno()}"


def inside(folder: Path) -> list[Path]:
    """What lies in a folder, in the order of names.

    Raises:
        OSError: It is missing, no folder, or leads outside.
    """
    if _folders is None:
        return sorted(folder.iterdir())
    descriptor = _descriptor(folder, _FOLDER)
    try:
        return [folder / name for name in sorted(os.listdir(descriptor))]  # noqa: PTH208
    finally:
        os.close(descriptor)


def beside(folder: Path, parts: Sequence[str]) -> BinaryIO:
    """A file below a folder, by names of which none may be a link.

    Raises:
        OSError: It is missing, no regular file, or behind a link.
    """
    start = _descriptor(folder, _FOLDER) if _folders is not None else os.open(folder, _FOLDER)
    descriptor = _walked(start, parts, _FILE)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", parts[-1])
    return os.fdopen(descriptor, "rb")


def _descriptor(path: Path, flags: int) -> int:
    assert _folders is not None
    try:
        real = Path(os.path.realpath(path))
    except ValueError:
        raise OutsideError(path) from None
    above = next((one for one in _folders if real.is_relative_to(one)), None)
    if above is None:
        raise OutsideError(path)
    start = os.open(above, os.O_RDONLY | os.O_CLOEXEC) if real == above else os.open(above, _FOLDER)
    try:
        return _walked(start, real.relative_to(above).parts, flags)
    except OSError as error:
        # A link stands where there was none a moment ago.
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise OutsideError(path) from None
        raise


def _walked(descriptor: int, parts: Sequence[str], flags: int) -> int:
    """The descriptor of what lies below another, by names without links; the other is closed."""
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        try:
            below = os.open(part, (flags if last else _FOLDER) | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor
