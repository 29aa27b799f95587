"""Numbers as texts, rounded so that what is shown holds: lower bounds down, upper bounds up.

A radius printed to nearest is larger than what is certified about half of the time; the printed
number then fails more often than the level says (docs/methods/statements.md).
"""

import math
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Direction = Literal["down", "up", "nearest", "counted"]
"""`counted` is a share of whole numbers of inputs, rounded down as the fraction that it is."""
_ROUNDING = {
    "down": ROUND_FLOOR,
    "up": ROUND_CEILING,
    "nearest": ROUND_HALF_EVEN,
    "counted": ROUND_FLOOR,
}
# Columns of tables, by what they hold; all others are estimates or costs.
_COLUMNS: Mapping[str, Direction] = {
    **dict.fromkeys(
        (
            *("ACR", "radius", "bound", "p_A bound", "p_A lower bound", "p_lower", "low"),
            *("median bound", "ACR kept", "ACR at equal draws"),
        ),
        "down",
    ),
    **dict.fromkeys(("accuracy", "smoothed accuracy", "certified accuracy"), "counted"),
    **dict.fromkeys(("95% low",), "down"),
    **dict.fromkeys(
        ("mean ζ", "mean zeta", "zeta", "ζ", "leave bound", "floor", "high", "other_upper"), "up"
    ),
    **dict.fromkeys(
        ("original, all draws", "original, equal draws", "compressed, equal draws"), "down"
    ),
    **dict.fromkeys(("95% high", "exceptions, at most"), "up"),
}
SIDES = "sides"
"""In a frame's `attrs`: columns whose names do not tell how they are rounded."""
# Enough for every digit of a float of either extreme.
_EXACT = Context(prec=1200)
# Decimals of a share, in percent too: its float is off by less, other fractions of fewer than a
# million inputs by more.
_SHARE_DIGITS = 11


def down(value: float, digits: int = 3) -> str:
    """A lower bound with `digits` decimals, never above the value; `n/a` for NaN."""
    return text(value, digits, "down")


def up(value: float, digits: int = 3) -> str:
    """An upper bound with `digits` decimals, never below the value; `n/a` for NaN."""
    return text(value, digits, "up")


def text(value: float, digits: int, direction: Direction) -> str:
    """A number with `digits` decimals, rounded towards one side; `n/a` for NaN.

    What is rounded is the binary number itself, not the shortest decimal that reads back as it:
    that may lie beyond, as 0.58 does.
    """
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return _text(_binary(value, direction), digits, direction)


def significant(value: float, digits: int, direction: Direction) -> str:
    """A number with `digits` significant digits, rounded towards one side, without trailing zeros.

    `n/a` for NaN.
    """
    if math.isnan(value) or math.isinf(value) or value == 0:
        return text(value, 0, direction)
    return _significant(_binary(value, direction), digits, direction)


def confidence(failure: float) -> str:
    """One minus a failure probability in percent, rounded down to six digits."""
    exact = _text((1 - _typed(failure)) * 100, 4, "down")
    return f"{exact.rstrip('0').rstrip('.')}%"


def failure(value: float) -> str:
    """A failure probability with up to six significant digits, rounded up."""
    return _significant(_typed(value), 6, "up") if value > 0 else "0"


def percent(share: float, digits: int, direction: Direction) -> str:
    """A share in percent, rounded towards one side, without the sign; `n/a` for NaN."""
    if not math.isfinite(share):
        return text(share, digits, direction)
    # Cutting first keeps the product exact.
    cut = _quantized(_binary(share, direction), digits + 2, direction)
    return _text(cut * 100, digits, direction)


def _text(exact: Decimal, digits: int, direction: Direction) -> str:
    # A negative zero is no number for a reader.
    return f"{_EXACT.plus(_quantized(exact, digits, direction)):f}"


def _quantized(exact: Decimal, digits: int, direction: Direction) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-digits), _ROUNDING[direction], _EXACT)


def _significant(exact: Decimal, digits: int, direction: Direction) -> str:
    shown = _text(exact, digits - 1 - exact.adjusted(), direction)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _binary(value: float, direction: Direction) -> Decimal:
    """The number that a float is; of a counted share, the decimal number beside it."""
    return Decimal(repr(round(value, _SHARE_DIGITS))) if direction == "counted" else Decimal(value)


def _typed(level: float) -> Decimal:
    """A level as somebody wrote it: sums of levels carry errors of the last bit."""
    return Decimal(repr(round(float(level), 15)))


def directions(columns: Iterable[object], named: Mapping[str, Direction]) -> list[Direction]:
    """Which way numbers of columns are rounded: as named, else by `direction`."""
    return [named.get(one) or direction(one) for one in map(str, columns)]


def direction(column: str) -> Direction:
    """Which way numbers of a column are rounded, by its name."""
    name = column.removesuffix(" %")
    for ending, found in ((" low", "down"), (" high", "up")):
        if name.endswith(ending):
            return found  # type: ignore[return-value]
    if name.startswith("best ACR"):
        return "down"
    if name.startswith("CA("):
        return "counted"
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


def less(value: float, taken: float) -> float:
    """`value` less `taken` as a reader takes their decimals: 0.3 less 0.1 is 0.2."""
    return float(Decimal(repr(float(value))) - Decimal(repr(float(taken))))
