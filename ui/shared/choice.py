"""Which compressed model to take: what dominates what, verdicts, the sentence on the Overview."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.results import Summary
from irs_core.decide import dominated
from irs_core.spec import outward
from irs_core.spec.outward import down
from irs_core.store import StudyRecord
from irs_core.text import markdown
from ui.shared import theme
from ui.shared.entries import ModelRow
from ui.shared.glossary import HELP

# Below this share of the original's ACR a compression is not offered as the best one.
USEFUL_SHARE = 0.95


@dataclass(frozen=True)
class Number:
    """One of the three numbers at the top of the Overview."""

    label: str
    value: str
    beside: str
    help: str


Axis = Literal["size", "latency", "recertification"]


def costs(rows: Sequence[ModelRow], axis: Axis) -> NDArray[np.float64]:
    """What each model costs, in the unit of the axis: kB, microseconds a draw, or seconds."""
    values = {
        "size": [row.size_bytes / 1000 for row in rows],
        "latency": [1e6 * row.draw_seconds for row in rows],
        "recertification": [row.certify_seconds for row in rows],
    }
    return np.array(values[axis])


def dominated_by(rows: Sequence[ModelRow], axis: Axis) -> dict[str, ModelRow]:
    """For each dominated model the most robust one that beats it.

    A model is dominated if another costs no more and is more robust by a paired test at equal
    draws; all such statements of a study hold together at 95%. Models without a known cost or
    without draws to compare take no part, nor any where inputs share draws of the noise.
    """
    cost = dict(zip([row.name for row in rows], costs(rows, axis).tolist(), strict=True))
    known = {
        row.name: row for row in rows if row.equal is not None and not math.isnan(cost[row.name])
    }
    radii = {name: row.equal for name, row in known.items() if row.equal is not None}
    if len(radii) < 2 or any(row.shared_noise for row in rows):
        return {}
    found = dominated(radii, {name: cost[name] for name in radii}, most=rows[0].largest)
    return {
        name: max((known[one] for one in better), key=lambda row: row.kept)
        for name, better in found.items()
        if better
    }


def verdicts(rows: Sequence[ModelRow]) -> list[str]:
    """A few words on each model: whether to take it, and why not."""
    best, beaten = best_row(rows), dominated_by(rows, "size")
    return [_verdict(row, best, beaten.get(row.name)) for row in rows]


def _verdict(row: ModelRow, best: ModelRow | None, winner: ModelRow | None) -> str:
    if row.is_base:
        return "reference"
    if row is best and row.kept >= USEFUL_SHARE:
        return "first choice"
    if math.isnan(row.kept):
        return "nothing to compare with"
    if winner is not None:
        return f"dominated by {winner.title}"
    if row.kept < USEFUL_SHARE:
        return f"certified radius {outward.percent(1 - row.kept, 0, 'up')}% lower at equal draws"
    if row.summary.speedup_seconds.value < 1:
        return "certify it from scratch instead"
    return "also good"


def best_row(rows: Sequence[ModelRow]) -> ModelRow | None:
    """The compressed model to mention first.

    The smallest of those that keep `USEFUL_SHARE` of the original's ACR (fewest non-zero
    weights among equals), else the one that keeps most; None where nothing is compressed.
    """
    compressed = [row for row in rows if not row.is_base]
    useful = [row for row in compressed if row.kept >= USEFUL_SHARE]
    if useful:
        return min(useful, key=lambda row: (row.size_bytes, row.nonzero, -row.kept))
    return max(compressed, key=lambda row: row.summary.acr.value, default=None)


def headline(
    record: StudyRecord,
    rows: Sequence[ModelRow],
    failure: float | None,
    moved: Sequence[str] = (),
    banner: str = "",
) -> str:
    """One sentence about the best useful compression, in Markdown.

    Args:
        failure: Failure probability per input, proven for all models of the study at once; None
            where nothing is.
        moved: Settings that are not the study's own; see `Ledger`.
        banner: What is said of a study that others reported; see `Study.banner`.
    """
    best = best_row(rows)
    acr = rows[0].summary.acr.value
    # Without a radius of the original there is no share of it.
    if best is None or acr <= 0:
        return f"The original model has an average certified radius of **{down(acr)}**."
    if math.isnan(best.kept):
        return (
            f"**{markdown(best.title)}** was run on some of the original's draws only, those that "
            "its certificates needed, so that average radii cannot be compared fairly. The page "
            "May it ship? compares the two at the radius that counts."
        )
    size = f"**{theme.percent(best.size_share, 0)}** of its size"
    if best.size_share > 0.995 and best.nonzero < record.base.nonzero:
        share = best.nonzero / max(record.base.nonzero, 1)
        size = f"**{theme.percent(share, 0)}** of its non-zero weights"
    draws = theme.percent(best.summary.n_p / record.spec.n, 0)
    # Titles are of either number: "int8", "fp16 weights".
    return (
        f"At equal draws, **{markdown(best.title)}** keeps **{_kept(best, 1)}** of the "
        f"original's certified radius, at {size}, certified with **{draws}** of its draws"
        f"{_cost_clause(best.summary)}. "
        f"{_confidence(failure, moved, banner, claimed=rows[0].summary.failure is None)}"
    )


def _confidence(failure: float | None, moved: Sequence[str], banner: str, *, claimed: bool) -> str:
    if moved:
        return f"{banner} Exploring: not proven at {', '.join(moved)}.".strip()
    if banner:
        return banner
    if claimed:
        return "The radius is claimed; its full size is not proven under this noise."
    if failure is None:
        return "Each model holds by itself; nothing is left of the confidence in all of them."
    return f"The confidence is **{theme.confidence(failure)}** per input (proven)."


def _kept(row: ModelRow, digits: int) -> str:
    known = not math.isnan(row.kept)
    return f"{outward.percent(row.kept, digits, 'down')}%" if known else "n/a"


def _cost_clause(summary: Summary) -> str:
    speedup = summary.speedup_seconds.value
    if math.isnan(speedup):
        return ""
    if speedup >= 1:
        how = f"it is recertified **{theme.times(speedup)}** as fast as from scratch"
    else:
        how = (
            f"recertifying it took **{theme.times(1 / speedup)}** the time of starting from scratch"
        )
    return f"; {how} ({methods.get(summary.method).title})"


def key_numbers(rows: Sequence[ModelRow]) -> tuple[Number, ...]:
    """What the headline's model keeps, weighs and saves; what an original alone certifies."""
    base, best = rows[0], best_row(rows)
    if best is None:
        return _of_the_original(base)
    acr, full = best.summary.acr.value, base.summary.acr.value
    where = "at different draws"
    if best.equal is not None and base.equal is not None:
        acr, full, where = float(best.equal.mean()), float(base.equal.mean()), "at equal draws"
    return (
        Number(
            "ACR kept",
            _kept(best, 1),
            f"{down(acr)} of {down(full)} {where}",
            HELP["kept"],
        ),
        Number(
            "Size",
            theme.percent(best.size_share),
            f"{theme.file_size(best.size_bytes)} of {theme.file_size(base.size_bytes)}",
            HELP["size"],
        ),
        Number(
            "Recertification speedup",
            theme.times(best.summary.speedup_seconds.value),
            f"{theme.ends(best.summary.speedup_seconds)}; "
            f"{theme.times(best.summary.speedup_draws.value)} counted in draws",
            HELP["speedup"],
        ),
    )


def _of_the_original(base: ModelRow) -> tuple[Number, ...]:
    accuracy, acr = base.summary.accuracy, base.summary.acr
    return (
        Number("Average certified radius", down(acr.value), theme.ends(acr), HELP["acr"]),
        Number(
            "Smoothed accuracy",
            f"{outward.percent(accuracy.value, 1, 'counted')}%",
            f"95%: {outward.percent(accuracy.low, 1, 'down')}% to "
            f"{outward.percent(accuracy.high, 1, 'up')}%",
            HELP["interval"],
        ),
        Number("Size", theme.file_size(base.size_bytes), "", HELP["size"]),
    )


def spoken(rows: Sequence[ModelRow], axis: Axis) -> str:
    """The picture in words, for those who cannot see it."""
    beaten = dominated_by(rows, axis)
    shown = [row.equal_acr or row.summary.acr for row in rows]
    kept = [
        f"{row.title} {down(acr.value)}"
        for row, acr in zip(rows, shown, strict=True)
        if row.name not in beaten
    ]
    return f"not dominated: {theme.listing(kept)}."
