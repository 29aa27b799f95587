"""A copy of a store while others write to it."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from irs_core.errors import StoreError
from irs_core.store.files import file_lock, files_below, storage_error

EVIDENCE = "evidence"
# Made again from the rest, of use to running processes only, or copied by `irs_core.jobs.backup`.
_LEFT_OUT = ("tallies", "reserve", "worker.lock", "lock")
_QUEUE = "jobs.sqlite"


@dataclass(frozen=True)
class Copied:
    """What a backup holds.

    Args:
        files: Number of files.
        size_bytes: Their bytes together.
    """

    files: int
    size_bytes: int


def copy_store(root: Path, target: Path) -> Copied:
    """Copy a store without its queue; jobs may run meanwhile.

    Manifests are copied before evidence, so that every draw that they vouch for is in the copy:
    evidence only grows. Each array is copied while its writers wait.

    Args:
        root: The store.
        target: A folder outside of it that is empty or does not exist.

    Raises:
        StoreError: There is no store, the target may not be used, or the disk refuses.
    """
    _check_target(root, target)
    sizes = list(_copied(_outside_evidence(root), root, target))
    for place in sorted((root / EVIDENCE).glob("*/")):
        with file_lock(place / "lock"):
            sizes += _copied(files_below(place), root, target)
    os.sync()
    return Copied(len(sizes), sum(sizes))


def _check_target(root: Path, target: Path) -> None:
    if not root.is_dir():
        raise StoreError(f"there is no store in {root}; --store or IRS_STORE names it")
    if target.resolve().is_relative_to(root.resolve()):
        raise StoreError(f"a backup must lie outside the store {root}; got {target}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(f"a backup needs a new or an empty folder; {target} is neither")


def _outside_evidence(root: Path) -> Iterator[Path]:
    for top in sorted(root.iterdir()):
        if top.name == EVIDENCE or top.name.startswith(_QUEUE):
            continue
        if top.name not in _LEFT_OUT:
            yield from files_below(top) if top.is_dir() else [top]


def _copied(sources: Iterable[Path], root: Path, target: Path) -> Iterator[int]:
    """Copy files; the size of each. Links are not followed: they may lead anywhere."""
    for source in sources:
        if source.is_symlink() or not source.is_file() or _is_passing(source):
            continue
        place = target / source.relative_to(root)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)
        except FileNotFoundError:
            # Removed since it was listed, as uploads and earlier states may be.
            continue
        except OSError as error:
            raise storage_error(place, error) from error
        yield place.stat().st_size


def _is_passing(source: Path) -> bool:
    return source.suffix == ".partial" or source.name in _LEFT_OUT
