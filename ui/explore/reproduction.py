"""Published tables and figures beside their counterparts from the studies at hand, cached."""

import streamlit as st

from irs_core.analysis.analysis import Analysis
from irs_core.papers import PARTS, PaperTable, Row, find_part, find_table, measure_table
from irs_core.spec.settings import Settings
from irs_core.store import Study
from ui.explore import certified
from ui.explore.papers import ERROR_ALPHA, ERRORS, FIGURES, FigureView
from ui.shared import captions
from ui.shared.analyses import analysis, panels
from ui.shared.library import StudyKey, list_studies, study_key, titles_of


@st.cache_resource(max_entries=32, show_spinner="Measuring...")
def _paper_table(key: str, states: tuple[StudyKey, ...], _studies: tuple[Study, ...]) -> list[Row]:
    del states  # Part of the key only.

    def analyse(study: Study) -> Analysis:
        return analysis(study, Settings.of(study.record.spec).one_sided)

    return measure_table(find_table(key), _studies, analyse=analyse)


def paper_table(table: PaperTable) -> list[Row]:
    """Published numbers of a table with their counterparts from the studies at hand."""
    studies = list_studies()
    return _paper_table(table.key, tuple(study_key(study) for study in studies), studies)


def _part_studies(key: str) -> list[Study | None]:
    studies = list_studies()
    by_key = {part.key: part for part in PARTS}
    return [find_part(studies, by_key[part]) for part in FIGURES[key].parts]


def paper_figures() -> list[str]:
    """Figures of the paper whose studies are at hand; some of them for a distribution."""
    return [
        key
        for key, figure in FIGURES.items()
        if figure.intervals or any(study is not None for study in _part_studies(key))
    ]


def paper_figure(key: str) -> FigureView:
    """What the counterpart of a published figure is drawn from."""
    if FIGURES[key].intervals:
        return FigureView(
            f"Each side of the interval at α = {ERROR_ALPHA:g}; computed, nothing is drawn.",
            sizes=tuple(
                (error, plan)
                for error in ERRORS
                for plan in certified.width_plans(error, ERROR_ALPHA, 0.0)
                if plan.method in FIGURES[key].intervals
            ),
        )
    studies = [study for study in _part_studies(key) if study is not None]
    record, wanted = studies[0].record, FIGURES[key].models
    settings = Settings.of(record.spec).one_sided
    present = [name for name in wanted if name in titles_of(record)]
    bounds = tuple(
        (
            f"σ = {study.record.spec.noise.sigma:g}",
            analysis(study, Settings.of(study.record.spec)).cache.p_lower,
        )
        for study in studies
    )
    # Every study is a curve of its own only where bounds are compared.
    shown = studies[:1] if wanted else studies
    source = "\n\n".join(
        captions.provenance(study.record, Settings.of(study.record.spec)) for study in shown
    )
    return FigureView(source, tuple(panels(studies[0], settings, present)), bounds)
