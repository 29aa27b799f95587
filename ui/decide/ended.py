"""What ended while its reader was elsewhere: a word on whatever page they are on."""

from collections.abc import Iterable

import streamlit as st

from irs_core.analysis.decisions import preset_requirement
from irs_core.decide.words import ANSWERS
from irs_core.errors import IrsError
from irs_core.jobs import Job
from irs_core.spec.settings import Settings
from irs_core.spec.titles import title
from irs_core.text import NAME, markdown, plain
from irs_core.train.task import Training
from ui.decide.decisions import decisions
from ui.shared import job_queue, library, navigation, who

POLL_SECONDS = 3.0
_ACTIVE = "jobs_seen_active"
_ICONS = {"done": ":material/check_circle:", "failed": ":material/error:"}


def watch() -> None:
    """Say what ended since the last run, in a toast and in the tab's title, and look on while one
    of the reader's jobs is active; before the page."""
    active = _active()
    _announce(sorted(st.session_state.get(_ACTIVE, set()) - active))
    st.session_state[_ACTIVE] = active
    if active:
        st.fragment(_look, run_every=POLL_SECONDS)()


def _look() -> None:
    if st.session_state[_ACTIVE] - _active():
        # Toasts stay when the whole page runs again, and only that changes the tab's title.
        st.rerun()


def _active() -> set[int]:
    try:
        return job_queue.active(who.person().name)
    except IrsError:
        # The page itself says what is wrong.
        return set()


def _announce(ended: Iterable[int]) -> None:
    for job_id in ended:
        try:
            job = job_queue.job(job_id)
            st.toast(words(job), icon=_ICONS.get(job.state), duration="long")
        except IrsError:
            continue
        navigation.mark_title("✓" if job.state == "done" else "✗")


def words(job: Job) -> str:
    """How a job ended, and what came out, in Markdown."""
    if isinstance(job.spec, Training):
        name = markdown(job.spec.title)
        done = "is done. The page Jobs puts it into a study"
        return f"**{name}** {done if job.state == 'done' else f'{job.state}. See the page Jobs'}."
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
    if not answers:
        return ""
    return f"May it ship at radius {asked.radius:g}, each for itself? {'; '.join(answers)}."
