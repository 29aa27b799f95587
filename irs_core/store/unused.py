"""What of the store nothing uses any more: evidence of deleted studies, halves of files."""

import contextlib
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from irs_core.errors import StoreError
from irs_core.store.files import remove_leftovers
from irs_core.store.manifests import read_manifest
from irs_core.store.records import StudyRecord

# A run that no queue knows of may be writing.
QUIET_SECONDS = 3600.0
_DAY = 86_400.0


def unused_evidence(
    root: Path, record: StudyRecord, others: Collection[StudyRecord]
) -> frozenset[str]:
    """Ids of a deleted study's evidence that no other study uses.

    Empty where a manifest cannot be read, since it may name any evidence.

    Args:
        others: Records of studies in the trash.
    """
    try:
        there = [*_read(root / "studies"), *_read(root / "pilots"), *others]
    except StoreError:
        return frozenset()
    used = {one for other in there for one in _named(other)}
    return frozenset(_named(record) - used)


def is_quiet(root: Path, ids: Collection[str]) -> bool:
    """Whether nothing was written to any of these arrays for `QUIET_SECONDS`."""
    latest = time.time() - QUIET_SECONDS
    return all(
        path.stat().st_mtime < latest for one in ids for path in (root / "evidence" / one).glob("*")
    )


def remove_evidence(root: Path, ids: Collection[str]) -> None:
    """Remove arrays for good."""
    for one in ids:
        shutil.rmtree(root / "evidence" / one, ignore_errors=True)


def remove_halves(root: Path) -> int:
    """Remove what writers that were killed left behind; how many files and folders."""
    latest = time.time() - _DAY
    removed = remove_leftovers(root)
    for path in (root / "incoming").glob("*"):
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime < latest:
                shutil.rmtree(path)
                removed += 1
    return removed


def _read(folder: Path) -> Iterator[StudyRecord]:
    return (read_manifest(path).record for path in sorted(folder.glob("*.json")))


def _named(record: StudyRecord) -> set[str]:
    return {one for model in record.models for one in model.evidence.values()}
