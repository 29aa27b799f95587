"""Numbers in sentences: no bound is printed as better than it is."""

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from irs_core.spec.outward import down, less, percent, up

__all__ = [
    "chosen_percent",
    "down",
    "exact",
    "less",
    "percent_down",
    "percent_up",
    "sure",
    "up",
]


def percent_up(share: float, places: int = 2) -> str:
    """A share in percent, never below itself, without trailing zeros, e.g. `0.92%`."""
    return _trimmed(percent(share, places, "up")) + "%"


def percent_down(share: float, places: int = 2) -> str:
    """A share in percent, never above itself, without trailing zeros, e.g. `99.7%`."""
    return _trimmed(percent(share, places, "down")) + "%"


def sure(failure: float) -> str:
    """The confidence 1 - `failure` in percent, rounded down, e.g. `99.7%`.

    At least one decimal place; more where the failure probability is so small that one would
    hide it.
    """
    lost = Decimal(repr(float(failure))) * 100
    places = 1
    while lost < Decimal(1).scaleb(-places) and places < 9:
        places += 1
    return _trimmed(_rounded(100 - lost, places, ROUND_FLOOR)) + "%"


def exact(value: float, least_places: int = 2) -> str:
    """A number that somebody chose, as they wrote it, with at least so many decimal places."""
    written = Decimal(repr(float(value)))
    exponent = written.normalize().as_tuple().exponent
    own = -exponent if isinstance(exponent, int) else 0
    return _rounded(written, max(least_places, own), ROUND_HALF_EVEN)


def chosen_percent(share: float) -> str:
    """A share that somebody chose, in percent, as they wrote it, e.g. `1%`."""
    return _trimmed(f"{Decimal(repr(float(share))) * 100:f}") + "%"


def _rounded(value: Decimal, places: int, rounding: str) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=rounding)
    # A negative zero is no number for a sentence.
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
