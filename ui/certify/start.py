"""Before and at the start of a study: what it costs, what it promises, whether it fits."""

import math

import streamlit as st

from irs_core.analysis.ledger import fresh_seed, used_before
from irs_core.errors import DatasetError
from irs_core.jobs import Job, ensure_worker
from irs_core.run.options import RunOptions, Until
from irs_core.spec.study import BACKENDS, StudySpec
from ui.shared import captions, controls, inventory, job_queue, library, own_files, theme


def describe_launch(spec: StudySpec) -> None:
    """Say in words what a study will cost and promise.

    Raises:
        IrsError: The data do not hold what the study asks for.
    """
    facts = inventory.data_facts(spec.data)
    inputs = facts.reported + facts.held_out
    st.markdown(f"{captions.cost(spec, inputs)} {_expected_time(spec, inputs)}")
    st.markdown(captions.guarantee(spec))
    st.caption(captions.noise(spec))
    _warn_of_used_draws(spec)


def _warn_of_used_draws(spec: StudySpec) -> None:
    """Say which results were seen on these very draws, and which seed draws fresh ones."""
    records = [one.record for one in library.list_studies()]
    before = used_before(spec, records)
    if before:
        st.warning(
            f"Study {before[0].id[:6]} showed results on these draws. A proof holds only if this "
            "study's settings and numbers of draws were fixed before that; with seed "
            f"{fresh_seed(spec, records)} it stands by itself.",
            icon=":material/recycling:",
        )


def _expected_time(spec: StudySpec, inputs: int) -> str:
    """What is stored already, and how long the rest takes at the measured rates."""
    estimate = job_queue.estimate(spec, inputs)
    stored = (
        f"**{theme.rounded_count(estimate.stored)}** of them are stored already. "
        if estimate.stored
        else "None of them is stored yet. "
    )
    if estimate.seconds is None:
        return f"{stored}This model was never run here, so there is no prediction of the time."
    seconds = theme.duration(math.ceil(estimate.seconds))
    return f"{stored}About **{seconds}** of computing at the rates measured for this model."


def pick_backend() -> RunOptions:
    """What runs the models; never changes the noise."""
    backend = st.selectbox(
        "Run on",
        BACKENDS,
        key="form_backend",
        bind="query-params",
        help="`auto` takes OpenVINO on a CPU and PyTorch on a GPU, whichever can run the model. "
        "The choice is stored with the evidence.",
    )
    return RunOptions(backend=backend)


def start(spec: StudySpec, options: RunOptions, until: Until = "end") -> Job:
    """Check that model and data fit, queue the study, and see that a worker is alive.

    Args:
        until: How far it runs.

    Raises:
        IrsError: They do not fit, or the queue refuses.
    """
    own_files.allowed(spec.model.weights)
    for compression in spec.compressions:
        own_files.described(str(compression))
    check_fit(spec)
    root = library.store_root()
    job = job_queue.queue().add(spec, options, until)
    if not ensure_worker(root):
        st.warning(
            "No worker could be started. The study waits until one runs: "
            f"`python -m irs_core worker --store {root}`"
        )
    return job


def check_fit(spec: StudySpec) -> None:
    """Refuse a model and data that cannot belong together.

    Raises:
        IrsError: One of them cannot be read, or the data have more classes than the model.
    """
    model, data = inventory.model_facts(spec.model), inventory.data_facts(spec.data)
    if data.classes > model.num_classes:
        raise DatasetError(
            f"the model has {model.num_classes} classes; the data have {data.classes}"
        )


def show_started(job: Job) -> None:
    """Say where to watch a study that was just started."""
    st.success(f"Job {job.id} is in the queue. It keeps running when this page is closed.")
    st.page_link(controls.JOBS_PAGE, label="Watch it", icon=":material/pending_actions:")
