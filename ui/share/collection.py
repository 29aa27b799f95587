"""Studies as a list to search, what to look at of one of them, and what can be done to it."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from irs_core.actions import studies as actions
from irs_core.analysis.side_by_side import why_not
from irs_core.people import Action
from irs_core.spec.titles import distinct_titles
from irs_core.store import Study
from irs_core.store.about import MAX_TITLE
from irs_core.store.study import Origin
from irs_core.text import NAME, markdown, plain
from ui.share.keeping import ACTED_ON, button, show_said, show_table
from ui.shared import library, page_list, refusals, who

_SHIPPED = "It comes with the program and cannot be deleted; archive it to leave it out of lists."
_ORIGINS: Mapping[Origin, str] = {"live": "own", "shipped": "shipped", "imported": "imported"}
_EMPTY = {
    "all": "All studies are archived.",
    "own": "You have not computed a study yet: the page Certify starts one.",
    "shipped": "No study comes with this installation.",
    "imported": "No study was imported yet: the page Share takes a bundle.",
    "archived": "Nothing is archived.",
}
_SHELVES: Mapping[str, Callable[[Study], bool]] = {
    "all": lambda study: not study.archived,
    "own": lambda study: study.origin == "live" and not study.archived,
    "shipped": lambda study: study.origin == "shipped" and not study.archived,
    "imported": lambda study: study.origin == "imported" and not study.archived,
    "archived": lambda study: study.archived,
}


def show_studies() -> None:
    """Every study, what can be looked at of one of them, and what can be done to it."""
    show_said()
    with refusals.explained():
        studies = {study.record.id: study for study in library.list_studies()}
    if not studies:
        st.info("There is no study yet.")
        return
    names = dict(
        zip(studies, distinct_titles([one.record.spec for one in studies.values()]), strict=True)
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Find",
            key="find",
            bind="query-params",
            placeholder="words of a title, a tag, a model, an id",
        )
        shelf = st.segmented_control(
            "Show", list(_SHELVES), default="all", required=True, key="shelf", bind="query-params"
        )
    acted = st.session_state.get(ACTED_ON, "")
    found = [
        one
        for one in sorted(studies.values(), key=lambda one: (one.archived, not one.pinned))
        # What was just changed stays in sight, even where it is no longer found.
        if one.record.id == acted
        or (_SHELVES[shelf](one) and is_found(one, names[one.record.id], words))
    ]
    if not found:
        st.info(_nothing(shelf, words))
        return
    st.caption(f"{len(found)} of {len(studies)} studies")
    show_table([_study_row(study, names[study.record.id]) for study in found])
    chosen = st.selectbox(
        "Study",
        [one.record.id for one in found],
        format_func=lambda one: f"{names[one]} ({one[:6]})",
        key="manage",
    )
    if chosen != acted:
        st.session_state.pop(ACTED_ON, None)
    _links(studies[chosen], list(studies.values()), names)
    _study_actions(studies[chosen])


def _nothing(shelf: str, words: str) -> str:
    """Why the list is empty."""
    if words.strip():
        return f"No study here has all of these words: {markdown(plain(words, NAME))}."
    return _EMPTY[shelf]


def is_found(study: Study, title: str, words: str) -> bool:
    """Whether each of the words is part of a study's title, tags, models, noise or id."""
    record = study.record
    models = " ".join(model.title for model in record.models)
    text = f"{title} {' '.join(study.tags)} {models} sigma {record.spec.noise.sigma:g} {record.id}"
    return all(word in text.casefold() for word in words.casefold().split())


def _links(study: Study, every: Sequence[Study], names: Mapping[str, str]) -> None:
    """Where to look at a study, alone or beside another one."""
    record = study.record
    if not record.finished:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for page in ("decide", "overview", "inputs") if record.compressed else ("overview",):
            page_list.link(page, study=record.id)
        others = [one.record.id for one in every if not why_not(record, one.record)]
        other = st.selectbox(
            "Compare with",
            [one for one in others if one != record.id],
            index=None,
            format_func=lambda one: f"{names[one]} ({one[:6]})",
            key=f"beside-{record.id}",
            placeholder="another study" if len(others) > 1 else "none on the same inputs and noise",
        )
        if other:
            page_list.link("compare", study=record.id, other=other)


def _study_actions(study: Study) -> None:
    study_id = study.record.id
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # The widget starts from the study's title whenever another study is chosen.
        title = st.text_input(
            "Title",
            study.record.title,
            max_chars=MAX_TITLE,
            key=f"title-{study_id}",
            disabled=bool(who.why_not(Action.RENAME, study.owner)),
        )
        button(
            "Rename",
            "rename",
            why=who.why_not(Action.RENAME, study.owner),
            act=lambda me: actions.rename(me, study_id, title or ""),
            said="Renamed:",
            name=title or study_id,
        )
        tags = st.text_input(
            "Tags",
            ", ".join(study.tags),
            key=f"tags-{study_id}",
            placeholder="words, with commas between",
            disabled=bool(who.why_not(Action.TAG, study.owner)),
        )
        button(
            "Tag",
            "tag",
            why=who.why_not(Action.TAG, study.owner),
            act=lambda me: actions.tag(me, study_id, (tags or "").split(",")),
            said="Tagged:",
            name=study.record.title,
        )
        button(
            "Unpin" if study.pinned else "Pin",
            "pin",
            why=who.why_not(Action.TAG, study.owner),
            act=lambda me: actions.tag(me, study_id, pinned=not study.pinned),
            said="No longer first in lists:" if study.pinned else "First in lists:",
            name=study.record.title,
        )
        button(
            "Take out of the archive" if study.archived else "Archive",
            "archive",
            why=who.why_not(Action.ARCHIVE, study.owner),
            act=lambda me: actions.archive(me, study_id, archived=not study.archived),
            said="Back in lists:" if study.archived else "Archived:",
            name=study.record.title,
        )
        button(
            "Delete",
            "delete",
            why=who.why_not(Action.DELETE, study.owner)
            or (_SHIPPED if study.origin == "shipped" else ""),
            act=lambda me: actions.delete(me, study_id),
            said="Deleted:",
        )


def _study_row(study: Study, title: str) -> dict[str, object]:
    record = study.record
    states = ["finished" if record.finished else "unfinished"]
    states += ["pinned"] if study.pinned else []
    states += ["archived"] if study.archived else []
    return {
        "title": title,
        "tags": ", ".join(study.tags),
        "state": ", ".join(states),
        "origin": _ORIGINS[study.origin],
        "owner": study.owner,
        "started": record.created[:10],
        "models": len(record.models),
        "inputs": len(record.data.indices),
        "id": record.id,
    }
