"""Taking a study elsewhere: a link, a bundle, all its tables; bringing one in."""

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from irs_core.actions.studies import export, upload_bundle, upload_results
from irs_core.errors import IrsError
from irs_core.people import Action
from irs_core.report import (
    FORMATS,
    TABLES,
    html_report,
    study_table,
    table_bytes,
)
from irs_core.spec.outward import down, percent
from irs_core.spec.settings import Settings
from irs_core.store import SUFFIX
from irs_core.text import csv_cell, markdown
from ui.shared import analyses, library, notes, refusals, tables, who
from ui.shared.opening import Opened
from ui.shared.page_list import PAGES, STUDY_PAGES, TITLES, moved_query
from ui.shared.study_file import study_as_file

LINKED = {page: TITLES[page] for page in STUDY_PAGES if page != "share"}


def link(here: str, page: str, study: str, settings: Settings, own: Settings) -> str:
    """The address of a page on a study, with the settings that are not the study's own."""
    parts = urlsplit(here)
    root = parts.path.rsplit("/", 1)[0]
    query = {"study": study, **moved_query(settings, own)}
    path = f"{root}/{'' if page == PAGES[0] else page}"
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), ""))


def packed_tables(frames: Mapping[str, pd.DataFrame], kind: str, readme: str) -> bytes:
    """All tables in one zip, with a text on where they come from.

    Args:
        kind: One of `irs_core.report.FORMATS`.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, frame in frames.items():
            archive.writestr(f"{name}.{kind}", table_bytes(frame, kind))
        archive.writestr("README.txt", readme)
    return packed.getvalue()


def all_tables(opened: Opened) -> dict[str, pd.DataFrame]:
    """Every table of a study under the settings in view, by file name.

    Raises:
        IrsError: Evidence is missing.
    """
    record, analysis = opened.record, opened.analysis
    rows = analyses.overview(opened.study, opened.settings)
    found = {"choices": tables.choice_table(rows, {})} | {
        name: study_table(record, analysis, name) for name in TABLES
    }
    banner = opened.study.banner
    return {name: one.assign(origin=banner) if banner else one for name, one in found.items()}


def show_link(opened: Opened) -> None:
    """An address that opens the same view elsewhere."""
    page = st.selectbox(
        "Page",
        list(LINKED),
        format_func=LINKED.__getitem__,
        key="link_page",
        bind="query-params",
    )
    own = Settings.of(opened.record.spec)
    st.code(
        link(st.context.url or "/", page, opened.record.id, opened.settings, own),
        language=None,
        wrap_lines=True,
    )
    st.caption(
        "The address bar of every page is such a link too: it holds every choice made there. "
        "Whoever opens it needs this study: the shipped ones are everywhere, others travel as "
        "bundles."
    )


def show_downloads(opened: Opened) -> None:
    """The study as a bundle, and all its tables."""
    record = opened.record
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "Bundle",
            # Asked for later, where nobody knows any more who is looking.
            partial(export, who.acting(), record.id),
            f"{record.id}{SUFFIX}",
            "application/zip",
            key="bundle",
            icon=":material/inventory_2:",
            on_click="ignore",
            type="primary",
            help="Specification, labels and every stored prediction, with digests.",
        )
        st.download_button(
            "Report (HTML)",
            lambda: html_report(
                record,
                opened.analysis,
                banner=opened.study.banner,
                ledger=opened.ledger,
            ),
            f"{record.id}.html",
            "text/html",
            key="report",
            icon=":material/article:",
            on_click="ignore",
            help="One file with every table and figure that opens anywhere, without a network.",
        )
        study_as_file(record.spec, "study_file")
        kind = st.segmented_control(
            "Tables as",
            list(FORMATS),
            default="csv",
            required=True,
            key="tables_as",
            bind="query-params",
        )
        st.download_button(
            "All tables",
            lambda: packed_tables(all_tables(opened), kind, notes.note(opened)),
            f"{record.id}-tables-{kind}.zip",
            "application/zip",
            key="tables",
            icon=":material/table:",
            on_click="ignore",
            help="Choices, curves, certified accuracy, ζ and the certificate of every input.",
        )
    st.caption(
        "A bundle holds no images and no weights. On the command line: "
        f"`python -m irs_core export {record.id} study{SUFFIX}`."
    )


def show_results_of_others() -> None:
    """Bring in per-input results in the format of Cohen et al., and what was brought in."""
    barred = who.why_not(Action.IMPORT)
    uploaded = st.file_uploader(
        "Results per input (TSV)",
        key="upload_tsv",
        disabled=bool(barred),
        help=barred
        or "Six columns, tab separated: idx, label, predict, radius, correct, time. The file may "
        "have any name, and may be gzipped.",
    )
    if uploaded is not None:
        name = re.sub(r"[^A-Za-z0-9._+-]", "_", uploaded.name)[-80:]
        _, refusal = _once(uploaded, name, partial(upload_results, who.acting()))
        if refusal:
            st.error(refusal, icon=":material/error:")
    with refusals.explained():
        found = library.results_of_others()
    if found:
        st.dataframe(
            [
                {
                    "name": csv_cell(one.name),
                    "inputs": one.inputs,
                    "accuracy": f"{percent(one.accuracy, 1, 'counted')}%",
                    "ACR": down(one.acr, 4),
                    "radii": "rounded to 3 digits" if one.rounded else "all digits",
                    "origin": csv_cell(one.origin) or "the file does not say",
                    "digest": one.digest[:16],
                }
                for one in found
            ],
            hide_index=True,
        )
        st.caption("As reported by others: nothing of these was verified here.")


def show_import() -> None:
    """Bring in a bundle from elsewhere."""
    barred = who.why_not(Action.IMPORT)
    uploaded = st.file_uploader(
        "Bundle",
        type="zip",
        key="upload",
        disabled=bool(barred),
        help=barred
        or f"A file `*{SUFFIX}`. It is verified before anything is kept, and never executed.",
    )
    if uploaded is None:
        return
    found, refusal = _once(uploaded, f"upload{SUFFIX}", partial(upload_bundle, who.acting()))
    if refusal:
        st.error(refusal, icon=":material/error:")
        return
    study, title = found
    st.success(
        f"Imported: {markdown(title)}, study {markdown(study)}. It is kept apart from what is "
        "computed here."
    )
    st.page_link(
        "pages/overview.py",
        label="Open it",
        icon=":material/space_dashboard:",
        query_params={"study": study},
    )


def _once(uploaded: UploadedFile, name: str, keep: Callable[[Path], Any]) -> tuple[Any, str]:
    """What came of an upload, or the sentence with which it was refused.

    The page runs again at every click, and each file is read once.
    """
    key = f"import-{uploaded.file_id}"
    if key not in st.session_state:
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(uploaded.getbuffer())
            try:
                st.session_state[key] = keep(path), ""
            except IrsError as error:
                st.session_state[key] = None, refusals.sentence(error)
    found: tuple[Any, str] = st.session_state[key]
    return found
