"""Widgets that several pages share. Values that change what is shown live in the URL."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn

import pandas as pd
import streamlit as st

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_flags
from irs_core.analysis.ledger import Ledger
from irs_core.analysis.sweep import sweep_gammas
from irs_core.errors import IrsError, MissingEvidenceError
from irs_core.methods import MethodDef
from irs_core.report.formats import without_formulas
from irs_core.spec import outward
from irs_core.spec.convention import COLUMN, CONVENTIONS, ONE_SIDED, TWO_SIDED
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec
from irs_core.store import Study, StudyRecord
from irs_core.text import NAME, SENTENCE, markdown, plain
from ui.shared import captions, figures, job_queue, library, readers, theme
from ui.shared.glossary import HELP
from ui.shared.once import MAX_KEPT, mark_of

CERTIFY_PAGE = "pages/certify.py"
JOBS_PAGE = "pages/jobs.py"
_LEVELS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True)
class Opened:
    """The study in view and how it is certified."""

    study: Study
    settings: Settings
    judged: Settings | None = None
    """What the ledger judges, where it is not the settings in use."""

    @property
    def record(self) -> StudyRecord:
        """Its manifest."""
        return self.study.record

    @cached_property
    def ledger(self) -> Ledger:
        """What its confidence covers."""
        return library.ledger(self.study, self.judged or self.settings)

    @cached_property
    def analysis(self) -> Analysis:
        """Its certificates on the reported inputs."""
        return library.analysis(self.study, self.settings)


@contextmanager
def explained() -> Iterator[None]:
    """Turn the library's errors into one sentence and stop the page there."""
    try:
        yield
    except MissingEvidenceError as error:
        st.info(f"Not computed: {markdown(error)}.", icon=":material/hourglass_empty:")
        st.page_link(JOBS_PAGE, label="See the jobs", icon=":material/pending_actions:")
        st.stop()
    except IrsError as error:
        st.error(sentence(error), icon=":material/error:")
        st.stop()


def sentence(error: Exception) -> str:
    """An error's message as a sentence, in Markdown that shows it as it is."""
    text = plain(str(error).strip() or type(error).__name__, SENTENCE)
    return markdown(f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}")


def open_study() -> Opened:
    """Let the user choose a study and settings; stop the page where there is nothing to show."""
    with explained():
        studies = library.list_studies()
        notices = library.notices()
    for notice in notices:
        st.warning(markdown(notice), icon=":material/report:")
    if not studies:
        _no_study()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        study = _pick(studies)
        settings = _settings(study.record.spec) if study.record.finished else None
    if settings is None:
        _unfinished(study)
    with explained():
        opened = Opened(study, settings)
        # Opening the evidence here lets every page rely on it.
        _ = opened.analysis.base
    warn(opened)
    _about(opened)
    return opened


def one_sided(opened: Opened, what: str) -> Opened:
    """The study with one-sided radii, said where the settings have others.

    Args:
        what: What uses one-sided radii always, a plural.
    """
    if opened.settings.convention == ONE_SIDED:
        return opened
    st.info(f"{what} use one-sided radii, whatever the settings.", icon=":material/straighten:")
    # That these radii are one-sided is a rule, not a choice made when results could be seen.
    judged = replace(opened.settings, convention=opened.record.spec.convention)
    found = Opened(opened.study, opened.settings.one_sided, judged)
    _about(found)
    return found


def _about(opened: Opened) -> None:
    settings, spec = opened.settings, opened.record.spec
    figures.about(
        study=opened.record.id,
        sigma=spec.noise.sigma,
        n=spec.n,
        alpha=settings.alpha,
        alpha_zeta=settings.alpha_zeta,
        gamma=settings.gamma,
        convention=settings.convention,
    )


def linked_study() -> Opened:
    """The study in the address at its own settings with one-sided radii, as decisions have them,
    else the one that pickers begin with; the page stops where there is nothing to show.

    Raises:
        MissingEvidenceError: There is none of that id.
    """
    studies = sorted(library.list_studies(), key=_precedence)
    if not studies:
        _no_study()
    asked = st.query_params.get("study", "")
    found = [one for one in studies if one.record.id == asked] if asked else studies
    if not found:
        raise MissingEvidenceError("there is no study of the id in the address here")
    study = next((one for one in found if one.record.finished), found[0])
    if not study.record.finished:
        _unfinished(study)
    st.query_params["study"] = study.record.id
    own = Settings.of(study.record.spec)
    return Opened(study, own.one_sided, own)


def warn(opened: Opened) -> None:
    """What has to be read before any number of the study."""
    if opened.study.banner:
        st.warning(markdown(opened.study.banner), icon=":material/person_alert:")
    if opened.ledger.moved:
        st.info(sentence(IrsError(opened.ledger.sentence)), icon=":material/explore:")
    for flag in study_flags(opened.record, opened.analysis):
        st.warning(sentence(IrsError(flag.sentence)), icon=":material/flag:")


def _no_study() -> NoReturn:
    st.info(
        "There is no study yet. A study certifies one model once and its compressed versions "
        "incrementally; one on handwritten digits takes less than a minute.",
        icon=":material/rocket_launch:",
    )
    st.page_link(CERTIFY_PAGE, label="Start a study", icon=":material/verified_user:")
    st.stop()


def _unfinished(study: Study) -> NoReturn:
    with explained():
        running = [job for job in job_queue.jobs() if job.study == study.record.id and job.active]
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
    """The study in the URL, else the one looked at last, else the first by `_precedence`.

    The address always names the study, so that a link keeps its meaning when others are added.
    """
    studies = sorted(studies, key=lambda one: not one.pinned)
    by_id = {study.record.id: study for study in studies if _in_lists(study)} or {
        study.record.id: study for study in studies
    }
    finished = [study for study in sorted(by_id.values(), key=_precedence) if study.record.finished]
    asked = st.query_params.get("study", "")
    first = [study.record.id for study in finished]
    wanted = [asked, st.session_state.get("study_seen", ""), *first, *by_id]
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
        other = markdown(plain(asked, NAME))
        st.warning(f"There is no study '{other}' here; this is another one.")
    st.session_state["study_seen"] = st.query_params["study"] = chosen
    return by_id[chosen]


def _in_lists(study: Study) -> bool:
    """Whether a study can be chosen: archived ones only by a link."""
    return not study.archived or study.record.id == st.query_params.get("study", "")


def _precedence(study: Study) -> tuple[bool, bool, bool, int]:
    """Pinned ones first, comparisons before originals alone, own studies (latest first) before
    shipped (largest)."""
    size = sum(study.record.data.reported) * len(study.record.compressed)
    alone = not study.record.compressed
    return not study.pinned, alone, study.shipped, -size if study.shipped else 0


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
    st.session_state[COLUMN] = spec.convention


def _settings(spec: StudySpec) -> Settings:
    """Confidence levels and gamma, applied to the stored draws.

    Somebody who decides is not asked for them, but sees them once a link or a slider moved one.
    """
    own = {
        "alpha": spec.alpha,
        "alpha_zeta": spec.alpha_zeta,
        "gamma": spec.gamma,
        COLUMN: spec.convention,
    }
    moved = any(
        one in st.query_params or st.session_state.get(one, own[one]) != own[one] for one in own
    )
    if readers.current() == "stakeholder" and not moved:
        return Settings.of(spec)
    gammas = [float(one) for one in sweep_gammas(spec.gamma)]
    label = "Settings"
    if moved or readers.current() == "researcher":
        label = (
            f"γ = {_current('gamma', gammas, spec.gamma):g}, "
            f"α = {_current('alpha', _levels(spec.alpha), spec.alpha):g}"
        )
    radii = st.session_state.get(COLUMN) or st.query_params.get(COLUMN, spec.convention)
    if radii == TWO_SIDED:
        label = f"{label}, two-sided radii"
    with st.popover(label, icon=":material/tune:", key="settings"):
        st.caption(
            "They are applied to the stored draws: nothing is drawn again. The study itself ran "
            f"with α = {spec.alpha:g}, $α_ζ$ = {spec.alpha_zeta:g} and γ = {spec.gamma:g}."
        )
        gamma = st.select_slider(
            "γ, threshold on $p_A$",
            gammas,
            value=spec.gamma,
            format_func=lambda one: f"{one:g}",
            key="gamma",
            bind="query-params",
            help=HELP["gamma"],
        )
        alpha = _level("α, for $p_A$", "alpha", spec.alpha)
        alpha_zeta = _level("$α_ζ$, for ζ", "alpha_zeta", spec.alpha_zeta)
        convention = st.radio(
            "Radii",
            CONVENTIONS,
            index=CONVENTIONS.index(spec.convention),
            horizontal=True,
            key=COLUMN,
            bind="query-params",
            help=HELP[COLUMN],
        )
    return Settings(alpha, alpha_zeta, gamma, convention)


def _current(key: str, options: Sequence[float], default: float) -> float:
    """A slider's value before it is drawn; when a link is opened only the address has it."""
    asked = {f"{one:g}": one for one in options}.get(st.query_params.get(key, ""), default)
    return float(st.session_state.get(key, asked))


def _levels(own: float) -> list[float]:
    return sorted({*_LEVELS, own})


def _level(label: str, key: str, value: float) -> float:
    return float(
        st.select_slider(
            label,
            _levels(value),
            value=value,
            format_func=lambda one: f"{one:g}",
            key=key,
            bind="query-params",
            help=HELP[key],
        )
    )


def table(
    frame: pd.DataFrame,
    name: str,
    columns: Mapping[str, Any],
    *,
    alt: str,
    selectable: bool = False,
) -> int | None:
    """A sortable table with its download.

    Args:
        name: File name of the download, without suffix; also the widget's key.
        columns: Streamlit column configurations, by column.
        alt: What the table shows, for those who cannot see it.
        selectable: Let the user select a row.

    Returns:
        Position of the selected row; None where none is.
    """
    mark = None if selectable else mark_of(frame)
    if mark is None:
        event = _show(frame, name, columns, alt, selectable=selectable)
    else:
        event = _shown(f"{mark} {columns}", name, alt, frame, columns)
    figures.csv_button(frame, name)
    # Without selection the answer is the element itself.
    rows = event["selection"]["rows"] if isinstance(event, dict) else []
    return rows[0] if rows else None


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _shown(
    mark: str, name: str, alt: str, _frame: pd.DataFrame, _columns: Mapping[str, Any]
) -> None:
    """What the browser gets of a shared table is put together once for all sessions."""
    del mark  # Part of the key only.
    _show(_frame, name, _columns, alt, selectable=False)


def _show(
    frame: pd.DataFrame, name: str, columns: Mapping[str, Any], alt: str, *, selectable: bool
) -> Any:
    return st.dataframe(
        without_formulas(_outward(frame, columns)),
        hide_index=True,
        column_config={name: columns[name] for name in columns if name in frame},
        key=f"table-{name}",
        placeholder="-",
        alt=alt,
        on_select="rerun" if selectable else "ignore",
        selection_mode="single-row",
    )


def _outward(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """The table as it is shown: bounds rounded outward to the digits of their column."""
    shown = frame.copy()
    sides = outward.directions(frame, frame.attrs.get(outward.SIDES, {}))
    for name, side in zip(frame, sides, strict=True):
        digits = _digits(columns.get(str(name)))
        if digits is not None and pd.api.types.is_float_dtype(frame[name]):
            shown[name] = outward.rounded(frame[name].to_numpy(), digits, side)
    return shown


def _digits(column: Any) -> int | None:
    """Decimals that a column configuration shows; None where it names none."""
    kind = column.get("type_config") if isinstance(column, dict) else None
    found = re.match(r"%\.(\d)f", str((kind or {}).get("format", "")))
    return int(found.group(1)) if found else None


def note(opened: Opened, *, held_out: bool = False) -> str:
    """Where a figure's numbers come from."""
    return captions.provenance(
        opened.record, opened.settings, held_out=held_out, ledger=opened.ledger
    )


def notes(studies: Sequence[Study], settings: Settings) -> str:
    """Where a figure's numbers come from, one paragraph per study."""
    return "\n\n".join(
        captions.provenance(study.record, settings, ledger=library.ledger(study, settings))
        for study in studies
    )


def name_main_method(opened: Opened) -> None:
    """A line below what is said of IRS, where it is not IRS that the Overview quotes."""
    for method in _quoted(opened):
        if method.branches is None:
            st.caption(f"The Overview quotes {method.title}, which does not use γ.")


def quoted_methods(opened: Opened) -> str:
    """The methods that the Overview quotes, in words."""
    return theme.listing([method.title for method in _quoted(opened)])


def _quoted(opened: Opened) -> list[MethodDef]:
    analysis, compressed = opened.analysis, opened.record.compressed
    quoted = {analysis.main_method(model.name) for model in compressed}
    return [method for method in methods.every() if method.name in quoted]


def caption(opened: Opened) -> None:
    """Where the page's numbers come from."""
    st.caption(note(opened))
    st.caption(captions.noise(opened.record.spec))
