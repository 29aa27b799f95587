"""Widgets that choose models, studies, draws and radii; their values live in the URL."""

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from irs_core.analysis.tables import usual_radii
from irs_core.store import Study, StudyRecord
from irs_core.text import NAME, markdown, plain
from ui.shared import figures, library
from ui.shared.glossary import HELP
from ui.shared.refusals import explained

ALONE = "This study has no compressed model; it certifies the original alone."


def pick_model(record: StudyRecord) -> str:
    """The name of one compressed model; stops the page where the study has none."""
    titles = library.titles_of(record)
    if not titles:
        st.info(ALONE)
        st.stop()
    return st.selectbox(
        "Compressed model",
        list(titles),
        index=list(titles).index(preset(titles)),
        format_func=titles.__getitem__,
        key="model",
        bind="query-params",
    )


def preset(titles: Mapping[str, str]) -> str:
    """The compressed model that pages begin with: int8 where there is one."""
    return "int8" if "int8" in titles else next(iter(titles))


def pick_draws(steps: Sequence[int], first: int, key: str) -> int:
    """How many draws each of two models gets, the same for both.

    Args:
        first: The number to begin with.
        key: Of the widget; another one for studies with other numbers of draws.
    """
    return int(
        st.select_slider(
            "Draws of each model, per input",
            steps,
            value=first,
            format_func=lambda one: f"{one:,}",
            key=key,
            bind="query-params",
            help="Both models are certified from this many draws of the same noise.",
        )
    )


def pick_models(record: StudyRecord) -> list[str]:
    """Names of the compressed models to compare; all of them to begin with."""
    titles = library.titles_of(record)
    return st.multiselect(
        "Compressed models",
        list(titles),
        default=list(titles),
        format_func=titles.__getitem__,
        key="models",
        bind="query-params",
    )


def pick_any_models(record: StudyRecord, first: int = 2) -> list[str]:
    """Names of models to compare, the original among them; the `first` ones to begin with."""
    titles = {model.name: model.title for model in record.models}
    return st.multiselect(
        "Models",
        list(titles),
        default=list(titles)[:first],
        format_func=titles.__getitem__,
        key=f"shown{first}",
        bind="query-params",
    )


# Each more costs a new value of a slider some 40 ms (benchmarks/RESULTS.md).
_AT_FIRST = 3


def pick_other_studies(record: StudyRecord, *, all_at_first: bool = True) -> list[Study]:
    """Other finished studies to show beside this one; its counterparts to begin with."""
    with explained():
        others = {
            study.record.id: study
            for study in library.list_studies()
            if study.record.finished and not study.archived and study.record.id != record.id
        }
    if not others:
        return []
    same = [name for name, one in others.items() if _counterparts(record, one.record)]
    labels = library.study_labels([record, *(one.record for one in others.values())])
    chosen = st.multiselect(
        "Compare with",
        list(others),
        default=same[:_AT_FIRST] if all_at_first else [],
        format_func=lambda one: labels[one],
        # Another study has another set of others.
        key=f"with_{record.id[:6]}",
        bind="query-params",
        help="Other studies in the same figure. Colours belong to models, dashes to studies.",
    )
    _name_in_tables([record, *(others[one].record for one in chosen)])
    return [others[one] for one in chosen]


def _name_in_tables(records: Sequence[StudyRecord]) -> None:
    """Tables name studies by what differs; their CSV files say which studies these are."""
    labels = library.study_labels(records)
    figures.studies(
        {
            labels[one.id]: {"study_id": one.id, "sigma": one.spec.noise.sigma, "n": one.spec.n}
            for one in records
        }
    )


def _counterparts(one: StudyRecord, other: StudyRecord) -> bool:
    """Whether two studies differ in the noise's sigma at most: equal inputs, kind of noise, kind
    of original and draws."""
    first, second = (
        (study.data.digest, study.spec.noise.kind, study.base.title, study.spec.n, study.spec.n_p)
        for study in (one, other)
    )
    return first == second


def pick_radii(sigma: float) -> list[float]:
    """Radii at which certified accuracy is shown; those of `usual_radii` to begin with.

    Others can be typed in; what is no radius is said and left out.
    """
    usual = [f"{step * sigma / 2:.4g}" for step in range(9)]
    chosen = st.multiselect(
        "Radii of certified accuracy",
        usual,
        default=[f"{one:.4g}" for one in usual_radii(sigma)],
        key="radii",
        bind="query-params",
        accept_new_options=True,
        help=f"{HELP['certified']} Type a number to add a radius of your own.",
    )
    known = {text: _radius(text) for text in chosen}
    refused = [text for text, radius in known.items() if radius is None]
    if refused:
        got = markdown(plain(", ".join(refused), NAME))
        st.warning(f"A radius is a number from 0 up, in pixel units; got {got}.")
    return sorted({one for one in known.values() if one is not None})


def _radius(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def pick_budget(record: StudyRecord) -> int:
    """Position of a draw budget; the largest to begin with."""
    budgets = list(record.spec.n_p)
    if len(budgets) == 1:
        return 0
    n_p = st.select_slider(
        "$n_p$, draws per input of the compressed model",
        budgets,
        value=budgets[-1],
        key="n_p",
        bind="query-params",
        help=HELP["n_p"],
    )
    return budgets.index(n_p)
