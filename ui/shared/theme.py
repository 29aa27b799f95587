"""Colours and number formats, the same on every page."""

import math
from collections.abc import Sequence

from irs_core.analysis.colours import (
    MARK,
    NEUTRAL,
    PALETTE,
    faded,
    model_colour,
    model_colours,
    model_symbol,
    shaded,
)
from irs_core.analysis.results import Interval
from irs_core.spec import outward

__all__ = [
    "MARK",
    "NEUTRAL",
    "PALETTE",
    "faded",
    "model_colour",
    "model_colours",
    "model_symbol",
    "shaded",
]

# Less empty space at the top and the end of a page than Streamlit leaves; captions that contrast
# enough with either ground (WCAG AA).
STYLE = """<style>
[data-testid=stMainBlockContainer] { padding-top: 3.75rem; padding-bottom: 4rem; }
[data-testid=stCaptionContainer], [data-testid=stCaptionContainer] :is(p, strong, em) {
  color: inherit; }
[data-testid=stCaptionContainer] { opacity: 0.8; }
.st-key-history { display: none; }
/* Three readers in one row. */
[data-testid=stSidebar] [data-testid=stButtonGroup] button { padding-inline: 0.35rem; }
[data-testid=stSidebar] [data-testid=stButtonGroup] button p { font-size: 0.8rem; }
/* Beside others on a narrow screen a metric's words go on below instead of being cut. */
[data-testid=stMetric] :is([data-testid=stMetricLabel], [data-testid=stMetricDelta]),
[data-testid=stMetric] :is([data-testid=stMetricLabel], [data-testid=stMetricDelta]) * {
  white-space: normal; text-overflow: clip; overflow-wrap: anywhere; height: auto; }
</style>"""
FORMULA_NOTE = (
    "Exact formulas from `irs_core.stats`; the same functions certify. Sources: Clopper & Pearson "
    "1934, Wilson 1927, Agresti & Coull 1998, Cohen et al. 2019."
)


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage, `n/a` where there is none."""
    return "n/a" if math.isnan(share) else f"{100 * share:.{digits}f}%"


def confidence(failure: float) -> str:
    """One minus a failure probability in percent, rounded down."""
    return outward.confidence(failure)


def times(ratio: float) -> str:
    """A speedup, `n/a` where there is none."""
    return "n/a" if math.isnan(ratio) else f"{ratio:.2f}×"


def ends(interval: Interval) -> str:
    """The ends of a 95% interval in words, `no interval` where it has none."""
    return f"95%: {between(interval)}" if between(interval) else "no interval"


def between(interval: Interval) -> str:
    """`2.09 to 2.36`, empty where there is no interval."""
    return (
        ""
        if math.isnan(interval.low)
        else f"{outward.down(interval.low, 2)} to {outward.up(interval.high, 2)}"
    )


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


def spread(low: float, high: float, digits: int) -> str:
    """`0.41`, or `0.41 to 0.45` where the two differ as written."""
    ends = [f"{low:.{digits}f}", f"{high:.{digits}f}"]
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def interval(value: float, low: float, high: float) -> str:
    """A mean with its interval."""
    return (
        "n/a"
        if math.isnan(value)
        else f"{outward.down(value)} [{outward.down(low)}, {outward.up(high)}]"
    )


def plural(number: int, word: str) -> str:
    """A counted noun."""
    return f"{count(number)} {word}" if number == 1 else f"{count(number)} {word}s"


def listing(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""
