"""Studies by the first digits of their ids, as pages and commands print them."""

from collections.abc import Mapping
from typing import TypeVar

from irs_core.errors import StoreError

# Names that are listed where the beginning of one names several.
_LISTED = 8
T = TypeVar("T")


def named(wanted: str, among: Mapping[str, T]) -> T | None:
    """What is called so, or the only thing whose name begins so; None where there is nothing.

    Raises:
        StoreError: Several names begin so.
    """
    if wanted in among:
        return among[wanted]
    names = sorted(name for name in among if wanted and name.startswith(wanted))
    if len(names) > 1:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        raise StoreError(
            f"{len(names)} studies begin with {wanted!r}: {', '.join(names[:_LISTED])}{more}; "
            "give more digits"
        )
    return among[names[0]] if names else None
