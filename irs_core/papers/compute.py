"""Run a study as the IRS paper does: gamma chosen afterwards, on held-out images."""

from collections.abc import Callable
from dataclasses import replace

from irs_core.papers.reproduction import GAMMAS, choose_gamma
from irs_core.run.options import Progress, RunOptions
from irs_core.run.study import run_study
from irs_core.spec.study import StudySpec
from irs_core.store import Library, StudyRecord


def compute_study(
    spec: StudySpec,
    library: Library,
    *,
    options: RunOptions | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> StudyRecord:
    """Compute what a study with baseline lacks, then give it the gamma that serves its int8 best.

    Gamma is chosen on the held-out inputs only. No draw of a study with baseline depends on it,
    so the same evidence serves the study under its chosen gamma, which replaces the other.
    A study without int8, or without held-out inputs, keeps the gamma that it has.

    Raises:
        IrsError: The model, the data or the disk refuse.
    """
    record = run_study(
        _stored_form(spec, library), library, options=options, on_progress=on_progress
    )
    if "int8" not in [model.name for model in record.models] or not spec.data.holdout:
        return record
    gamma = choose_gamma(library.open(record.id))
    chosen = replace(record, spec=replace(spec, gamma=gamma))
    library.save(chosen)
    if chosen.id != record.id:
        library.discard(record.id)
    return chosen


def _stored_form(spec: StudySpec, library: Library) -> StudySpec:
    """The study under the gamma that it is already stored with, else as it is."""
    forms = (replace(spec, gamma=gamma) for gamma in GAMMAS)
    return next((form for form in forms if library.live_record(form.id) is not None), spec)
