"""Numbers as texts, rounded so that what is shown holds: lower bounds down, upper bounds up.

A radius printed to nearest is larger than what is certified about half of the time; the printed
number then fails more often than the level says (docs/methods/statements.md).
"""

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Direction = Literal["down", "up", "nearest"]
_ROUNDING = {"down": ROUND_FLOOR, "up": ROUND_CEILING, "nearest": ROUND_HALF_EVEN}
# Columns of tables, by what they hold; all others are estimates or costs.
_COLUMNS: Mapping[str, Direction] = {
    **dict.fromkeys(
        ("ACR", "radius", "bound", "p_A bound", "p_A lower bound", "median bound", "low"), "down"
    ),
    **dict.fromkeys(("accuracy", "smoothed accuracy", "95% low"), "down"),
    **dict.fromkeys(("mean ζ", "mean zeta", "zeta", "ζ", "leave bound", "floor", "high"), "up"),
    **dict.fromkeys(
        ("original, all draws", "original, equal draws", "compressed, equal draws"), "down"
    ),
    **dict.fromkeys(("95% high", "exceptions, at most"), "up"),
}


def down(value: float, digits: int = 3) -> str:
    """A lower bound with `digits` decimals, never above the value; `n/a` for NaN."""
    return text(value, digits, "down")


def up(value: float, digits: int = 3) -> str:
    """An upper bound with `digits` decimals, never below the value; `n/a` for NaN."""
    return text(value, digits, "up")


def text(value: float, digits: int, direction: Direction) -> str:
    """A number with `digits` decimals, rounded towards one side; `n/a` for NaN."""
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    exact = _decimal(value).quantize(Decimal(1).scaleb(-digits), _ROUNDING[direction])
    return f"{exact + 0:f}"


def significant(value: float, digits: int, direction: Direction) -> str:
    """A number with `digits` significant digits, rounded towards one side, without trailing zeros.

    `n/a` for NaN.
    """
    if math.isnan(value) or math.isinf(value) or value == 0:
        return text(value, 0, direction)
    exact = _decimal(value)
    places = digits - 1 - exact.adjusted()
    shown = text(value, places, direction) if places >= 0 else f"{value:.{digits}g}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def confidence(failure: float) -> str:
    """One minus a failure probability in percent, rounded down to six digits."""
    # Meant as a decimal number; sums of levels carry errors of the last bit.
    typed = (1 - _decimal(round(failure, 15))) * 100
    exact = typed.quantize(Decimal("0.0001"), ROUND_FLOOR)
    return f"{exact.normalize():f}%"


def failure(value: float) -> str:
    """A failure probability with up to six significant digits, rounded up."""
    # Sums of levels carry errors of the last bit, which are not worth a digit.
    return significant(round(value, 15), 6, "up") if value > 0 else "0"


def _decimal(value: float) -> Decimal:
    """The shortest decimal number that reads back as the value: 0.31, not 0.309999999999999997."""
    return Decimal(repr(float(value)))


def direction(column: str) -> Direction:
    """Which way numbers of a column are rounded, by its name."""
    name = column.removesuffix(" %")
    for ending, found in ((" low", "down"), (" high", "up")):
        if name.endswith(ending):
            return found  # type: ignore[return-value]
    if name.startswith("best ACR") or name.startswith("CA("):
        return "down"
    return _COLUMNS.get(name, "nearest")


def rounded(values: NDArray[np.float64], digits: int, side: Direction) -> NDArray[np.float64]:
    """Numbers that print with `digits` decimals as `text` prints the values."""
    if side == "nearest":
        return values
    found = [
        value if not math.isfinite(value) else float(text(value, digits, side))
        for value in values.tolist()
    ]
    return np.array(found, np.float64)
