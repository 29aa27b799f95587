"""Widgets that several pages share. Values that change what is shown live in the URL."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from irs_core.errors import IrsError, MissingEvidenceError
from irs_core.specs import StudySpec
from irs_core.store import Study, StudyRecord
from irs_core.study.analysis import Analysis, Settings
from ui import captions, loaders, theme
from ui.glossary import HELP
from ui.views import sweep_gammas

CERTIFY_PAGE = "pages/certify.py"
JOBS_PAGE = "pages/jobs.py"
_LEVELS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Opened:
    """The study in view and how it is certified."""

    study: Study
    settings: Settings

    @property
    def record(self) -> StudyRecord:
        """Its manifest."""
        return self.study.record

    @property
    def analysis(self) -> Analysis:
        """Its certificates on the reported inputs."""
        return loaders.analysis(self.study, self.settings)


@contextmanager
def explained() -> Iterator[None]:
    """Turn the library's errors into one sentence and stop the page there."""
    try:
        yield
    except MissingEvidenceError as error:
        st.info(f"Not computed: {error}.", icon=":material/hourglass_empty:")
        st.page_link(JOBS_PAGE, label="See the jobs", icon=":material/pending_actions:")
        st.stop()
    except IrsError as error:
        st.error(sentence(error), icon=":material/error:")
        st.stop()


def sentence(error: Exception) -> str:
    """An error's message as a sentence."""
    text = str(error).strip() or type(error).__name__
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def open_study() -> Opened:
    """Let the user choose a study and settings; stop the page where there is nothing to show."""
    with explained():
        studies = loaders.list_studies()
    if not studies:
        _no_study()
    study = _pick(studies)
    if not study.record.finished:
        _unfinished(study)
    settings = _settings(study.record.spec)
    with explained():
        opened = Opened(study, settings)
        # Opening the evidence here lets every page rely on it.
        _ = opened.analysis.cache
    return opened


def _no_study() -> None:
    st.info(
        "There is no study yet. A study certifies one model once and its compressed versions "
        "incrementally; one on handwritten digits takes less than a minute.",
        icon=":material/rocket_launch:",
    )
    st.page_link(CERTIFY_PAGE, label="Start a study", icon=":material/verified_user:")
    st.stop()


def _unfinished(study: Study) -> None:
    with explained():
        running = [job for job in loaders.jobs() if job.study == study.record.id and job.active]
    if running:
        done = theme.percent(running[0].fraction, 0)
        st.info(f"This study is being computed: {done} done.", icon=":material/hourglass_top:")
    else:
        st.info(
            "This study stopped before it was finished. Start it again on the Jobs page: "
            "whatever is computed is kept.",
            icon=":material/hourglass_disabled:",
        )
    st.page_link(JOBS_PAGE, label="See the jobs", icon=":material/pending_actions:")
    st.stop()


def _pick(studies: Sequence[Study]) -> Study:
    """The study in the URL, else the one looked at last, else the latest finished one.

    The address always names the study, so that a link keeps its meaning when others are added.
    """
    by_id = {study.record.id: study for study in studies}
    finished = [study.record.id for study in studies if study.record.finished]
    asked = st.query_params.get("study", "")
    wanted = [asked, st.session_state.get("study_seen", ""), *finished, *by_id]
    chosen = st.selectbox(
        "Study",
        list(by_id),
        index=list(by_id).index(next(one for one in wanted if one in by_id)),
        format_func=lambda study_id: _label(by_id[study_id]),
        key="study_picker",
        on_change=_take_settings,
        args=(by_id,),
        help=HELP["study"],
    )
    if asked and asked not in by_id:
        st.warning(f"There is no study {asked!r} here; this is another one.")
    st.session_state["study_seen"] = st.query_params["study"] = chosen
    return by_id[chosen]


def _label(study: Study) -> str:
    record = study.record
    state = "" if record.finished else ", unfinished"
    origin = "" if study.origin == "live" else f", {study.origin}"
    return f"{record.title} ({record.created[:10]}{origin}{state}, {record.id[:6]})"


def _take_settings(by_id: Mapping[str, Study]) -> None:
    """Start from a newly chosen study's own settings."""
    spec = by_id[st.session_state["study_picker"]].record.spec
    st.session_state["alpha"] = spec.alpha
    st.session_state["alpha_zeta"] = spec.alpha_zeta
    st.session_state["gamma"] = spec.gamma


def _settings(spec: StudySpec) -> Settings:
    """Confidence levels and gamma, applied to the stored draws."""
    with st.expander("Settings", icon=":material/tune:"):
        st.caption(
            "They are applied to the stored draws: nothing is drawn again. The study itself ran "
            f"with α = {spec.alpha:g}, $α_ζ$ = {spec.alpha_zeta:g} and γ = {spec.gamma:g}."
        )
        columns = st.columns(3)
        with columns[0]:
            alpha = _level("α, for $p_A$", "alpha", spec.alpha)
        with columns[1]:
            alpha_zeta = _level("$α_ζ$, for ζ", "alpha_zeta", spec.alpha_zeta)
        with columns[2]:
            gamma = st.select_slider(
                "γ, threshold on $p_A$",
                [float(one) for one in sweep_gammas(spec.gamma)],
                value=spec.gamma,
                format_func=lambda one: f"{one:g}",
                key="gamma",
                bind="query-params",
                help=HELP["gamma"],
            )
    return Settings(alpha, alpha_zeta, gamma)


def _level(label: str, key: str, value: float) -> float:
    return float(
        st.select_slider(
            label,
            sorted({*_LEVELS, value}),
            value=value,
            format_func=lambda one: f"{one:g}",
            key=key,
            bind="query-params",
            help=HELP[key],
        )
    )


def pick_model(record: StudyRecord) -> str:
    """The name of one compressed model; stops the page where the study has none."""
    titles = loaders.titles_of(record)
    if not titles:
        st.info("This study has no compressed model; it certifies the original alone.")
        st.stop()
    return st.selectbox(
        "Compressed model",
        list(titles),
        format_func=titles.__getitem__,
        key="model",
        bind="query-params",
    )


def pick_models(record: StudyRecord) -> list[str]:
    """Names of the compressed models to compare; all of them to begin with."""
    titles = loaders.titles_of(record)
    return st.multiselect(
        "Compressed models",
        list(titles),
        default=list(titles),
        format_func=titles.__getitem__,
        key="models",
        bind="query-params",
    )


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


def table(frame: pd.DataFrame, name: str, columns: Mapping[str, Any], *, alt: str) -> None:
    """A sortable table with its download.

    Args:
        name: File name of the download, without suffix; also the widget's key.
        columns: Streamlit column configurations, by column.
        alt: What the table shows, for those who cannot see it.
    """
    st.dataframe(
        frame,
        hide_index=True,
        column_config=dict(columns),
        key=f"table-{name}",
        placeholder="-",
        alt=alt,
    )
    st.download_button(
        "Download CSV",
        frame.to_csv(index=False),
        f"{name}.csv",
        "text/csv",
        key=f"csv-{name}",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )


def caption(opened: Opened, *, held_out: bool = False) -> None:
    """Where the page's numbers come from."""
    st.caption(captions.provenance(opened.record, opened.settings, held_out=held_out))
