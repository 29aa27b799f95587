"""Conventions of radii: what is known of the classes that are not certified."""

from typing import Literal

Convention = Literal["one-sided", "two-sided"]
ONE_SIDED: Convention = "one-sided"
TWO_SIDED: Convention = "two-sided"
CONVENTIONS: tuple[Convention, ...] = (ONE_SIDED, TWO_SIDED)
SENTENCES: dict[Convention, str] = {
    ONE_SIDED: "One-sided radii, as usual in the field: all other classes together get what the "
    "certified class is not sure of.",
    TWO_SIDED: "Two-sided radii: where few selection draws gave the class, the most likely other "
    "class is bounded too. Not comparable with one-sided radii, which decisions about a model "
    "always use.",
}
COLUMN = "convention"
"""Column of a table, and parameter of an address, that names the convention."""
