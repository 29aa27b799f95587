"""A job: what one row of the queue's table says."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from irs_core.jobs.lease import Lease
from irs_core.run.options import Part, Progress, RunOptions, Until
from irs_core.spec.fields import stable_id
from irs_core.spec.study import StudySpec
from irs_core.store.process import Process, parse
from irs_core.train.task import KEY, Training

State = Literal["queued", "running", "done", "failed", "cancelled"]
ACTIVE: tuple[State, ...] = ("queued", "running")


@dataclass(frozen=True)
class Job:
    """One row of the table.

    Args:
        study: Id of the study; of a training, its own.
        spec: What is run: a study, or a training.
        until: How far the study runs.
        created, started, ended: Unix times; None where it has not happened.
        process: The process that runs it; None where none is known.
        lease: The right of whoever claimed it last.
        progress: What the job reported last.
        note: How it was interrupted, one sentence.
        error: Why it failed, one sentence.
        result: The file that a training wrote; empty until then, and for studies.
        owner: Name of who queued it; empty for nobody, and so for admins.
    """

    id: int
    study: str
    spec: StudySpec | Training
    options: RunOptions
    until: Until
    state: State
    created: float
    started: float | None
    ended: float | None
    process: Process | None
    lease: Lease
    cancel: bool
    attempts: int
    progress: Progress
    note: str
    error: str
    owner: str = ""
    result: str = ""

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ACTIVE

    @property
    def pid(self) -> int | None:
        """Number of the process that runs it."""
        return None if self.process is None else self.process.pid

    @property
    def done(self) -> int:
        """Predictions computed in this run."""
        return self.progress.done

    @property
    def fraction(self) -> float:
        """Share done, in [0, 1]."""
        if self.state == "done":
            return 1.0
        total = self.progress.total
        return min(1.0, self.progress.done / total) if total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the measured rates; None before there is one."""
        progress = self.progress
        if progress.seconds_left is not None:
            return progress.seconds_left
        return (progress.total - progress.done) / progress.rate if progress.rate > 0 else None


def evidence_scope(described: Mapping[str, Any]) -> str:
    """Equal for studies that may share evidence: the same model, inputs and noise.

    Args:
        described: A specification, as `StudySpec.to_dict` gives it.
    """
    return stable_id([described["model"], described["data"], described["noise"]])


def scope_of(spec: StudySpec | Training) -> str:
    """Equal for jobs that must not run at the same time."""
    return spec.id if isinstance(spec, Training) else evidence_scope(spec.to_dict())


def _spec_of(text: str) -> StudySpec | Training:
    described = json.loads(text)
    return Training.from_dict(described) if KEY in described else StudySpec.from_dict(described)


def job_of(row: sqlite3.Row) -> Job:
    """The job in a row."""
    parts, seconds_left = _details(row["progress"])
    return Job(
        id=row["id"],
        study=row["study"],
        spec=_spec_of(row["spec"]),
        options=RunOptions(**json.loads(row["options"])),
        until=row["until"],
        state=row["state"],
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        process=parse(row["process"]),
        lease=Lease(row["id"], row["fence"]),
        cancel=bool(row["cancel"]),
        attempts=row["attempts"],
        progress=Progress(
            row["stage"], row["done"], row["total"], row["rate"], seconds_left, parts
        ),
        note=row["note"],
        error=row["error"],
        owner=row["owner"],
        result=row["result"],
    )


def details_text(progress: Progress) -> str:
    """The part of a progress that has no columns of its own, as JSON."""
    return json.dumps(
        {"seconds_left": progress.seconds_left, "parts": [asdict(part) for part in progress.parts]}
    )


def _details(text: str) -> tuple[tuple[Part, ...], float | None]:
    # A row of an older version has none, one of a newer version may say more than is known here.
    try:
        found = json.loads(text)
        parts = tuple(
            Part(one["name"], one["stream"], one["done"], one["needed"], one["rate"])
            for one in found["parts"]
        )
        return parts, found["seconds_left"]
    except (ValueError, KeyError, TypeError):
        return (), None
