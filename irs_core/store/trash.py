"""The trash: what was deleted, until it is restored or removed for good.

trash/ID-MARK/entry.json     from which shelf, its title, when
trash/ID-MARK/content        the manifest, the bundle, or the folder of an upload
trash/ID-MARK/ID.json        of a study, the record: what was seen stays seen
spent/ID.json                the same, once the rest was removed
"""

import contextlib
import logging
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from irs_core.errors import StoreError
from irs_core.store.about import (
    About,
    Shelf,
    checked_about,
    read_about,
    stored_path,
    write_about,
)
from irs_core.store.files import read_json, storage_error, write_bytes, write_json
from irs_core.store.manifests import readable_record, write_manifest
from irs_core.store.records import StudyRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trashed:
    """Something in the trash.

    Args:
        mark: Name of its folder.
        name: Id of the study or of the upload.
        when: Unix time at which it was deleted.
    """

    mark: str
    shelf: Shelf
    name: str
    title: str
    when: float
    owner: str


_FIELDS = {"mark": str, "shelf": str, "name": str, "title": str, "when": float, "owner": str}


def put(
    root: Path, shelf: Shelf, name: str, *, title: str, record: StudyRecord | None = None
) -> Trashed:
    """Move something into the trash.

    Args:
        record: Of a study, so that the ledger still knows of it.

    Raises:
        StoreError: It is not there, or the disk refuses.
    """
    about = read_about(root, shelf, name)
    mark = f"{name}-{uuid.uuid4().hex[:8]}"
    one = Trashed(mark, shelf, name, title, time.time(), about.owner)
    folder = _folder(root, one)
    write_json(folder / "entry.json", {**asdict(one), "about": asdict(about)})
    if record is not None:
        write_manifest(folder / f"{name}.json", record)
    # One rename decides: an entry without content was never deleted.
    _move(stored_path(root, shelf, name), folder / "content")
    write_about(root, shelf, name, About())
    return one


def trashed(root: Path) -> list[Trashed]:
    """All that is in the trash, the latest first."""
    return sorted(_entries(root), key=lambda one: one.when, reverse=True)


def take_back(root: Path, one: Trashed) -> None:
    """Move something back to where it was.

    Raises:
        StoreError: There is one of its name again, it is gone, or the disk refuses.
    """
    target, folder = stored_path(root, one.shelf, one.name), _folder(root, one)
    if target.exists():
        raise StoreError(
            f"{one.name} is there again, computed or brought in since: delete that first"
        )
    about = checked_about(_entry(folder).get("about"))
    _move(folder / "content", target)
    write_about(root, one.shelf, one.name, about)
    shutil.rmtree(folder, ignore_errors=True)


def remove(root: Path, one: Trashed) -> None:
    """Remove something for good, but for the record of a study.

    Raises:
        StoreError: The disk refuses.
    """
    folder = _folder(root, one)
    record = folder / f"{one.name}.json"
    if record.exists():
        write_bytes(root / "spent" / record.name, record.read_bytes())
    shutil.rmtree(folder, ignore_errors=True)


def deleted_records(root: Path) -> dict[str, StudyRecord]:
    """Records of studies in the trash and of those removed for good, by the file's folder."""
    found = {}
    for one in trashed(root):
        path = _folder(root, one) / f"{one.name}.json"
        record = readable_record(path)
        if record is not None:
            found[one.mark] = record
    for path in sorted((root / "spent").glob("*.json")):
        record = readable_record(path)
        if record is not None:
            found[f"spent/{path.stem}"] = record
    return found


def _entries(root: Path) -> Iterator[Trashed]:
    for path in (root / "trash").glob("*/entry.json"):
        if not path.with_name("content").exists():
            continue
        with contextlib.suppress(StoreError):
            found = _entry(path.parent)
            found.pop("about", None)
            if {name: type(value) for name, value in found.items()} != _FIELDS:
                continue
            one = Trashed(**found)
            # Where it goes back to is computed from these; they are never taken as a path.
            if one.mark == path.parent.name and one.shelf in get_args(Shelf):
                if not one.mark.startswith(f"{one.name}-") or not one.name.isalnum():
                    continue
                yield one


def _entry(folder: Path) -> dict[str, Any]:
    found = read_json(folder / "entry.json")
    if not isinstance(found, dict):
        raise StoreError(f"no entry of the trash: {found!r:.80}")
    return found


def _folder(root: Path, one: Trashed) -> Path:
    return root / "trash" / one.mark


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
    except OSError as error:
        raise storage_error(target, error) from error
