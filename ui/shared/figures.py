"""A figure with what belongs to it: its data as CSV, pictures, and where it comes from."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from irs_core.report.formats import csv_text
from irs_core.spec.convention import COLUMN, ONE_SIDED
from irs_core.text import file_name, markdown
from ui.shared import exports, readers
from ui.shared.once import MAX_KEPT, mark_of

_ABOUT = "about_the_figures"
_STUDIES = "studies_of_the_figures"
_CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False}


def show(figure: go.Figure, key: str, frame: pd.DataFrame, *, alt: str, note: str = "") -> None:
    """A figure, below it its downloads and what it rests on.

    Args:
        key: Its name: the widget's key and the name of the downloads.
        frame: The numbers that it draws.
        alt: What it shows, for those who cannot see it.
        note: Where it comes from: n, alpha, confidence, seed, hardware.
    """
    figure = _labelled(figure)
    mark = mark_of(figure)
    if mark is None:
        _draw(figure, key, alt)
    else:
        _drawn(mark, key, alt, figure)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        csv_button(frame, key)
        exports.buttons(key, _named(key), f"{alt}. {_as_text(note)}".strip())
    if note:
        with rests_on():
            st.caption(note)


def rests_on() -> DeltaGenerator:
    """The place for where numbers come from: folded, but open for a researcher."""
    return st.expander(
        "What this rests on",
        icon=":material/fact_check:",
        expanded=readers.current() == "researcher",
    )


def _labelled(figure: go.Figure) -> go.Figure:
    """The figure with the convention of its radii, where it is not the usual one.

    A picture leaves the page without what is written around it.
    """
    convention = st.session_state.get(_ABOUT, {}).get(COLUMN, ONE_SIDED)
    if convention == ONE_SIDED:
        return figure
    # The figure itself is shared.
    return go.Figure(figure).add_annotation(
        text=f"settings: {convention} radii",
        showarrow=False,
        xref="paper",
        yref="paper",
        x=1,
        y=1,
        xanchor="right",
        yanchor="bottom",
    )


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _drawn(mark: str, key: str, alt: str, _figure: go.Figure) -> None:
    """What the browser gets of a shared figure is put together once for all sessions."""
    del mark  # Part of the key only.
    _draw(_figure, key, alt)


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, alt=alt, config=_CONFIG)


def _as_text(words: str) -> str:
    """A sentence of Markdown as plain text, without marks of formulas and without escapes."""
    return re.sub(r"\\([^A-Za-z0-9\s])", r"\1", words.replace("\u2060", "")).replace("$", "")


def about(**settings: str | float) -> None:
    """What all figures and tables of the page rest on: the study and its settings.

    Args:
        settings: `study` is part of the names of files; all are columns of every CSV.
    """
    st.session_state[_ABOUT] = settings
    st.session_state[_STUDIES] = {}


def also(**settings: str | float) -> None:
    """More that all figures and tables of the page rest on; see `about`."""
    st.session_state[_ABOUT] = {**st.session_state.get(_ABOUT, {}), **settings}


def studies(named: Mapping[str, Mapping[str, str | float]]) -> None:
    """What tells the studies of the page apart where tables name several in the column `study`.

    Args:
        named: By the text of that column, what differs from `about`: the study's id and settings.
    """
    st.session_state[_STUDIES] = dict(named)


def _named(name: str) -> str:
    study = str(st.session_state.get(_ABOUT, {}).get("study", ""))[:6]
    return file_name(f"{study}-{name}" if study and study not in name else name)


def with_settings(
    frame: pd.DataFrame,
    settings: Mapping[str, str | float],
    named: Mapping[str, Mapping[str, str | float]],
) -> pd.DataFrame:
    """A table with columns for all that its rows rest on, so that it stands alone.

    Args:
        settings, named: As `about` and `studies` took them. Rows whose study is none of `named`,
            such as the best of several, get no settings of one study.
    """
    if "study" in frame:
        # There it is the name that the figure gives the study.
        settings = {"study_id" if key == "study" else key: one for key, one in settings.items()}
    # A table has columns of its own where a setting differs from row to row.
    found = frame.assign(**{key: one for key, one in settings.items() if key not in frame})
    if "study" in frame and named:
        varying = dict.fromkeys(key for own in named.values() for key in own)
        for key in (key for key in varying if key not in frame):
            found[key] = [named.get(study, {}).get(key) for study in frame["study"]]
    return found


def csv_button(frame: pd.DataFrame, name: str) -> None:
    """The download of a table; its text is only made when it is asked for."""
    file = f"{_named(name)}.csv"
    settings, named = st.session_state.get(_ABOUT, {}), st.session_state.get(_STUDIES, {})
    st.download_button(
        "CSV",
        lambda: csv_text(with_settings(frame, settings, named)),
        file,
        "text/csv",
        key=f"csv-{name}",
        help=f"Download the numbers as {markdown(file)}",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )
