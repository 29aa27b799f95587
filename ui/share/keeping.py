"""The trash and uploads as lists, and buttons that say what they did."""

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
from irs_core.report.formats import without_formulas
from irs_core.store.trash import Trashed, trashed
from irs_core.text import NAME, markdown, plain
from ui.shared import library, refusals, theme, who

_SAID = "said_of_studies"
# Id of the study that an action was about, until another one is chosen.
ACTED_ON = "acted_on"


def show_trash() -> None:
    """What was deleted and can be restored."""
    there = {one.mark: one for one in trashed(library.store_root())}
    if not there:
        return
    with refusals.explained():
        limit = days(TRASH_DAYS)
    st.header("Trash", anchor=False)
    st.caption(
        f"Removed for good after {limit} days, with draws that no other study uses. "
        "The ledger goes on counting deleted studies: their results were seen."
    )
    show_table([_trash_row(one) for one in there.values()])
    chosen = st.selectbox(
        "In the trash", list(there), format_func=lambda one: there[one].title, key="in_trash"
    )
    one = there[chosen]
    with st.container(horizontal=True):
        button(
            "Restore",
            "restore",
            why=who.why_not(Action.RESTORE, one.owner),
            act=lambda me: actions.restore(me, one.mark).name,
            said="Restored:",
        )
        button(
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
    show_table([_upload_row(one) for one in kept.values()])
    chosen = kept[
        st.selectbox(
            "Upload",
            list(kept),
            format_func=lambda one: f"{', '.join(kept[one].files)} ({one[:6]})",
            key="upload_chosen",
        )
    ]
    used = f"It is used by {chosen.used_by[0]}." if chosen.used_by else ""
    button(
        "Delete upload",
        "delete_upload",
        why=who.why_not(Action.DELETE, chosen.owner) or used,
        act=lambda me: delete_upload(me, chosen.name),
        said="Deleted:",
    )


def _emptied(me: Acting) -> str:
    gone, left = empty_trash(me), trashed(me.root)
    return f"{len(gone)}; {len(left)} stay: {STAYS}" if left else str(len(gone))


def button(
    label: str,
    key: str,
    *,
    why: str,
    act: Callable[[Acting], str | Trashed],
    said: str,
    name: str = "",
) -> None:
    """A button that acts and says so when the page runs again.

    Args:
        why: Why it cannot be pressed; empty where it can.
        act: Gives the id of what it acted on; where that went to the trash, it can be undone.
        name: What it acted on is called; its id where that is empty.
    """
    if not st.button(label, key=key, disabled=bool(why), help=why or None):
        return
    try:
        what = act(who.acting())
    except IrsError as error:
        st.error(refusals.sentence(error), icon=":material/error:")
        return
    title, undo = (what.title, what.mark) if isinstance(what, Trashed) else (name or what, "")
    st.session_state[_SAID] = (f"{said} {markdown(plain(title, NAME))}.", undo)
    st.session_state[ACTED_ON] = "" if isinstance(what, Trashed) else what
    st.rerun()


def show_said() -> None:
    """What was just done, with a button that undoes it."""
    said, undo = st.session_state.get(_SAID, ("", ""))
    if not said:
        return
    if not undo:
        # Said once; an offer to undo stays until something else is done.
        del st.session_state[_SAID]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.success(said, icon=":material/check:")
        if undo and st.button("Undo", key="undo", icon=":material/undo:"):
            st.session_state[_SAID] = ("", "")
            with refusals.explained():
                actions.restore(who.acting(), undo)
            st.rerun()


def show_table(rows: list[dict[str, object]]) -> None:
    """Rows as a table, without columns in which nothing stands, as owners on one's own machine."""
    frame = pd.DataFrame(rows)
    empty = [one for one in ("owner", "tags") if one in frame and not frame[one].astype(bool).any()]
    st.dataframe(without_formulas(frame.drop(columns=empty)), hide_index=True)


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
