"""Colours and number formats, the same on every page."""

import math
from collections.abc import Iterable, Sequence

from irs_core.store import BASE

# After Okabe & Ito (2008), with lightness moved so that each stands out on white and on black.
PALETTE = (
    *("#3182C4", "#E08A00", "#0E9F77", "#D45B1F", "#B7689B", "#39A9DB"),
    *("#9A7B00", "#8A6FD1", "#8D6E63", "#6B8E23", "#E377C2", "#3F7D7B"),
)
NEUTRAL = "#7B8694"
MARK = "#DB4C4C"
_PREFERRED = {
    "fp16": 0,
    "prune": 1,
    "lowrank": 2,
    "int8": 3,
    "prune-layer": 4,
    "bf16": 5,
    "fp16-compute": 6,
    "bf16-compute": 7,
    "int8-dynamic": 8,
    "int8-mixed": 9,
}


def model_colours(names: Iterable[str]) -> dict[str, str]:
    """A colour per model of a study; a kind of compression gets its own one where it can.

    Args:
        names: Names of the compressed models, in the order of the study.
    """
    colours, taken = {BASE: NEUTRAL}, set[int]()
    waiting = []
    for name in names:
        wanted = _PREFERRED.get(name.partition(":")[0])
        if wanted is None or wanted in taken:
            waiting.append(name)
        else:
            taken.add(wanted)
            colours[name] = PALETTE[wanted]
    free = [index for index in range(len(PALETTE)) if index not in taken] or [*range(len(PALETTE))]
    for position, name in enumerate(waiting):
        colours[name] = PALETTE[free[position % len(free)]]
    return colours


def faded(colour: str, opacity: float) -> str:
    """A hexadecimal colour with an opacity, as CSS `rgba`."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage, `n/a` where there is none."""
    return "n/a" if math.isnan(share) else f"{100 * share:.{digits}f}%"


def confidence(failure: float) -> str:
    """One minus a failure probability in percent, without rounding it up to certainty."""
    return f"{100 * (1 - failure):.6g}%"


def times(ratio: float) -> str:
    """A speedup, `n/a` where there is none."""
    return "n/a" if math.isnan(ratio) else f"{ratio:.2f}×"


def count(number: float) -> str:
    """A whole number with thin thousands separators."""
    return f"{number:,.0f}"


def rounded_count(number: float) -> str:
    """A large number in words: `1.2 million`."""
    for size, word in ((1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return count(number)


def file_size(size: float) -> str:
    """Bytes in decimal units."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would use."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def interval(value: float, low: float, high: float) -> str:
    """A mean with its interval."""
    return "n/a" if math.isnan(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def plural(number: int, word: str) -> str:
    """A counted noun."""
    return f"{count(number)} {word}" if number == 1 else f"{count(number)} {word}s"


def listing(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""
