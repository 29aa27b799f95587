"""Each input's radius under both models as a picture in SVG, for pages without a script."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.colours import MARK, NEUTRAL
from irs_core.analysis.equal_draws import EqualDraws
from irs_core.decide import Decision
from irs_core.text import html as escape

Floats = NDArray[np.float64]
# Width and height in units of the picture, and the room for titles and ticks.
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _EDGE = 640, 330, 58, 46, 12
# More dots than this are drawn for every second input only, and so on.
_MOST = 2000


def scatter(found: EqualDraws, decision: Decision, colour: str) -> str:
    """One dot per input, the tolerance as a band below the diagonal, what may be lost as crosses.

    Args:
        found: Both models at equal draws; inputs in the order of the decision's positions.
        colour: Of the compressed model.
    """
    asked = decision.requirement
    top = 1.05 * max(float(found.equal.max()), float(found.compressed.max()), asked.radius)
    lost = np.isin(np.arange(len(found.equal)), decision.may_lose)
    step = -(-len(lost) // _MOST)
    shown = np.arange(0, len(lost), step)
    said = (
        f"Certified radius of every input under the original and {decision.model}, both with "
        f"{found.n_p:,} draws; {int(lost.sum())} may be lost"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(said)}" font-family="sans-serif" font-size="13" fill="#333">',
        _band(top, asked.tolerance),
        *_axes(top, f"{decision.model}: certified radius"),
        _line(asked.radius, top),
        *_dots(found, shown[~lost[shown]], top, colour),
        *_crosses(found, np.flatnonzero(lost), top),
        "</svg>",
    ]
    return "\n".join(parts)


def _across(value: float, top: float) -> float:
    return _LEFT + value / top * (_WIDTH - _LEFT - _EDGE)


def _up(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _BOTTOM - _EDGE)


def _band(top: float, tolerance: float) -> str:
    corners = [(0.0, 0.0), (top, top), (top, top - tolerance), (tolerance, 0.0)]
    points = " ".join(f"{_across(x, top):.1f},{_up(y, top):.1f}" for x, y in corners)
    return f'<polygon points="{points}" fill="{NEUTRAL}" fill-opacity="0.25"/>'


def _axes(top: float, y_title: str) -> list[str]:
    parts = []
    for tick in _ticks(top):
        x, y = _across(tick, top), _up(tick, top)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _EDGE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>'
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:g}</text>'
        )
    middle = (_HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "original: certified radius (L2, pixel units)</text>"
        f'<text transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_title)}</text>"
    )
    return parts


def _ticks(top: float) -> Sequence[float]:
    """About five round numbers from 0 up."""
    power = 10.0 ** np.floor(np.log10(top / 4))
    step = next(one * power for one in (1, 2, 2.5, 5, 10) if one * power >= top / 6)
    return [round(float(one), 9) for one in np.arange(0, top, step)]


def _line(radius: float, top: float) -> str:
    x = _across(radius, top)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_EDGE}" y2="{_HEIGHT - _BOTTOM}" '
        f'stroke="{NEUTRAL}" stroke-dasharray="3 3"/>'
        f'<text x="{x + 4:.1f}" y="{_EDGE + 10}">r = {radius:g}</text>'
    )


def _dots(found: EqualDraws, rows: NDArray[np.int64], top: float, colour: str) -> list[str]:
    return [
        f'<circle cx="{_across(found.equal[row], top):.1f}" '
        f'cy="{_up(found.compressed[row], top):.1f}" r="2.6" fill="{colour}" fill-opacity="0.6"/>'
        for row in rows
    ]


def _crosses(found: EqualDraws, rows: NDArray[np.int64], top: float) -> list[str]:
    parts = []
    for row in rows:
        x, y = _across(found.equal[row], top), _up(found.compressed[row], top)
        parts.append(
            f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" stroke="{MARK}" stroke-width="2"/>'
        )
    return parts
