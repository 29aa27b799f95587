"""What the card of a training says, and how its outcome gets into a study."""

from pathlib import Path
from typing import Any

import streamlit as st

from irs_core.jobs import Job
from irs_core.jobs.training import outcome
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.text import markdown
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.task import Training
from ui.certify import clone
from ui.shared import library, page_list, theme


def facts(training: Training) -> list[str]:
    """What is trained, in a few words each."""
    last = training.steps[-1]
    data = last.images if isinstance(last, DenoiserSpec) else last.data
    passes = sum(one.epochs for one in training.steps)
    return [markdown(data.partition(":")[0]), f"σ = {training.sigma:g}", f"{passes} epochs"]


def show_result(job: Job, training: Training) -> None:
    """A button that fills the form with what was trained."""
    if job.state != "done":
        return
    found = outcome(library.store_root(), job.result)
    if found is None:
        st.caption("Its file was deleted.")
        return
    st.caption(f"{markdown(found.name)}, {theme.file_size(found.stat().st_size)}")
    if st.button("Certify with it", key=f"use-{job.id}", icon=":material/verified_user:"):
        st.session_state.update(form_values(training, found))
        page_list.go("certify")


def form_values(training: Training, found: Path) -> dict[str, Any]:
    """Values of the form on the page Certify, by widget key, for what was trained.

    Args:
        found: Its file.
    """
    model = training.model
    if not training.is_denoiser:
        model = ModelSpec(str(found), denoiser=None)
    values: dict[str, Any] = clone.denoiser_values(str(found) if training.is_denoiser else None)
    if model is not None:
        values |= clone.model_values(model, training.sigma)
    return {**values, **clone.data_values(_data(training))}


def _data(training: Training) -> DataSpec:
    """Images to certify on: those that the ways were tried on, or the test images of its data."""
    return training.data or training.steps[-1].data_spec("test") or DataSpec()
