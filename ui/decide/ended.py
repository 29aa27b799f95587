"""What ended while its reader was elsewhere: a word on whatever page they are on."""

import streamlit as st

from irs_core.analysis.decisions import preset_requirement
from irs_core.decide.words import ANSWERS
from irs_core.errors import IrsError
from irs_core.jobs import Job
from irs_core.spec.settings import Settings
from irs_core.spec.titles import title
from irs_core.text import NAME, markdown, plain
from ui.decide.decisions import decisions
from ui.shared import job_queue, library, navigation, who

POLL_SECONDS = 3.0
_ACTIVE, _ENDED = "jobs_seen_active", "jobs_just_ended"
_ICONS = {"done": ":material/check_circle:", "failed": ":material/error:"}


def announce() -> None:
    """Say what ended since the last run, in a toast and in the tab's title; before the page."""
    ended: list[int] = st.session_state.pop(_ENDED, [])
    for job_id in ended:
        try:
            job = job_queue.job(job_id)
            st.toast(words(job), icon=_ICONS.get(job.state), duration="long")
        except IrsError:
            continue
        navigation.mark_title("✓" if job.state == "done" else "✗")


def watch() -> None:
    """Look for jobs that end from here on; asked again only while one is active."""
    active = any(job.active for job in _own_jobs())
    st.fragment(_look, run_every=POLL_SECONDS if active else None)()


def _look() -> None:
    jobs = _own_jobs()
    before: set[int] = st.session_state.get(_ACTIVE, set())
    ended = [job.id for job in jobs if job.id in before and not job.active]
    st.session_state[_ACTIVE] = {job.id for job in jobs if job.active}
    if ended:
        st.session_state[_ENDED] = ended
        # Toasts stay when the whole page runs again, and only that changes the tab's title.
        st.rerun()


def _own_jobs() -> list[Job]:
    try:
        name = who.person().name
        return [job for job in job_queue.jobs() if job.owner == name]
    except IrsError:
        # The page itself says what is wrong.
        return []


def words(job: Job) -> str:
    """How a job ended, and what came out, in Markdown."""
    name = markdown(plain(title(job.spec), NAME))
    if job.state != "done":
        return f"**{name}** {job.state}. See the page Jobs."
    found = "" if job.until == "pilot" else _result(job)
    return f"**{name}** is done. {found}".strip()


def _result(job: Job) -> str:
    study = next((one for one in library.list_studies() if one.record.id == job.study), None)
    if study is None or not study.record.compressed:
        return ""
    spec = study.record.spec
    asked = preset_requirement(spec.noise.sigma)
    found = decisions(study, Settings.of(spec), asked)
    answers = [f"{markdown(one.model)}: {ANSWERS[one.verdict].lower()}" for one in found.values()]
    return f"May it ship at radius {asked.radius:g}? {'; '.join(answers)}." if answers else ""
