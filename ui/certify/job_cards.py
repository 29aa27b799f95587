"""Jobs as cards that follow their progress while something is active."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import streamlit as st

from irs_core import methods
from irs_core.actions import Acting
from irs_core.actions import jobs as actions
from irs_core.errors import IrsError
from irs_core.jobs import Job, State
from irs_core.people import Action
from irs_core.run.words import model_titles
from irs_core.spec.study import StudySpec
from irs_core.text import markdown
from irs_core.train.task import Training
from ui.certify import clone, growing, training_cards
from ui.shared import columns, job_queue, launch, page_list, refusals, tables, theme, who

POLL_SECONDS = 1.0
SHOWN = 20
# Past every other job.
_MANY = 1_000_000
_Colour = Literal["blue", "gray", "green", "red", "orange"]
_STATES: dict[State, tuple[str, str, _Colour]] = {
    "running": ("running", ":material/play_arrow:", "blue"),
    "queued": ("waiting", ":material/schedule:", "gray"),
    "done": ("done", ":material/check:", "green"),
    "failed": ("failed", ":material/error:", "red"),
    "cancelled": ("cancelled", ":material/block:", "orange"),
}


def show_jobs() -> None:
    """All jobs; the list refreshes itself only while one waits or runs."""
    with refusals.explained():
        jobs = job_queue.jobs()
    if not jobs:
        st.info("No job yet. A study that is started on the Certify page appears here.")
        page_list.link("certify", "Start a study")
        return
    started = st.session_state.pop(launch.STARTED, None)
    # A place that stays: what polls below must not move when the message goes.
    place = st.container()
    if started is not None:
        place.success(
            f"Job {started} is in the queue. You may go anywhere or close the browser: a note on "
            "whatever page you are on says when it ends."
        )
    active = any(job.active for job in jobs)
    st.fragment(_cards, run_every=POLL_SECONDS if active else None)(active)


def _cards(was_active: bool) -> None:
    with refusals.explained():
        # The list refreshes itself, so that a role may be taken away meanwhile.
        who.person()
        jobs = job_queue.jobs()
    if was_active and not any(job.active for job in jobs):
        # A full run of the page registers the list again, without polling.
        st.rerun()
    _check_worker(jobs)
    titles = job_queue.titles(jobs)
    for job in jobs[:SHOWN]:
        _card(job, titles[job.id])
    if len(jobs) > SHOWN:
        st.caption(
            f"{theme.plural(len(jobs) - SHOWN, 'older job')} left out; "
            "`python -m irs_core jobs list` shows all."
        )


def _check_worker(jobs: list[Job]) -> None:
    waiting = any(job.state == "queued" for job in jobs)
    if not waiting or job_queue.workers():
        return
    with st.container(border=True):
        st.warning("Jobs wait, and no worker runs them.", icon=":material/engineering:")
        pressed = who.button("Start a worker", Action.START_WORKER, key="start_worker")
        if pressed and not actions.start_worker(who.acting()):
            st.error("No process may be started here; run `python -m irs_core worker`.")


def _card(job: Job, title: str) -> None:
    label, icon, colour = _STATES[job.state]
    with st.container(border=True, key=f"job-{job.id}"):
        head, state = st.columns([5, 1], vertical_alignment="center")
        head.markdown(f"**{job.id} · {markdown(title)}**")
        state.badge("stopping" if job.active and job.cancel else label, icon=icon, color=colour)
        if job.active or 0 < job.fraction < 1:
            st.progress(job.fraction, text=progress_text(job))
        if job.state == "running" and isinstance(job.spec, StudySpec):
            _so_far(job, job.spec)
        st.caption(_facts(job))
        if job.note:
            st.info(refusals.sentence(IrsError(job.note)), icon=":material/history:")
        if job.error:
            st.error(refusals.sentence(IrsError(job.error)), icon=":material/error:")
        with st.container(horizontal=True, vertical_alignment="center"):
            _actions(job)
        log = "" if who.why_not(Action.READ_LOG, job.owner) else _log(job)
        if log:
            with st.expander("Log", icon=":material/terminal:"):
                st.code(log, language=None)


def _so_far(job: Job, spec: StudySpec) -> None:
    """What a running study has drawn, and certified where that may be seen."""
    if job.progress.parts:
        st.dataframe(
            tables.parts_table(job.progress.parts, model_titles(spec)),
            column_config=columns.parts(),
            hide_index=True,
            height="content",
            key=f"parts-{job.id}",
        )
    if any(method.plans for method in methods.asked(spec)):
        growing.show(job_queue.so_far(job.study, job.progress.done), job.id, looks=spec.looks)


def _log(job: Job) -> str:
    return job_queue.log_tail(who.acting(), job.id)


def _actions(job: Job) -> None:
    if job.state == "queued":
        _action(
            job, "Run first", "first", Action.REORDER, lambda me, one: actions.move(me, one, -_MANY)
        )
        _action(job, "Later", "later", Action.REORDER, lambda me, one: actions.move(me, one, 1))
    if job.active:
        _action(job, "Cancel", "cancel", Action.CANCEL, actions.cancel, disabled=job.cancel)
        return
    if isinstance(job.spec, Training):
        training_cards.show_result(job, job.spec)
    elif job.state == "done" and job.until == "end":
        for page in ("overview", "acr_time" if job.spec.baseline else "inputs", "zeta_table"):
            page_list.link(page, study=job.study)
    again = "Run again" if job.state == "done" else "Retry"
    _action(job, again, "retry", Action.RETRY, actions.retry)
    if isinstance(job.spec, Training):
        return
    pilot = job.until == "pilot"
    if st.button("Choose a goal" if pilot else "Edit and run again", key=f"clone-{job.id}"):
        st.session_state.update(clone.form_values(job.spec, goal="draws" if pilot else None))
        page_list.go("certify")


def _action(
    job: Job,
    label: str,
    name: str,
    action: Action,
    act: Callable[[Acting, int], None],
    *,
    disabled: bool = False,
) -> None:
    key = f"{name}-{job.id}"
    if who.button(label, action, owner=job.owner, key=key, disabled=disabled):
        try:
            act(who.acting(), job.id)
        except IrsError as error:
            st.error(refusals.sentence(error))
        else:
            # Whether the list polls is decided outside the fragment.
            st.rerun()


def progress_text(job: Job) -> str:
    """Where a job is, in a line of Markdown."""
    if job.state == "queued":
        return "waiting for its turn"
    progress = job.progress
    if not progress.total:
        return "preparing: loading model and data"
    unit = "images" if isinstance(job.spec, Training) else "draws"
    parts = [
        markdown(progress.stage),
        f"{theme.count(progress.done)} of {theme.count(progress.total)} {unit}",
    ]
    if progress.rate > 0:
        parts.append(f"{theme.rounded_count(progress.rate)} {unit}/s")
    if job.active and job.seconds_left is not None:
        parts.append(f"{theme.duration(job.seconds_left)} left")
    return " · ".join(parts)


def _facts(job: Job) -> str:
    when = datetime.fromtimestamp(job.created).astimezone().strftime("%Y-%m-%d %H:%M")
    parts = [*_about(job.spec), f"queued {when}"]
    if job.started and job.ended and job.ended > job.started:
        parts.append(f"took {theme.duration(job.ended - job.started)}")
    if job.owner:
        parts.append(f"started by {job.owner}")
    if job.attempts > 1:
        parts.append(f"attempt {job.attempts}")
    what = "training" if isinstance(job.spec, Training) else "study"
    return " · ".join([*parts, f"{what} {job.study}"])


def _about(spec: StudySpec | Training) -> list[str]:
    if isinstance(spec, Training):
        return training_cards.facts(spec)
    compressed = theme.plural(len(spec.compressions), "compressed model")
    return [f"{spec.data.kind}, {compressed}", f"n = {theme.count(spec.n)}"]
