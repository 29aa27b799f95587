"""A frame as CSV, Parquet, Markdown or LaTeX."""

import io
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from irs_core.errors import IrsError, UnknownKeyError
from irs_core.spec.outward import SIDES, Direction, directions, text

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_DECIMALS = 4
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def table_bytes(frame: pd.DataFrame, kind: str) -> bytes:
    """A table in one of `FORMATS`.

    CSV and Parquet keep every digit; Markdown and LaTeX (booktabs) show four decimals, bounds
    rounded outward, and a dash where there is no value.

    Raises:
        UnknownKeyError: There is no such format.
        IrsError: Parquet needs pyarrow, which is missing.
    """
    if kind not in FORMATS:
        raise UnknownKeyError(f"a table can be written as {', '.join(FORMATS)}; got {kind!r}")
    return FORMATS[kind](frame)


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, index=False)
    except ImportError:
        raise IrsError("Parquet files need the package pyarrow: pip install pyarrow") from None
    return buffer.getvalue()


def _markdown(frame: pd.DataFrame) -> bytes:
    def line(cells: list[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    marks = ["---:" if _is_number(frame[name]) else "---" for name in frame]
    rows = [line(cells) for cells in shown_rows(frame, _DECIMALS)]
    return "\n".join([line([str(name) for name in frame]), line(marks), *rows, ""]).encode()


def _latex(frame: pd.DataFrame) -> bytes:
    def line(cells: list[str]) -> str:
        return f"{' & '.join(map(_escaped, cells))} \\\\"

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


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _is_number(column: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def shown_rows(frame: pd.DataFrame, digits: int) -> Iterator[list[str]]:
    """The cells of a table as texts, bounds rounded outward."""
    sides = directions(frame, frame.attrs.get(SIDES, {}))
    for row in frame.itertuples(index=False):
        yield [_text(value, digits, side) for value, side in zip(row, sides, strict=True)]


def _text(value: object, digits: int, side: Direction) -> str:
    if isinstance(value, float):
        return text(value, digits, side) if math.isfinite(value) else "-"
    return _CONTROL.sub(" ", str(value))


FORMATS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "csv": _csv,
    "parquet": _parquet,
    "md": _markdown,
    "tex": _latex,
}
