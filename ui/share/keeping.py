"""Studies, the trash and uploads as lists, with what can be done to each."""

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import streamlit as st

from irs_core.actions import Acting
from irs_core.actions import studies as actions
from irs_core.actions.tidy import STAYS, TRASH_DAYS, days, empty_trash
from irs_core.actions.uploads import Kept, delete_upload, uploads
from irs_core.errors import IrsError
from irs_core.people import Action
from irs_core.store import Study
from irs_core.store.about import MAX_TITLE
from irs_core.store.trash import Trashed, trashed
from ui.shared import controls, library, theme, who

_SAID = "said_of_studies"
_SHIPPED = "It comes with the program and cannot be deleted; archive it to leave it out of lists."


def show_studies() -> None:
    """Every study, and what can be done to one of them."""
    _show_said()
    with controls.explained():
        studies = {study.record.id: study for study in library.list_studies()}
    if not studies:
        st.info("There is no study yet.")
        return
    _table([_study_row(study) for study in studies.values()])
    chosen = st.selectbox(
        "Study",
        list(studies),
        format_func=lambda one: f"{studies[one].record.title} ({one[:6]})",
        key="manage",
    )
    _study_actions(studies[chosen])


def show_trash() -> None:
    """What was deleted and can be restored."""
    there = {one.mark: one for one in trashed(library.store_root())}
    if not there:
        return
    with controls.explained():
        limit = days(TRASH_DAYS)
    st.header("Trash", anchor=False)
    st.caption(
        f"Removed for good after {limit} days, with draws that no other study uses. "
        "The ledger goes on counting deleted studies: their results were seen."
    )
    _table([_trash_row(one) for one in there.values()])
    chosen = st.selectbox(
        "In the trash", list(there), format_func=lambda one: there[one].title, key="in_trash"
    )
    one = there[chosen]
    with st.container(horizontal=True):
        _button(
            "Restore",
            "restore",
            why=who.why_not(Action.RESTORE, one.owner),
            act=lambda me: actions.restore(me, one.mark).name,
            said="Restored",
        )
        _button(
            "Empty the trash",
            "empty_trash",
            why=who.why_not(Action.EMPTY_TRASH),
            act=_emptied,
            said="Removed for good:",
        )


def show_uploads() -> None:
    """Uploaded files, how large they are, and what uses them."""
    kept = {one.name: one for one in uploads(library.store_root())}
    if not kept:
        return
    st.header("Uploads", anchor=False)
    _table([_upload_row(one) for one in kept.values()])
    chosen = kept[
        st.selectbox(
            "Upload",
            list(kept),
            format_func=lambda one: f"{', '.join(kept[one].files)} ({one[:6]})",
            key="upload_chosen",
        )
    ]
    used = f"It is used by {chosen.used_by[0]}." if chosen.used_by else ""
    _button(
        "Delete upload",
        "delete_upload",
        why=who.why_not(Action.DELETE, chosen.owner) or used,
        act=lambda me: delete_upload(me, chosen.name),
        said="Deleted",
    )


def _emptied(me: Acting) -> str:
    gone, left = empty_trash(me), trashed(me.root)
    return f"{len(gone)}; {len(left)} stay: {STAYS}" if left else str(len(gone))


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
        _button(
            "Rename",
            "rename",
            why=who.why_not(Action.RENAME, study.owner),
            act=lambda me: actions.rename(me, study_id, title or ""),
            said="Renamed",
        )
        _button(
            "Take out of the archive" if study.archived else "Archive",
            "archive",
            why=who.why_not(Action.ARCHIVE, study.owner),
            act=lambda me: actions.archive(me, study_id, archived=not study.archived),
            said="Back in lists:" if study.archived else "Archived",
        )
        _button(
            "Delete",
            "delete",
            why=who.why_not(Action.DELETE, study.owner)
            or (_SHIPPED if study.origin == "shipped" else ""),
            act=lambda me: actions.delete(me, study_id),
            said="Deleted",
        )


def _button(
    label: str, key: str, *, why: str, act: Callable[[Acting], str | Trashed], said: str
) -> None:
    """A button that acts and says so when the page runs again.

    Args:
        why: Why it cannot be pressed; empty where it can.
        act: Gives the name of what it acted on; where that went to the trash, it can be undone.
    """
    if not st.button(label, key=key, disabled=bool(why), help=why or None):
        return
    try:
        what = act(who.acting())
    except IrsError as error:
        st.error(controls.sentence(error), icon=":material/error:")
        return
    name, undo = (what.name, what.mark) if isinstance(what, Trashed) else (what, "")
    st.session_state[_SAID] = (f"{said} {name}.", undo)
    st.rerun()


def _show_said() -> None:
    """What was just done, with a button that undoes it."""
    said, undo = st.session_state.get(_SAID, ("", ""))
    if not said:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.success(said, icon=":material/check:")
        if undo and st.button("Undo", key="undo", icon=":material/undo:"):
            st.session_state[_SAID] = ("", "")
            with controls.explained():
                actions.restore(who.acting(), undo)
            st.rerun()


def _table(rows: list[dict[str, object]]) -> None:
    """Rows as a table; without owners where nothing has one, as on one's own machine."""
    frame = pd.DataFrame(rows)
    owned = frame["owner"].astype(bool).any()
    st.dataframe(frame if owned else frame.drop(columns="owner"), hide_index=True)


def _study_row(study: Study) -> dict[str, object]:
    record = study.record
    state = "finished" if record.finished else "unfinished"
    return {
        "title": record.title,
        "state": f"{state}, archived" if study.archived else state,
        "origin": study.origin,
        "owner": study.owner,
        "started": record.created[:10],
        "models": len(record.models),
        "inputs": len(record.data.indices),
        "id": record.id,
    }


def _trash_row(one: Trashed) -> dict[str, object]:
    return {
        "title": one.title,
        "kind": {"studies": "study", "bundles": "bundle"}.get(one.shelf, "upload"),
        "owner": one.owner,
        "deleted": _date(one.when),
        "id": one.name,
    }


def _upload_row(one: Kept) -> dict[str, object]:
    return {
        "files": ", ".join(one.files),
        "size": theme.file_size(one.size_bytes),
        "owner": one.owner,
        "uploaded": _date(one.when),
        "used by": ", ".join(one.used_by) or "nothing",
        "id": one.name,
    }


def _date(when: float) -> str:
    return datetime.fromtimestamp(when).astimezone().strftime("%Y-%m-%d %H:%M")
