"""From the original with all its draws to the compressed models, step by step.

Two steps lie between them: fewer draws, which would cost the original just as much, and
compression. Plotly's own JSON form, so that nothing here imports Plotly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.colours import NEUTRAL, model_colours, shaded
from irs_core.analysis.equal_draws import study_gaps
from irs_core.decide import Difference, Gap
from irs_core.spec.outward import down, up
from irs_core.spec.settings import Settings
from irs_core.store import StudyRecord
from irs_core.text import plotly

ACR_TITLE = "average certified radius (pixel units)"
_FEWER = shaded(NEUTRAL, 0.45)


@dataclass(frozen=True)
class Bar:
    """One bar of the waterfall.

    Args:
        label: What stands below it; lines are parted by `<br>`.
        start, end: Where it begins and ends, pixel units: a total begins at 0.
        low, high: 95% interval of the end of a step; both equal the end of a total.
        step: Whether it is a step and no total.
        hover: The numbers in words.
    """

    label: str
    start: float
    end: float
    low: float
    high: float
    colour: str
    step: bool
    hover: str


def study_waterfall(record: StudyRecord, analysis: Analysis) -> dict[str, Any] | None:
    """The waterfall of all compressed models of a study; None where no draws are paired."""
    gaps = {model.name: study_gaps(analysis, model.name) for model in record.compressed}
    known = {name: found[0] for name, found in gaps.items() if found}
    if not known:
        return None
    titles = {model.name: model.title for model in record.compressed}
    colours = model_colours(model.name for model in record.models)
    n, n_p = analysis.tally.n, int(analysis.tally.budgets[-1])
    return waterfall_figure(waterfall_bars(known, titles, colours, n=n, n_p=n_p))


def levels_words(settings: Settings) -> str:
    """At which levels the steps are certified, which is part of the first one; a sentence."""
    alone, both = settings.alpha, settings.alpha + settings.alpha_zeta
    return (
        f"The original with all its draws is certified at level {alone:g}, and both models with "
        f"fewer draws at {both:g}, so the cost of fewer draws also holds what the level changes."
    )


def waterfall_bars(
    gaps: Mapping[str, Gap],
    titles: Mapping[str, str],
    colours: Mapping[str, str],
    *,
    n: int,
    n_p: int,
) -> list[Bar]:
    """The original with all its draws, with fewer draws, then a step and a total for each model.

    Args:
        gaps: In ACR, by name of the model, at least one; all at the same draws.
        titles, colours: By name.
        n, n_p: Draws of the original, and draws of both in the comparison.
    """
    first = next(iter(gaps.values()))
    equal = f"original<br>{n_p:,} draws"
    bars = [
        _total(f"original<br>{n:,} draws", first.full, NEUTRAL),
        _step("fewer draws", first.full, first.fewer_draws, _FEWER),
        _total(equal, first.equal, NEUTRAL),
    ]
    for name, gap in gaps.items():
        title, colour = plotly(titles[name]), colours[name]
        bars += [
            _step(f"{title}:<br>compression", gap.equal, gap.compression, colour),
            _total(f"{title}<br>{n_p:,} draws", gap.compressed, colour),
        ]
    return bars


def waterfall_figure(bars: Sequence[Bar]) -> dict[str, Any]:
    """Data and layout of the figure."""
    trace = {
        "type": "bar",
        "x": [one.label for one in bars],
        "base": [one.start for one in bars],
        "y": [one.end - one.start for one in bars],
        "marker": {
            "color": [one.colour for one in bars],
            "pattern": {"shape": ["/" if one.step else "" for one in bars], "size": 6},
        },
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.end if one.step else None for one in bars],
            "arrayminus": [one.end - one.low if one.step else None for one in bars],
            "thickness": 1.5,
            "width": 4,
        },
        "text": [_signed(one.end - one.start) if one.step else down(one.end) for one in bars],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertext": [one.hover for one in bars],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showlegend": False,
    }
    return {
        "data": [trace],
        "layout": {
            "title": {"text": "What fewer draws cost, and what compression costs"},
            "yaxis": {"title": {"text": ACR_TITLE}, "rangemode": "tozero"},
            "template": "none",
            "height": 460,
        },
    }


def _total(label: str, value: float, colour: str) -> Bar:
    return Bar(label, 0.0, value, value, value, colour, False, f"{_flat(label)}: {down(value)}")


def _step(label: str, start: float, cost: Difference, colour: str) -> Bar:
    # Costs are positive where something is lost; the ends of the bar go the other way.
    hover = (
        f"{_flat(label)} costs {cost.mean:.3f}<br>95% interval {down(cost.low)} to {up(cost.high)}"
    )
    ends = (start - cost.mean, start - cost.high, start - cost.low)
    return Bar(label, start, *ends, colour, True, hover)


def _signed(change: float) -> str:
    shown = f"{abs(change):.3f}"
    return shown if float(shown) == 0 else f"{'+' if change > 0 else '−'}{shown}"


def _flat(label: str) -> str:
    return label.replace(":<br>", ": ").replace("<br>", ", ")
