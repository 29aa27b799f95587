"""Which study a page shows and how it is certified: chosen on top, kept in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NoReturn

import streamlit as st

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_flags
from irs_core.analysis.ledger import Ledger
from irs_core.errors import IrsError, MissingEvidenceError
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.settings import Settings
from irs_core.store import Study, StudyRecord
from irs_core.text import NAME, markdown, plain
from ui.shared import analyses, figures, job_queue, levels, library, page_list, theme
from ui.shared.glossary import HELP
from ui.shared.refusals import explained, sentence


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
        return analyses.analysis(self.study, self.settings)


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
        settings = levels.settings(study.record.spec) if study.record.finished else None
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
    page_list.link("certify", "Start a study")
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
    page_list.link("jobs", "See the jobs")
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
    levels.start_from(by_id[st.session_state["study_picker"]].record.spec)
