"""What goals are predicted to cost and to bring, from a stored pilot, cached."""

import pandas as pd
import streamlit as st

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.why import plan_table
from irs_core.errors import StoreError
from irs_core.goals.goal import chosen_spec, goal_spec, predict
from irs_core.goals.outlook import Forecast, forecast, forecasts
from irs_core.spec.goal import Goal
from irs_core.spec.study import StudySpec
from irs_core.store import Library, StudyRecord
from ui.shared import job_queue, library

# What tells one state of a pilot, looked at as one study, from every other.
_Key = tuple[str, ...]
# Budgets that are shown beside the chosen one.
_STEPS = 8


def is_predictable(spec: StudySpec) -> bool:
    """Whether the pilot of a study is stored, so that its goals can be predicted."""
    try:
        _analysis(goal_spec(spec))
    except StoreError:
        # Part of it was never computed, removed or damaged; a pilot computes just that.
        return False
    return True


def chosen(spec: StudySpec, goal: Goal) -> StudySpec:
    """The study that a goal asks for.

    Raises:
        SpecError: The goal cannot be reached.
        StoreError: No pilot is stored.
    """
    asked = goal_spec(spec)
    return _chosen(_key(job_queue.pilot(asked)), goal, asked, _analysis(asked))


def expected(spec: StudySpec) -> dict[str, Forecast]:
    """What each compressed model of a study is to cost and expected to bring.

    Raises:
        StoreError: No pilot is stored.
    """
    analysis = _analysis(spec)
    return {name: forecast(analysis, name, spec.n_p[-1]) for name in analysis.tally.compressed}


def other_budgets(spec: StudySpec) -> dict[str, list[Forecast]]:
    """What each compressed model is expected to bring at budgets up to n.

    Raises:
        StoreError: No pilot is stored.
    """
    asked = goal_spec(spec)
    return _others(_key(job_queue.pilot(asked)), _analysis(asked))


def plan(spec: StudySpec, name: str) -> pd.DataFrame:
    """What each input is to get under a study, before it is started.

    Raises:
        StoreError: No pilot is stored.
    """
    pilot = job_queue.pilot(spec)
    return _plan(_key(pilot), name, pilot, _analysis(spec))


def _key(pilot: StudyRecord) -> _Key:
    spec = pilot.spec
    return (str(library.store_root()), spec.id, spec.name, pilot.created)


def _analysis(spec: StudySpec) -> Analysis:
    pilot = job_queue.pilot(spec)
    return _predict(_key(pilot), pilot)


@st.cache_resource(max_entries=16, show_spinner="Reading the pilot...")
def _predict(key: _Key, _pilot: StudyRecord) -> Analysis:
    return predict(_pilot, Library(library.store_root()))


@st.cache_data(max_entries=64, show_spinner="Predicting...")
def _chosen(key: _Key, goal: Goal, _asked: StudySpec, _analysis: Analysis) -> StudySpec:
    return chosen_spec(_asked, goal, _analysis)


@st.cache_data(max_entries=16, show_spinner="Predicting...")
def _others(key: _Key, _analysis: Analysis) -> dict[str, list[Forecast]]:
    return {name: list(forecasts(_analysis, name, _STEPS)) for name in _analysis.tally.compressed}


@st.cache_data(max_entries=32, show_spinner=False)
def _plan(key: _Key, name: str, _pilot: StudyRecord, _analysis: Analysis) -> pd.DataFrame:
    return plan_table(_pilot, _analysis, name)
