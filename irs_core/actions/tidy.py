"""What is removed with time: the trash, uploads that nothing uses, halves of files."""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from irs_core.actions.acting import Acting, only_one, taking
from irs_core.actions.uploads import delete_upload, uploads
from irs_core.errors import IrsError, SpecError
from irs_core.jobs import JobQueue
from irs_core.jobs.job import scope_of
from irs_core.people import Action
from irs_core.store.records import StudyRecord
from irs_core.store.trash import Trashed, deleted_records, remove, trashed
from irs_core.store.unused import is_quiet, remove_evidence, remove_halves, unused_evidence

logger = logging.getLogger(__name__)

STAYS = (
    "a job on the same model, inputs and noise waits or runs, or draws were written within the "
    "last hour"
)
TRASH_DAYS, UPLOAD_DAYS = "IRS_TRASH_DAYS", "IRS_UPLOAD_DAYS"
_DEFAULTS = {TRASH_DAYS: 30, UPLOAD_DAYS: 90}
_DAY = 86_400.0


def days(variable: str) -> int:
    """Days that IRS_TRASH_DAYS (30) or IRS_UPLOAD_DAYS (90) says.

    Raises:
        SpecError: It is no whole number.
    """
    text = os.environ.get(variable, str(_DEFAULTS[variable]))
    if not text.isdecimal():
        raise SpecError(f"{variable} must be a whole number of days; got {text!r:.80}")
    return int(text)


def empty_trash(acting: Acting, older_than: float = 0.0) -> list[Trashed]:
    """Remove for good what is in the trash, and evidence that nothing else uses; what was removed.

    A study stays there while a job of the same model, inputs and noise waits or runs, or while its
    evidence is being written.

    Args:
        older_than: Only what was deleted so many days ago.

    Raises:
        NotAllowedError: They may not.
    """
    with taking(acting, Action.EMPTY_TRASH) as subject, only_one(acting.root):
        latest = time.time() - older_than * _DAY
        old = [one for one in trashed(acting.root) if one.when <= latest]
        gone = [one for one in old if _removed(acting.root, one)]
        subject.name = " ".join(one.name for one in gone)
    return gone


def tidy(root: Path) -> None:
    """Do what is due: once a day at most, and never the reason why something else fails."""
    mark = root / "tidied"
    try:
        if not root.exists() or (mark.exists() and time.time() - mark.stat().st_mtime < _DAY):
            return
        mark.touch()
        _tidy(root)
    except (IrsError, OSError) as error:
        logger.warning("the store was not tidied: %s", error)


def _tidy(root: Path) -> None:
    acting = Acting(root)
    oldest = time.time() - days(UPLOAD_DAYS) * _DAY
    for one in uploads(root):
        if one.when < oldest and not one.used_by:
            # One that a job takes into use meanwhile keeps nothing else from being tidied.
            with contextlib.suppress(IrsError):
                delete_upload(acting, one.name)
    limit = days(TRASH_DAYS)
    if any(one.when <= time.time() - limit * _DAY for one in trashed(root)):
        empty_trash(acting, limit)
    remove_halves(root)
    _remove_unfinished(root, oldest)


def _remove_unfinished(root: Path, oldest: float) -> None:
    """Remove what trainings left that nobody went on with."""
    active = {job.study for job in JobQueue(root).jobs() if job.active}
    for folder in (root / "training").glob("*"):
        if folder.name not in active and folder.lstat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)


def _removed(root: Path, one: Trashed) -> bool:
    """Whether something in the trash could be removed for good."""
    if one.shelf == "studies":
        records = deleted_records(root)
        record = records.pop(one.mark, None)
        if record is not None and not _freed(root, record, _in_trash(records)):
            return False
    remove(root, one)
    return True


def _freed(root: Path, record: StudyRecord, others: Sequence[StudyRecord]) -> bool:
    scope = scope_of(record.spec)
    if any(job.active and scope_of(job.spec) == scope for job in JobQueue(root).jobs()):
        return False
    ids = unused_evidence(root, record, others)
    if not is_quiet(root, ids):
        return False
    remove_evidence(root, ids)
    return True


def _in_trash(records: dict[str, StudyRecord]) -> list[StudyRecord]:
    return [record for mark, record in records.items() if not mark.startswith("spent/")]
