"""Actions on uploaded files: keep within a quota, list with what uses them, delete."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from irs_core.actions.acting import Acting, only_one, taking
from irs_core.errors import SpecError, StoreError
from irs_core.jobs import JobQueue
from irs_core.people import Action
from irs_core.server_files import Upload, keep_data, keep_upload, uploads_folder
from irs_core.store.about import About, read_about, write_about
from irs_core.store.naming import named
from irs_core.store.trash import Trashed, put, remove, trashed
from irs_core.train.task import Training

QUOTA = "IRS_UPLOAD_QUOTA_MB"
_PER_PERSON, _TOTAL = 2_000, 20_000
_MB = 1_000_000


@dataclass(frozen=True)
class Quota:
    """Bytes that uploads may take: those of one person, and all together; None for any number."""

    person: int | None
    total: int | None


@dataclass(frozen=True)
class Kept:
    """An upload in the store.

    Args:
        name: Of its folder: digits of a digest of its files.
        files: Names of its files.
        when: Unix time at which it was uploaded.
        used_by: Ids of studies, and of jobs that wait or run, that name one of its files.
    """

    name: str
    files: tuple[str, ...]
    size_bytes: int
    owner: str
    when: float
    used_by: tuple[str, ...]


def quota(acting: Acting) -> Quota:
    """What IRS_UPLOAD_QUOTA_MB says, as PERSON:TOTAL in megabytes.

    Unset it is 2000:20000 where people sign in, and nothing is bounded on one's own machine.

    Raises:
        SpecError: It is not of that form.
    """
    text = os.environ.get(QUOTA, "")
    if not text:
        own = not acting.person.name
        return Quota(None, None) if own else Quota(_PER_PERSON * _MB, _TOTAL * _MB)
    person, _, total = text.partition(":")
    if not (person.isdecimal() and total.isdecimal()):
        raise SpecError(
            f"{QUOTA} must be PERSON:TOTAL in whole megabytes, such as 2000:20000; got {text!r:.80}"
        )
    return Quota(int(person) * _MB, int(total) * _MB)


def upload_model(
    acting: Acting, files: Sequence[tuple[str, bytes]], check: Callable[[Path], object]
) -> Upload:
    """Keep an uploaded model; see `irs_core.server_files.keep_upload`.

    Raises:
        NotAllowedError: They may not.
        IrsError: The files are refused, or too many bytes are kept already.
    """
    size = sum(len(content) for _, content in files)
    return _keep(acting, size, lambda: keep_upload(acting.root, files, check))


def upload_data(
    acting: Acting, name: str, content: bytes, check: Callable[[Path], object]
) -> Upload:
    """Keep an uploaded data set; see `irs_core.server_files.keep_data`.

    Raises:
        NotAllowedError: They may not.
        IrsError: The file is refused, or too many bytes are kept already.
    """
    return _keep(acting, len(content), lambda: keep_data(acting.root, name, content, check))


def uploads(root: Path) -> list[Kept]:
    """All uploads, the latest first."""
    folders = [one for one in uploads_folder(root).glob("*") if one.is_dir()]
    named_by = list(_specs(root)) if folders else []
    found = []
    for folder in folders:
        # Others may delete one while these are listed.
        with contextlib.suppress(FileNotFoundError):
            found.append(_kept(root, folder, named_by))
    return sorted(found, key=lambda one: one.when, reverse=True)


def delete_upload(acting: Acting, name: str) -> Trashed:
    """Move an upload that nothing uses to the trash.

    Raises:
        NotAllowedError: They may not.
        StoreError: There is none of that name, or a study or a job names it.
    """
    found = named(name, {one.name: one for one in uploads(acting.root)})
    if found is None:
        raise StoreError(f"no upload {name!r}; ./irs studies --uploads lists them")
    with taking(acting, Action.DELETE, found.name, owner=found.owner), only_one(acting.root):
        # Asked again inside the lock: a job may have been started meanwhile.
        kept = {one.name: one for one in uploads(acting.root)}.get(found.name)
        if kept is None:
            raise StoreError(f"upload {found.name} was deleted meanwhile")
        if kept.used_by:
            raise StoreError(f"upload {kept.name} is used by {kept.used_by[0]}: delete that first")
        return put(acting.root, "uploads", kept.name, title=", ".join(kept.files))


def _keep(acting: Acting, size: int, keep: Callable[[], Upload]) -> Upload:
    root = acting.root
    with taking(acting, Action.UPLOAD) as subject:
        with only_one(root):
            check_room(acting, size)
        # Reading what somebody brings may take long, and nobody has to wait for it.
        upload = keep()
        subject.name = upload.path.parent.name
        if upload.fresh:
            with only_one(root):
                write_about(root, "uploads", subject.name, About(owner=acting.person.name))
                _check_kept(acting, subject.name)
        return upload


def _check_kept(acting: Acting, name: str) -> None:
    """Take an upload away again if others came meanwhile and all are too many together."""
    try:
        check_room(acting, 0)
    except SpecError:
        shutil.rmtree(uploads_folder(acting.root) / name, ignore_errors=True)
        write_about(acting.root, "uploads", name, About())
        raise


def check_room(acting: Acting, size: int) -> None:
    """Refuse bytes that are too many beside those that are kept already.

    Raises:
        SpecError: They are, also once what its owner threw away has given way.
    """
    said = _too_much(acting, size)
    if said:
        # Before somebody is refused, what they threw away gives way.
        for one in trashed(acting.root):
            if one.shelf == "uploads" and one.owner == acting.person.name:
                remove(acting.root, one)
        said = _too_much(acting, size)
    if said:
        raise SpecError(said)


def _too_much(acting: Acting, size: int) -> str:
    """Why so many bytes more are too many; empty where they are not."""
    bound, taken = quota(acting), list(_taken(acting.root))
    own = sum(bytes_ for owner, bytes_ in taken if owner == acting.person.name)
    whole = sum(bytes_ for _, bytes_ in taken)
    for used, most, whose in ((own, bound.person, "yours"), (whole, bound.total, "all together")):
        if most is not None and used + size > most:
            taken_mb = f"{-(-(used + size) // _MB)} MB with this one"
            return (
                f"uploads may take {most // _MB} MB, {whose}, and would take {taken_mb}: delete "
                "some on the page Studies"
            )
    return ""


def _taken(root: Path) -> Iterator[tuple[str, int]]:
    """Owner and bytes of every upload, of those in the trash and of what trains for it too."""
    for kept in uploads(root):
        yield kept.owner, kept.size_bytes
    for one in trashed(root):
        if one.shelf == "uploads":
            yield one.owner, folder_bytes(root / "trash" / one.mark / "content")
    for job in JobQueue(root).jobs():
        if job.active and isinstance(job.spec, Training):
            yield job.owner, job.spec.size_bytes


def folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder, links not followed."""
    return sum(
        one.stat().st_size for one in folder.rglob("*") if one.is_file() and not one.is_symlink()
    )


def _kept(root: Path, folder: Path, named_by: Sequence[tuple[str, str]]) -> Kept:
    # Paths are stored in full; a store that was moved still finds its own by their end.
    mark = f"/uploads/{folder.name}/"
    return Kept(
        name=folder.name,
        files=tuple(sorted(one.name for one in folder.iterdir())),
        size_bytes=folder_bytes(folder),
        owner=read_about(root, "uploads", folder.name).owner,
        when=folder.stat().st_mtime,
        used_by=tuple(dict.fromkeys(name for name, text in named_by if mark in text)),
    )


def _specs(root: Path) -> Iterator[tuple[str, str]]:
    """Names of what may use an upload, and a text that holds its specification."""
    # Manifests as they lie there, since one that cannot be opened may name an upload, too.
    for folder, what in (("studies", "study"), ("pilots", "the pilot")):
        for path in (root / folder).glob("*.json"):
            yield f"{what} {path.stem}", _text(path)
    for one in trashed(root):
        if one.shelf == "studies":
            path = root / "trash" / one.mark / "content"
            yield f"study {one.name} in the trash", _text(path)
    for job in JobQueue(root).jobs():
        if job.active:
            yield f"job {job.id}", json.dumps(job.spec.to_dict())


def _text(path: Path) -> str:
    """What a file holds; nothing where it was removed since it was listed."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
