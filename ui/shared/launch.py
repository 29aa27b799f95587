"""The start of a study: whether it fits, the queue, a worker."""

from dataclasses import replace

import streamlit as st

from irs_core.actions.jobs import launch
from irs_core.actions.training import start_training
from irs_core.errors import DatasetError
from irs_core.foreign import asking as foreign
from irs_core.jobs import Job, ensure_worker
from irs_core.people import Action
from irs_core.run.options import RunOptions, Until
from irs_core.server_files import data_folders, model_folders
from irs_core.spec.outside import is_url
from irs_core.spec.parts import file_of
from irs_core.spec.study import StudySpec
from irs_core.store import Study
from irs_core.train.task import Training
from ui.shared import inventory, library, own_files, page_list, who

# Which job was just started, until the page Jobs has said so.
STARTED = "job_just_started"


def start(
    spec: StudySpec, options: RunOptions, until: Until = "end", *, reuse: Study | None = None
) -> Job:
    """Check that model and data fit, queue the study, and see that a worker is alive.

    Args:
        until: How far it runs.
        reuse: The study that this one goes on from, whose draws are used again.

    Raises:
        IrsError: They do not fit, or the queue refuses.
    """
    network = None if reuse is None else reuse.record.base.digest
    options = replace(options, folders=_folders(), network=network)
    job = launch(
        who.acting(),
        spec,
        options,
        until,
        check=lambda: _check(spec, options),
        action=Action.LAUNCH if reuse is None else Action.DRAW_MORE,
        reuse=reuse,
    )
    _ensure_worker()
    return job


def train(training: Training) -> Job:
    """Queue a training whose outcome the store keeps, and see that a worker is alive.

    Raises:
        IrsError: The app may not read the model or the images, or the queue refuses.
    """
    job = start_training(
        who.acting(),
        training,
        RunOptions(folders=_folders()),
        check=lambda: _check_training(training),
    )
    _ensure_worker()
    return job


def _folders() -> tuple[str, ...]:
    """The folders below which a job reads models and data."""
    root = library.store_root()
    return tuple(map(str, (*model_folders(root), *data_folders(root))))


def _ensure_worker() -> None:
    root = library.store_root()
    if not ensure_worker(root):
        st.warning(
            "No worker could be started. The job waits until one runs: "
            f"`python -m irs_core worker --store {root}`"
        )


def _check_training(training: Training) -> None:
    if training.model is not None:
        own_files.allowed(training.model.weights)
    for step in training.steps:
        data = step.data_spec("train")
        # What the app starts names a data set; its list of classes lies beside the model's file.
        if data is not None:
            inventory.check_data(replace(data, class_list=None))


def _check(spec: StudySpec, options: RunOptions) -> None:
    own_files.allowed(spec.model.weights)
    if spec.model.denoiser is not None:
        own_files.allowed(spec.model.denoiser)
    for compression in spec.compressions:
        own_files.described(str(compression))
    check_fit(spec)
    if _own_files(spec):
        with st.spinner("Trying the model..."):
            foreign.check_runs(spec, options, library.store_root())


def _own_files(spec: StudySpec) -> bool:
    """Whether a file of somebody's has to be converted."""
    named = [spec.model.weights, *([] if spec.model.denoiser is None else [spec.model.denoiser])]
    return any(not one.startswith("shipped:") and not is_url(one) for one in named) or any(
        file_of(one) is not None for one in spec.compressions
    )


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


def watch(job: Job) -> None:
    """Open the page on which a study that was just started is seen to run."""
    st.session_state[STARTED] = job.id
    page_list.go("jobs")
