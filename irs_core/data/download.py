"""Downloads on request: the archives that torchvision names, checked by their checksums.

Only the archive is fetched and unpacked; nothing in it is executed or unpickled here.
"""

import hashlib
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from irs_core.errors import DatasetError, reason

_BLOCK = 1 << 20
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Archive:
    """One file of a data set.

    Args:
        urls: Where it can be fetched, in order of preference.
        md5: Its checksum, as torchvision gives it.
        folder: Where it goes below the root; a .tar.gz is unpacked there.
    """

    urls: tuple[str, ...]
    md5: str
    folder: str = ""

    @property
    def name(self) -> str:
        """File name."""
        return self.urls[0].rpartition("/")[2]


Progress = Callable[[str, int, int | None], None]


def known_downloads() -> tuple[str, ...]:
    """Names of the data sets that can be fetched."""
    return ("cifar10", "cifar100", "mnist")


def archives(name: str) -> tuple[Archive, ...]:
    """What a data set consists of.

    Raises:
        DatasetError: It cannot be fetched by this program.
    """
    from torchvision import datasets

    if name == "cifar10":
        return (Archive((datasets.CIFAR10.url,), datasets.CIFAR10.tgz_md5),)
    if name == "cifar100":
        return (Archive((datasets.CIFAR100.url,), datasets.CIFAR100.tgz_md5),)
    if name == "mnist":
        return tuple(
            Archive(tuple(f"{mirror}{file}" for mirror in datasets.MNIST.mirrors), md5, "MNIST/raw")
            for file, md5 in datasets.MNIST.resources
        )
    raise DatasetError(f"only {', '.join(known_downloads())} can be downloaded; got {name!r}")


def download(
    parts: Sequence[Archive],
    root: Path,
    *,
    on_progress: Progress = lambda name, done, total: None,
) -> None:
    """Fetch, check and unpack the parts that are not there yet.

    Args:
        on_progress: Gets the file name, the bytes so far and, where the server tells, of all.

    Raises:
        DatasetError: No server can be reached, a checksum is wrong, or the disk refuses.
    """
    for part in parts:
        target = root / part.folder / part.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or _md5(target) != part.md5:
                _fetch(part, target, on_progress)
            if target.name.endswith(".tar.gz"):
                _unpack(target)
        except (OSError, tarfile.TarError) as error:
            raise DatasetError(f"cannot write {target}: {reason(error)}") from None


def _fetch(part: Archive, target: Path, on_progress: Progress) -> None:
    partial = target.with_name(f".{target.name}.partial")
    reasons = []
    for url in part.urls:
        try:
            _copy(url, partial, on_progress)
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            reasons.append(f"{url}: {getattr(error, 'reason', error)}")
            continue
        found = _md5(partial)
        if found == part.md5:
            partial.replace(target)
            return
        partial.unlink()
        reasons.append(f"{url}: its checksum is {found}, not {part.md5}")
    raise DatasetError(f"cannot download {target.name} ({'; '.join(reasons)})")


def _copy(url: str, path: Path, on_progress: Progress) -> None:
    with urllib.request.urlopen(url, timeout=_TIMEOUT) as source, path.open("wb") as file:
        length = source.headers.get("Content-Length")
        done = 0
        while block := source.read(_BLOCK):
            file.write(block)
            done += len(block)
            on_progress(path.name, done, int(length) if length else None)


def _unpack(archive: Path) -> None:
    with tarfile.open(archive, "r:gz") as packed:
        for entry in packed:
            place = PurePosixPath(entry.name)
            # Plain files below the folder; the checksum is known, but costs nothing to distrust.
            if not entry.isfile() or place.is_absolute() or ".." in place.parts:
                continue
            target = archive.parent / place
            target.parent.mkdir(parents=True, exist_ok=True)
            content = packed.extractfile(entry)
            assert content is not None
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
