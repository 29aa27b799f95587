"""Decisions and comparisons at equal draws, cached."""

import pandas as pd
import streamlit as st

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_decisions, study_flags
from irs_core.analysis.equal_draws import study_gaps
from irs_core.analysis.tables import gap_table
from irs_core.analysis.together import Together, study_together
from irs_core.decide import Decision, Flag, Gap, Requirement
from irs_core.errors import MissingEvidenceError
from irs_core.spec.settings import Settings
from irs_core.store import Study
from ui.shared import analyses, library


@st.cache_resource(max_entries=128, show_spinner="Deciding...")
def _decisions(
    key: library.StudyKey,
    settings: Settings,
    requirement: Requirement,
    _study: Study,
    _work: Analysis | None = None,
) -> dict[str, Decision]:
    work = _work or analyses.analysis(_study, settings)
    return study_decisions(_study.record, work, requirement)


def decisions(study: Study, settings: Settings, requirement: Requirement) -> dict[str, Decision]:
    """The decision about each compressed model whose draws are there, each for itself."""
    return _decisions(library.study_key(study), settings, requirement, study)


def only(study: Study, settings: Settings, requirement: Requirement, name: str) -> Decision:
    """The decision about one compressed model.

    Raises:
        MissingEvidenceError: Its draws are not all stored.
    """
    found = decisions(study, settings, requirement)
    if name not in found:
        raise MissingEvidenceError(f"the draws of {name} are not all stored")
    return found[name]


@st.cache_resource(max_entries=128, show_spinner=False)
def _together(
    key: library.StudyKey,
    settings: Settings,
    requirement: Requirement,
    _study: Study,
    _work: Analysis | None = None,
) -> Together | None:
    work = _work or analyses.analysis(_study, settings)
    return study_together(_study.record, work, requirement)


def together(study: Study, settings: Settings, requirement: Requirement) -> Together | None:
    """What may be said of all candidates at once; None where there is but one."""
    return _together(library.study_key(study), settings, requirement, study)


@st.cache_resource(max_entries=128, show_spinner=False)
def _gaps(
    key: library.StudyKey,
    settings: Settings,
    name: str,
    _study: Study,
    _work: Analysis | None = None,
) -> tuple[Gap, ...]:
    return study_gaps(_work or analyses.analysis(_study, settings), name)


def gaps(study: Study, settings: Settings, name: str) -> tuple[Gap, ...]:
    """What fewer draws and what compression cost in ACR; empty where that is not known."""
    return _gaps(library.study_key(study), settings, name, study)


def foresee(study: Study, requirement: Requirement, name: str, work: Analysis) -> None:
    """Make what the first page needs under the settings of an analysis."""
    key, settings = library.study_key(study), work.settings
    _decisions(key, settings, requirement, study, work)
    _together(key, settings, requirement, study, work)
    if analyses.at_equal_draws(study, settings, name, work) is not None:
        _gaps(key, settings, name, study, work)


@st.cache_resource(max_entries=64, show_spinner=False)
def _gap_table(
    key: library.StudyKey, settings: Settings, name: str, radii: tuple[float, ...], _study: Study
) -> pd.DataFrame:
    return gap_table(_study.record, analyses.analysis(_study, settings), radii, names=(name,))


def gap_table_of(
    study: Study, settings: Settings, name: str, radii: tuple[float, ...]
) -> pd.DataFrame:
    """The costs of a model in ACR and in certified accuracy at radii, as a table."""
    return _gap_table(library.study_key(study), settings, name, radii, study)


@st.cache_resource(max_entries=64, show_spinner=False)
def _flags(key: library.StudyKey, settings: Settings, _study: Study) -> tuple[Flag, ...]:
    return study_flags(_study.record, analyses.analysis(_study, settings))


def flags(study: Study, settings: Settings) -> tuple[Flag, ...]:
    """What makes a study's numbers dubious."""
    return _flags(library.study_key(study), settings, study)
