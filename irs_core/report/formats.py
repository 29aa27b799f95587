"""A frame as CSV, Parquet, Markdown or LaTeX."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from irs_core.errors import IrsError, UnknownKeyError
from irs_core.spec.outward import SIDES, Direction, directions, text
from irs_core.text import csv_cell, latex, markdown, plain

if TYPE_CHECKING:
    import pandas as pd


_DECIMALS = 4


def table_bytes(frame: pd.DataFrame, kind: str) -> bytes:
    """A table in one of `FORMATS`.

    CSV and Parquet keep every digit, and no text in CSV begins as a formula; Markdown and LaTeX
    (booktabs) show four decimals, bounds rounded outward, and a dash where there is no value.

    Raises:
        UnknownKeyError: There is no such format.
        IrsError: Parquet needs pyarrow, which is missing.
    """
    if kind not in FORMATS:
        raise UnknownKeyError(f"a table can be written as {', '.join(FORMATS)}; got {kind!r}")
    return FORMATS[kind](frame)


def _csv(frame: pd.DataFrame) -> bytes:
    return csv_text(frame).encode()


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV that a spreadsheet may open: no name in it is taken for a formula."""
    return without_formulas(frame).to_csv(index=False)


def without_formulas(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose texts, those of its head included, no spreadsheet takes for formulas."""
    found = frame.rename(columns=csv_cell)
    for at, kind in enumerate(frame.dtypes):
        if not _is_number(kind):
            found.isetitem(at, [csv_cell(one) for one in frame.iloc[:, at]])
    return found


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, index=False)
    except ImportError:
        raise IrsError("Parquet files need the package pyarrow: pip install pyarrow") from None
    return buffer.getvalue()


def _markdown(frame: pd.DataFrame) -> bytes:
    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cells)} |"

    numbers = [_is_number(frame[name]) for name in frame]
    rows = [
        line([one if number else markdown(one) for one, number in zip(cells, numbers, strict=True)])
        for cells in shown_rows(frame, _DECIMALS)
    ]
    marks = line(["---:" if number else "---" for number in numbers])
    return "\n".join([line([markdown(name) for name in frame]), marks, *rows, ""]).encode()


def _latex(frame: pd.DataFrame) -> bytes:
    def line(cells: list[str]) -> str:
        return f"{' & '.join(map(latex, cells))} \\\\"

    columns = "".join("r" if _is_number(frame[name]) else "l" for name in frame)
    rows = [line(cells) for cells in shown_rows(frame, _DECIMALS)]
    return "\n".join(
        [
            f"\\begin{{tabular}}{{{columns}}}",
            "\\toprule",
            line([str(name) for name in frame]),
            "\\midrule",
            *rows,
            "\\bottomrule",
            "\\end{tabular}",
            "",
        ]
    ).encode()


def _is_number(column: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column))


def shown_rows(frame: pd.DataFrame, digits: int) -> Iterator[list[str]]:
    """The cells of a table as texts, bounds rounded outward."""
    sides = directions(frame, frame.attrs.get(SIDES, {}))
    for row in frame.itertuples(index=False):
        yield [_text(value, digits, side) for value, side in zip(row, sides, strict=True)]


def _text(value: object, digits: int, side: Direction) -> str:
    if isinstance(value, float):
        return text(value, digits, side) if math.isfinite(value) else "-"
    return plain(value)


FORMATS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "csv": _csv,
    "parquet": _parquet,
    "md": _markdown,
    "tex": _latex,
}
