"""Tables on pages: sortable, with bounds rounded outward and a download."""

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from irs_core.report.formats import without_formulas
from irs_core.spec import outward
from ui.shared import figures
from ui.shared.once import MAX_KEPT, mark_of


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
