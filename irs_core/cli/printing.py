"""Tables for a terminal."""

from math import isnan

import pandas as pd

from irs_core.spec import outward


def print_table(table: pd.DataFrame) -> None:
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
