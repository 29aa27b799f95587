"""Colours and markers of models, the same on pages, in reports and in notebooks."""

from collections.abc import Iterable

from irs_core.decide.words import COLOURS
from irs_core.spec.compression_kinds import KINDS
from irs_core.store import BASE

# After Okabe & Ito (2008), with lightness moved so that each stands out on white and on black.
PALETTE = (
    *("#3182C4", "#E08A00", "#0E9F77", "#D45B1F", "#B7689B", "#39A9DB"),
    *("#9A7B00", "#8A6FD1", "#8D6E63", "#6B8E23", "#E377C2", "#3F7D7B"),
)
NEUTRAL = "#7B8694"
MARK = "#DB4C4C"
VERDICTS = COLOURS
# Numbers of one kind differ in lightness, the stronger the darker; both stand out on either theme.
_LIGHTEST, _DARKEST = 0.28, -0.34
_SYMBOLS = ("circle", "square", "triangle-up", "x", "star", "pentagon", "hexagon", "cross")


def model_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour of its own for every model of a study, the original included.

    A model has the colour of `model_colour` in every study, unless another one of the same study
    has it: then the next colour of the palette that is free.
    """
    found = {BASE: NEUTRAL}
    for name in names:
        if name != BASE:
            wanted = (model_colour(name), *PALETTE, *(shaded(one, -0.4) for one in PALETTE))
            free = [colour for colour in wanted if colour not in found.values()]
            found[name] = (free or wanted)[0]
    return found


def model_colour(name: str) -> str:
    """The colour of one model by its name, e.g. `prune:0.1`: the hue is its kind's."""
    if name == BASE:
        return NEUTRAL
    kind, _, number = name.partition(":")
    colour, known = PALETTE[_hue(kind)], KINDS.get(kind)
    if known is None or known.number is None:
        return colour
    try:
        strength = min(1.0, max(0.0, known.number.strength(float(number))))
    except ValueError:
        return colour
    return shaded(colour, _LIGHTEST + strength * (_DARKEST - _LIGHTEST))


def model_symbol(name: str) -> str:
    """The marker of one model by its name, so that colour is never the only difference."""
    return "diamond" if name == BASE else _SYMBOLS[_hue(name.partition(":")[0]) % len(_SYMBOLS)]


def shaded(colour: str, amount: float) -> str:
    """A hexadecimal colour moved towards white (amount up to 1) or black (down to -1)."""
    target = 255 if amount > 0 else 0
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    mixed = (round(part + abs(amount) * (target - part)) for part in parts)
    return "#" + "".join(f"{part:02X}" for part in mixed)


def faded(colour: str, opacity: float) -> str:
    """A hexadecimal colour with an opacity, as CSS `rgba`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def _hue(kind: str) -> int:
    known = KINDS.get(kind)
    return (sum(map(ord, kind)) if known is None else known.hue) % len(PALETTE)
