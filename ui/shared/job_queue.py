"""Jobs, what they print and have found so far, and what a study would cost; cached."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from irs_core.actions import Acting
from irs_core.actions.jobs import read_log
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.errors import IrsError, MissingEvidenceError
from irs_core.goals.goal import find_pilot
from irs_core.goals.outlook import expected_gain, looks
from irs_core.jobs import Job, JobQueue, Roster
from irs_core.run.estimate import Estimate, estimate_study
from irs_core.run.options import Until
from irs_core.run.timings import read_timings
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.store import Library, Study, StudyRecord
from ui.shared.interim import look_sentence
from ui.shared.library import list_studies, store_root


def jobs() -> list[Job]:
    """All jobs: running, waiting, ended. Those whose process is gone were put back before."""
    found = JobQueue(store_root())
    found.repair()
    return found.jobs()


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


def estimate(spec: StudySpec, inputs: int, until: Until = "end") -> Estimate:
    """Draws needed, draws stored and predicted time of a study; asked again after a minute."""
    studies = [*list_studies(), *_pilot_study(spec)]
    records = [study.record for study in studies]
    known = tuple((record.id, record.created, record.finished) for record in records)
    return _estimate(spec, inputs, until, f"{store_root()} {known}", studies)


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def _estimate(
    spec: StudySpec, inputs: int, until: Until, known: str, _studies: Sequence[Study]
) -> Estimate:
    del known  # Part of the key only.
    return estimate_study(spec, inputs, _studies, until, read_timings(store_root()))


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


def cirs_so_far(study_id: str, done: int) -> list[str]:
    """What CIRS has certified so far in a running study, and what the next minute may bring.

    Args:
        done: The job's progress; sentences are made anew as it grows.
    """
    return _so_far(str(store_root()), study_id, done)


@st.cache_data(max_entries=16, ttl=20, show_spinner=False)
def _so_far(root: str, study_id: str, done: int) -> list[str]:
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
    if not record.spec.looks:
        return ["Results are shown when it ends: this study was started without looks at them."]
    return [
        look_sentence(model.title, looks(result, model.name), expected_gain(result, model.name))
        for model in record.compressed
    ]
