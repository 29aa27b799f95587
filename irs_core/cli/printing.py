"""Results for a terminal, as tables or as JSON."""

import json
from collections.abc import Mapping
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from irs_core.spec import outward

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1


def print_json(command: str, values: Mapping[str, Any]) -> None:
    """One JSON object, with the command and the version of its schema (docs/json.md).

    Numbers have all their digits; what is not known is null, never NaN.
    """
    print(json_text({"schema": SCHEMA, "command": command, **_plain(values)}))


def json_text(values: Mapping[str, Any]) -> str:
    """JSON that a CI service does not take for commands (`##[error]`): escapes say the same."""
    return json.dumps(values, indent=1).replace("##[", r"#\u0023[")


def rows_of(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """A table as JSON values, one object a row."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


def print_table(table: "pd.DataFrame") -> None:
    """Bounds are rounded outward; intervals share a column with their value, so that a row fits a
    terminal."""
    table = table.copy()
    for name in [one.removesuffix(" low") for one in map(str, table) if one.endswith(" low")]:
        ends = table.pop(f"{name} low"), table.pop(f"{name} high")
        side = outward.direction(name)
        rows = zip(table[name], *ends, strict=True)
        table[name] = [_with_ends(*values, side) for values in rows]
    for column in table.select_dtypes("float"):
        side = outward.direction(str(column))
        table[column] = ["-" if isnan(one) else outward.text(one, 4, side) for one in table[column]]
    print(table.to_string(index=False, na_rep="-"))


def _with_ends(value: float, low: float, high: float, side: outward.Direction) -> str:
    if isnan(value):
        return "-"
    shown = outward.significant(value, 4, side)
    ends = outward.significant(low, 4, "down"), outward.significant(high, 4, "up")
    return f"{shown} ({ends[0]}..{ends[1]})"
