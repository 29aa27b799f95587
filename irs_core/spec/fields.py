"""Values of descriptions: their JSON types, their ranges, and ids made from them."""

import hashlib
import json
import re

from irs_core.errors import SpecError
from irs_core.text import plain

_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a text without control characters",
}
# Control characters and lone surrogates: terminals obey the first, no encoder takes the second.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# No integer of a description is as large: they are computed with as 64-bit integers and floats.
TOO_LARGE = 2**63


def stable_id(value: object) -> str:
    """A 16-digit hexadecimal id of a JSON-serialisable value, equal on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_a(value: object, kind: type) -> bool:
    """Whether a value is of a JSON type: a truth value is no integer, an integer is a number."""
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float and isinstance(value, int):
        # A larger integer has no counterpart among the floats that it is computed with.
        return abs(value) < TOO_LARGE
    if kind is str:
        return isinstance(value, str) and not _UNPRINTABLE.search(value)
    return isinstance(value, kind)


def kind_name(kind: type) -> str:
    """A JSON type in words, e.g. `an integer`."""
    return _KINDS[kind]


def check_fields(spec: object, kind: type, *names: str, optional: bool = False) -> None:
    """Refuse attributes that are not of a JSON type.

    Args:
        optional: None will do as well.

    Raises:
        SpecError: Names the first and its value.
    """
    # Descriptions come from files and forms, so annotations alone promise nothing.
    for name in names:
        value = getattr(spec, name)
        if not is_a(value, kind) and not (optional and value is None):
            raise SpecError(f"{name} must be {kind_name(kind)}; got {value!r}")


def shorten(record: object, most: int, *names: str) -> None:
    """Bound attributes that are only shown, wherever they come from: no sign that is not seen.

    What is no text of a description stays as it is, to be refused by what checks the record.
    """
    for name in names:
        value = getattr(record, name)
        if is_a(value, str):
            object.__setattr__(record, name, plain(value, most))


def check_items(name: str, values: object, kind: type) -> None:
    """Refuse what is no tuple of values of a JSON type.

    Raises:
        SpecError: Names them.
    """
    if not isinstance(values, tuple) or not all(is_a(value, kind) for value in values):
        raise SpecError(f"every entry of {name} must be {kind_name(kind)}; got {values!r}")


def check_probability(name: str, value: float) -> None:
    """Refuse a failure probability outside (0, 1)."""
    if not 0 < value < 1:
        raise SpecError(f"{name} must be in (0, 1); got {value}")


def check_gamma(value: float) -> None:
    """Refuse a threshold outside (0.5, 1]."""
    if not 0.5 < value <= 1:
        raise SpecError(f"gamma must be in (0.5, 1]; got {value}")
