"""The log of actions: one line of JSON each, only ever added to.

A file that has grown to `MAX_BYTES` is put aside, and the oldest of more than `KEPT` is removed.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from irs_core.errors import StoreError
from irs_core.people.roles import Action, Person
from irs_core.store.files import append_line, file_lock

logger = logging.getLogger(__name__)

Result = Literal["done", "refused", "failed"]
MAX_BYTES = 5_000_000
KEPT = 10
_NAME = "audit.jsonl"
_LONGEST = 400


@dataclass(frozen=True)
class Entry:
    """What somebody did, or tried to.

    Args:
        when: ISO 8601, UTC.
        who: The address; empty for whoever runs the program on their own machine.
        role: At that time.
        action: One of `Action`.
        on: Id of the study, job or upload; empty where there was none yet.
        result: Whether it was done.
        why: Why not, in a sentence.
    """

    when: str
    who: str
    role: str
    action: str
    on: str
    result: Result
    why: str = ""


def log_folder(root: Path) -> Path:
    """Where a store keeps its log."""
    return root / "audit"


def note(
    root: Path, person: Person, action: Action, on: str, result: Result, why: str = ""
) -> None:
    """Add a line to a store's log.

    A disk that refuses stops nobody: what frees space, or stops a job, must still be possible.
    """
    when = datetime.now(UTC).isoformat(timespec="milliseconds")
    entry = Entry(when, person.name, str(person.role), str(action), on, result, why[:_LONGEST])
    folder = log_folder(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file_lock(folder / ".lock"):
            _rotate(folder)
            append_line(folder / _NAME, json.dumps(asdict(entry)))
    except (OSError, StoreError) as error:
        logger.error("not in the audit log: %s (%s)", entry, error)


def entries(root: Path) -> Iterator[Entry]:
    """All lines of a store's log, the oldest first; torn ones are left out."""
    folder = log_folder(root)
    for path in [*_aside(folder), folder / _NAME]:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            try:
                yield Entry(**json.loads(line))
            except (ValueError, TypeError):
                continue


def _rotate(folder: Path) -> None:
    current = folder / _NAME
    if not current.exists() or current.stat().st_size < MAX_BYTES:
        return
    numbers = [int(path.name.split(".")[1]) for path in _aside(folder)]
    current.rename(folder / f"audit.{max(numbers, default=0) + 1:06d}.jsonl")
    for path in _aside(folder)[:-KEPT]:
        path.unlink(missing_ok=True)


def _aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("audit.[0-9]*.jsonl"))
