"""What a page shows of a study, certified once per choice of settings and kept."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
import streamlit as st

from irs_core.analysis.analysis import Analysis, Memo
from irs_core.analysis.equal_draws import EqualDraws, equal_draws
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.results import Comparison
from irs_core.analysis.sweep import Sweep, swept
from irs_core.analysis.why import why_table
from irs_core.methods.cirs import METHOD
from irs_core.methods.kit.counts import StudyTally
from irs_core.spec.settings import Settings
from irs_core.store import Study, StudyRecord
from ui.shared import theme
from ui.shared.entries import ModelRow, Panel, ZetaEntry, model_rows
from ui.shared.library import StudyKey, store_root, study_key, study_labels

ROWS_KEPT = 128
"""Choices of settings, of all studies, of which the rows of the models are kept."""


@st.cache_resource(max_entries=16, show_spinner="Counting predictions...")
def _tally(key: StudyKey, _study: Study) -> StudyTally:
    return open_tally(_study, store_root())


# Of 10,000 inputs and eight models an analysis holds 16 MB; a memo 36 MB, with ISS and CIRS more.
@st.cache_resource(max_entries=16, show_spinner=False)
def _analysis(key: StudyKey, settings: Settings, held_out: bool, _study: Study) -> Analysis:
    memo = _memo(key, settings.alpha, settings.alpha_zeta, held_out)
    return Analysis(_tally(key, _study), settings, held_out=held_out, memo=memo)


@st.cache_resource(max_entries=12, show_spinner=False)
def _memo(key: StudyKey, alpha: float, alpha_zeta: float, held_out: bool) -> Memo:
    """What analyses of one study share, whatever their gamma."""
    del key, alpha, alpha_zeta, held_out  # What it is kept by.
    return {}


def analysis(study: Study, settings: Settings, *, held_out: bool = False) -> Analysis:
    """Certificates and summaries of a study.

    Raises:
        MissingEvidenceError: The original's draws are not all stored.
    """
    return _analysis(study_key(study), settings, held_out, study)


@st.cache_resource(max_entries=ROWS_KEPT, show_spinner="Certifying...")
def _model_rows(
    key: StudyKey, settings: Settings, _study: Study, _work: Analysis | None = None
) -> list[ModelRow]:
    return model_rows(_study.record, _work or analysis(_study, settings))


def overview(study: Study, settings: Settings) -> list[ModelRow]:
    """Every classifier of a study, the original first."""
    return _model_rows(study_key(study), settings, study)


@st.cache_resource(max_entries=1024, show_spinner="Certifying...")
def _compare(
    key: StudyKey, settings: Settings, name: str, _study: Study, _work: Analysis | None = None
) -> Comparison:
    return (_work or analysis(_study, settings)).compare(name)


def panels(
    study: Study, settings: Settings, names: Sequence[str], others: Sequence[Study] = ()
) -> list[Panel]:
    """Incremental against from scratch, one panel per compressed model and study that has it.

    Raises:
        MissingEvidenceError: A study ran without the baseline.
    """
    labels = study_labels([one.record for one in (study, *others)])
    return [
        Panel(
            model.name,
            model.title,
            colours_of(one.record)[model.name],
            _compare(study_key(one), settings, model.name, one),
            labels[one.record.id],
        )
        for one in (study, *others)
        for model in one.record.compressed
        if model.name in names
    ]


def own_analysis(study: Study, settings: Settings, beside: Settings | None = None) -> Analysis:
    """As `analysis`, but not kept, so that none that somebody looks at makes room for it.

    Args:
        beside: Settings that somebody looks at; what does not depend on gamma is shared with them.
    """
    key, levels = study_key(study), (settings.alpha, settings.alpha_zeta)
    shared = beside is not None and levels == (beside.alpha, beside.alpha_zeta)
    memo = _memo(key, *levels, False) if shared else None
    return Analysis(_tally(key, study), settings, memo=memo)


def foresee(study: Study, work: Analysis) -> Iterator[None]:
    """Make rows and curves of all models, which pages then find made, in short steps.

    Raises:
        MissingEvidenceError: Draws are not all stored.
    """
    for model in study.record.models:
        work.summary(model.name)
        yield
    key, settings = study_key(study), work.settings
    _model_rows(key, settings, study, work)
    for model in study.record.compressed:
        _compare(key, settings, model.name, study, work)


@st.cache_resource(max_entries=128, show_spinner=False)
def _equal(
    key: StudyKey, settings: Settings, name: str, _study: Study, _work: Analysis | None
) -> EqualDraws | None:
    return equal_draws(_work or analysis(_study, settings), name)


def at_equal_draws(
    study: Study, settings: Settings, name: str, work: Analysis | None = None
) -> EqualDraws | None:
    """Radii of the original and of a compressed model on the same draws; None where not stored.

    Args:
        work: An analysis of these settings, where it is made for later.
    """
    return _equal(study_key(study), settings, name, study, work)


@st.cache_resource(max_entries=64, show_spinner="Comparing predictions...")
def _zetas(key: StudyKey, settings: Settings, _study: Study) -> list[ZetaEntry]:
    result = analysis(_study, settings)
    colours = colours_of(_study.record)
    return [
        ZetaEntry(model.title, colours[model.name], result.zeta(model.name, budget))
        for model in _study.record.compressed
        for budget in range(len(result.tally.budgets))
    ]


def zetas(study: Study, settings: Settings) -> list[ZetaEntry]:
    """Disagreement of every compressed model at every budget."""
    return _zetas(study_key(study), settings, study)


@st.cache_resource(max_entries=64, show_spinner="Sweeping gamma...")
def _sweep(key: StudyKey, settings: Settings, name: str, budget: int, _study: Study) -> Sweep:
    return swept(analysis(_study, settings, held_out=True), name, budget)


def sweep(study: Study, settings: Settings, name: str, budget: int) -> Sweep:
    """ACR of one compressed model against gamma, on the held-out inputs."""
    return _sweep(study_key(study), settings, name, budget, study)


@st.cache_resource(max_entries=32, show_spinner=False)
def _why(key: StudyKey, settings: Settings, name: str, _study: Study) -> pd.DataFrame | None:
    result = analysis(_study, settings)
    if not result.shows(name, METHOD.name):
        return None
    return why_table(_study.record, result, name, len(result.tally.budgets) - 1)


def why(study: Study, settings: Settings, name: str) -> pd.DataFrame | None:
    """Branch, bounds and draws of each input under CIRS at the largest budget; None where it is not
    shown."""
    return _why(study_key(study), settings, name, study)


def colours_of(record: StudyRecord) -> Mapping[str, str]:
    """Colour of every model of a study, by name."""
    return theme.model_colours([model.name for model in record.compressed])
