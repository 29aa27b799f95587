"""Jobs, what they print and have found so far, and what a study would cost; cached."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from irs_core.actions import Acting
from irs_core.actions.jobs import read_log
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.errors import IrsError, MissingEvidenceError
from irs_core.goals.goal import find_pilot
from irs_core.goals.outlook import Look, expected_gain, looks
from irs_core.jobs import Job, JobQueue, Roster
from irs_core.run.estimate import Estimate, estimate_study
from irs_core.run.options import RunOptions, Until
from irs_core.run.timings import read_timings
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.spec.titles import distinct_titles
from irs_core.store import Library, Study, StudyRecord
from irs_core.train.task import Training
from ui.shared.library import list_studies, store_root


def jobs() -> list[Job]:
    """All jobs: running, waiting, ended. Those whose process is gone were put back before."""
    found = JobQueue(store_root())
    found.repair()
    return found.jobs()


def titles(jobs: Sequence[Job]) -> dict[int, str]:
    """What jobs are called, by id; equal names are told apart by what differs."""
    studies = [(one, one.spec) for one in jobs if isinstance(one.spec, StudySpec)]
    names = distinct_titles([spec for _, spec in studies])
    found = {
        one.id: f"{name}: pilot" if one.until == "pilot" else name
        for (one, _), name in zip(studies, names, strict=True)
    }
    trained = {one.id: one.spec.title for one in jobs if isinstance(one.spec, Training)}
    return {**found, **trained}


def active(owner: str) -> set[int]:
    """Ids of somebody's jobs that wait or run; asked on every run of every page."""
    root = store_root()
    return JobQueue(root).active(owner) if (root / "jobs.sqlite").exists() else set()


def workers() -> int:
    """Workers that live."""
    return len(Roster(store_root()).living())


def job(job_id: int) -> Job:
    """One job.

    Raises:
        JobError: There is none of that id.
    """
    return JobQueue(store_root()).get(job_id)


def log_tail(acting: Acting, job_id: int, lines: int = 25) -> str:
    """The last lines of a job's output; empty where there is none.

    Raises:
        NotAllowedError: They may not read it.
    """
    return "\n".join(read_log(acting, job_id).splitlines()[-lines:])


def estimate(spec: StudySpec, inputs: int, options: RunOptions, until: Until = "end") -> Estimate:
    """Draws needed, draws stored and predicted time of a study; asked again after a minute."""
    studies = [*list_studies(), *_pilot_study(spec)]
    records = [study.record for study in studies]
    known = tuple((record.id, record.created, record.finished) for record in records)
    return _estimate(spec, inputs, options, until, f"{store_root()} {known}", studies)


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def _estimate(
    spec: StudySpec,
    inputs: int,
    options: RunOptions,
    until: Until,
    known: str,
    _studies: Sequence[Study],
) -> Estimate:
    del known  # Part of the key only.
    return estimate_study(spec, inputs, _studies, until, read_timings(store_root()), options)


def pilot(spec: StudySpec) -> StudyRecord:
    """What the pilot of a study left behind, as the study's own record.

    Raises:
        MissingEvidenceError: None ran to its end.
    """
    return find_pilot(spec, Library(store_root()))


def _pilot_study(spec: StudySpec) -> list[Study]:
    try:
        return [Study(pilot(spec), Library(store_root()).evidence_folder)]
    except MissingEvidenceError:
        return []


@dataclass(frozen=True)
class SoFar:
    """What CIRS has certified of one compressed model in a running study.

    Args:
        title: The model's.
        rounds: Complete rounds; none where results are not shown before the end.
        gain: ACR that the next minute is expected to bring; NaN where no time was measured.
        inputs: Inputs that are reported.
    """

    name: str
    title: str
    rounds: tuple[Look, ...]
    gain: float
    inputs: int


def so_far(study_id: str, done: int) -> list[SoFar]:
    """What a running study has certified; nothing while the original is at work.

    Args:
        done: The job's progress; it is counted anew as that grows.
    """
    return _so_far(str(store_root()), study_id, done)


@st.cache_data(max_entries=16, ttl=20, show_spinner=False)
def _so_far(root: str, study_id: str, done: int) -> list[SoFar]:
    del done  # Part of the key only.
    library = Library(Path(root))
    record = library.live_record(study_id)
    if record is None:
        return []
    try:
        tally = tally_study(Study(record, library.evidence_folder))
    except IrsError:
        # The original is still at work.
        return []
    result = Analysis(tally, Settings.of(record.spec))
    return [
        SoFar(
            model.name,
            model.title,
            tuple(looks(result, model.name)),
            expected_gain(result, model.name) if record.spec.looks else math.nan,
            len(result.labels),
        )
        for model in record.compressed
    ]
