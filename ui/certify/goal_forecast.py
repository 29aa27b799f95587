"""Before a goal is started: the pilot, what the goal costs, what each input would get."""

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from irs_core.goals.goal import goal_spec
from irs_core.goals.outlook import Forecast
from irs_core.jobs import Job
from irs_core.methods.kit.cirs_plan import pilot_draws, pilot_spec
from irs_core.people import Action
from irs_core.run.options import RunOptions
from irs_core.spec.goal import Goal
from irs_core.spec.study import StudySpec
from irs_core.text import markdown
from ui.certify import job_cards, predictions
from ui.shared import (
    columns,
    grid,
    inventory,
    job_queue,
    launch,
    page_list,
    refusals,
    tables,
    theme,
    who,
)

_POLL_SECONDS = 1.0


def predicted(spec: StudySpec, goal: Goal, options: RunOptions) -> StudySpec:
    """The study that a goal asks for, described; the page ends at the pilot where none is stored.

    Raises:
        IrsError: The goal cannot be reached.
    """
    if not predictions.is_predictable(spec):
        _ask_for_pilot(pilot_spec(goal_spec(spec)), options)
        st.stop()
    chosen = predictions.chosen(spec, goal)
    titles = {str(one): one.title for one in chosen.compressions}
    found = predictions.expected(chosen)
    st.markdown(_sentence(chosen, found))
    grid.table(
        tables.forecast_table(titles, {name: [one] for name, one in found.items()}),
        "goal",
        columns.forecasts(),
        alt="Draws, time and radius that the goal is expected to take and bring, per model",
    )
    with st.expander("What other budgets are expected to bring"):
        grid.table(
            tables.forecast_table(titles, predictions.other_budgets(spec)),
            "budgets",
            columns.forecasts(),
            alt="Draws, time and radius expected of several budgets, per model",
        )
    with st.expander("What each input would get"):
        _show_plan(chosen, titles)
    return chosen


def _sentence(spec: StudySpec, found: Mapping[str, Forecast]) -> str:
    n_p, acr = spec.n_p[-1], [one.acr for one in found.values()]
    radii = theme.spread(min(acr), max(acr), 3)
    return (
        f"The goal takes **{theme.count(n_p)} draws per input** on average on each compressed "
        f"model, the pilot included, and is expected to bring an ACR of **{radii}**. This is "
        "read off the pilot and carries no confidence; the certificates will."
    )


def _show_plan(spec: StudySpec, titles: Mapping[str, str]) -> None:
    name = st.selectbox(
        "Compressed model",
        list(titles),
        format_func=titles.__getitem__,
        key="form_plan",
        bind="query-params",
    )
    grid.table(
        predictions.plan(spec, name),
        f"plan-{name}",
        columns.why(),
        alt=f"Branch, draws and expected radius of every input for {titles[name]}",
    )


def _ask_for_pilot(spec: StudySpec, options: RunOptions) -> None:
    jobs = [job for job in job_queue.jobs() if job.study == spec.id and job.until == "pilot"]
    if any(job.active for job in jobs):
        active = next(job for job in jobs if job.active)
        st.fragment(_watch, run_every=_POLL_SECONDS)(active.id)
        page_list.link("jobs", "All jobs")
        return
    st.markdown(_pilot_text(spec, options))
    _say_failure(jobs)
    if who.button(
        "Run the pilot",
        Action.LAUNCH,
        type="primary",
        icon=":material/science:",
        key="start_pilot",
    ):
        launch.start(spec, options, "pilot")
        st.rerun()


def _say_failure(jobs: Sequence[Job]) -> None:
    latest = max(jobs, key=lambda job: job.created, default=None)
    if latest is not None and latest.error:
        st.error(f"The pilot failed: {markdown(latest.error)}", icon=":material/error:")


def _pilot_text(spec: StudySpec, options: RunOptions) -> str:
    facts = inventory.data_facts(spec.data)
    inputs = facts.reported + facts.held_out
    estimate = job_queue.estimate(spec, inputs, options, "pilot")
    stored = (
        f"{theme.rounded_count(estimate.stored)} of them stored already"
        if estimate.stored
        else "none of them stored yet"
    )
    time = (
        "how long they take is not known, because this model was never run here"
        if estimate.whole is None
        else f"about **{theme.duration(math.ceil(estimate.whole))}** of computing"
    )
    return (
        "What a goal costs depends on how often the compressed models change the answer. A "
        f"**pilot** finds out: {theme.count(spec.n0 + spec.n)} draws of the original per input, "
        f"which the study needs and keeps, and {pilot_draws(spec)} of each compressed model. "
        f"These are {theme.rounded_count(estimate.draws)} draws, {stored}; {time}. Then this page "
        "says what the goal costs, before anything else is started."
    )


def _watch(job_id: int) -> None:
    with refusals.explained():
        job = job_queue.job(job_id)
    if not job.active:
        # A full run of the page shows what the pilot predicts.
        st.rerun()
    st.progress(job.fraction, text=f"Pilot: {job_cards.progress_text(job)}")
