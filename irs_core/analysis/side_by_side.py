"""Two models on the same inputs and the same draws: their differences, and who certifies what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import EqualDraws, draw_steps, largest_radius
from irs_core.decide import Gap, lost_inputs, split_gap
from irs_core.spec.outward import SIDES
from irs_core.spec.study import NoiseSpec
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.store import StudyRecord

if TYPE_CHECKING:
    import pandas as pd


Floats = NDArray[np.float64]
_POINTS = 121
# Of a 95% interval, on either side.
_TAIL = 0.025


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Two models, input by input.

    Args:
        draws: Of each model, per input.
        first, second: Certified radii from these draws alone, 0 where wrong or abstaining, pixel
            units, (inputs,).
        most: The largest radius that any of them can have.
        shared_noise: Whether inputs share draws of the noise.
    """

    draws: int
    first: Floats
    second: Floats
    most: float
    shared_noise: bool = False


def why_not(one: StudyRecord, other: StudyRecord) -> str:
    """Why models of two studies cannot be compared draw by draw, a sentence; empty if they can."""
    apart = told_apart(one, other)
    return f"These studies cannot be compared input by input: {apart}." if apart else ""


def told_apart(one: StudyRecord, other: StudyRecord) -> str:
    """What tells the inputs or the noise of two studies apart, a clause; empty if nothing does."""
    if one.data.digest != other.data.digest or one.data.reported != other.data.reported:
        told = [
            f"{sum(each.data.reported):,} inputs of {each.data.called}" for each in (one, other)
        ]
        return f"they report other inputs ({told[0]} against {told[1]})"
    if one.data.labels != other.data.labels:
        return "their inputs are the same, but not the true classes of them"
    noises = one.spec.noise, other.spec.noise
    apart = [
        f"{field.name} {getattr(noises[0], field.name)} against {getattr(noises[1], field.name)}"
        for field in fields(NoiseSpec)
        if getattr(noises[0], field.name) != getattr(noises[1], field.name)
    ]
    return f"they draw other noise ({', '.join(apart)})" if apart else ""


def common_steps(one: StudyRecord, other: StudyRecord) -> tuple[int, ...]:
    """Numbers of draws at which models of two studies can be compared, increasing."""
    budgets = {*one.spec.n_p, *other.spec.n_p}
    top = min(max(one.spec.n_p), max(other.spec.n_p))
    return draw_steps(sorted(draws for draws in budgets if draws <= top))


def side_by_side(
    analyses: tuple[Analysis, Analysis], models: tuple[EqualDraws, EqualDraws]
) -> SideBySide:
    """Two models at the same number of draws; that their inputs and noise are the same is asked of
    `why_not`.

    Args:
        models: Each compared with its own original; the model's side counts.
    """
    first, second = models
    return SideBySide(
        draws=first.n_p,
        first=first.compressed,
        second=second.compressed,
        most=max(largest_radius(one) for one in analyses),
        shared_noise=any(one.tally.shared_noise for one in analyses),
    )


def differences(found: SideBySide, radii: Sequence[float]) -> tuple[Gap, ...]:
    """The first model less the second, paired by input: in ACR, then in certified accuracy.

    What a `Gap` calls compression is the difference, positive where the first model has more.
    """
    return split_gap(
        found.first,
        found.first,
        found.second,
        most=found.most,
        radii=tuple(radii),
        shared_noise=found.shared_noise,
    )


def changed(found: SideBySide, radius: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Inputs that only the first, and that only the second certifies above a radius, (inputs,)."""
    one, two, most = found.first, found.second, found.most
    _, only_first = lost_inputs(one, one, two, radius=radius, most=most)
    _, only_second = lost_inputs(two, two, one, radius=radius, most=most)
    return only_first, only_second


def difference_table(found: SideBySide, radii: Sequence[float]) -> pd.DataFrame:
    """`differences`, one quantity a row.

    Columns: ACR (pixel units) or CA(r) (a share) of both; their difference with its 95% bootstrap
    interval (`low`, `high`) and its guaranteed 95% interval (`sure low`, `sure high`) over inputs,
    each by itself; how many inputs only one of them certifies at r, empty for ACR.
    """
    import pandas as pd

    counts: list[tuple[Any, Any]] = [(None, None)]
    counts += [
        (int(only_first.sum()), int(only_second.sum()))
        for only_first, only_second in (changed(found, radius) for radius in radii)
    ]
    rows = [
        {
            "quantity": gap.name,
            "first": gap.equal,
            "second": gap.compressed,
            "first less second": gap.compression.mean,
            "low": gap.compression.low,
            "high": gap.compression.high,
            "sure low": gap.compression.sure_low,
            "sure high": gap.compression.sure_high,
            "only first": only_first,
            "only second": only_second,
        }
        for gap, (only_first, only_second) in zip(differences(found, radii), counts, strict=True)
    ]
    frame = pd.DataFrame(rows)
    frame.attrs[SIDES] = {"first": "counted", "second": "counted"}
    return frame


def changed_table(record: StudyRecord, found: SideBySide, radius: float) -> pd.DataFrame:
    """Inputs that one model certifies above a radius and the other does not, largest change first.

    Columns: input (position in the full set), true class, both radii, and who certifies it.
    """
    import pandas as pd

    only_first, only_second = changed(found, radius)
    data = record.data
    rows = np.flatnonzero(only_first | only_second)
    rows = rows[np.argsort(-np.abs(found.first - found.second)[rows], kind="stable")]
    places = np.flatnonzero(np.asarray(data.reported, np.bool_))[rows]
    frame = pd.DataFrame(
        {
            "input": [data.indices[place] for place in places],
            "true class": [data.classes[data.labels[place]] for place in places],
            "first": found.first[rows],
            "second": found.second[rows],
            "certified by": ["first" if only_first[row] else "second" for row in rows],
        }
    )
    frame.attrs[SIDES] = {"first": "down", "second": "down"}
    return frame


def accuracy_band(radii: Floats, grid: Floats) -> tuple[Floats, Floats, Floats]:
    """Certified accuracy of one model over a grid of radii, a share, with exact 95% bands.

    The bands are pointwise intervals over inputs (Clopper and Pearson 1934).

    Args:
        radii: Certified radii, 0 where wrong or abstaining, (inputs,).
        grid: Radii, (points,).

    Returns:
        Shares and the lower and upper ends, each (points,).
    """
    counts = (radii[:, None] > grid).sum(axis=0)
    low = binomial_lower_bound(counts, len(radii), _TAIL)
    high = binomial_upper_bound(counts, len(radii), _TAIL)
    return counts / len(radii), low, high


def radius_grid(*radii: Floats) -> Floats:
    """Radii from 0 to a little beyond the largest that occurs, (points,)."""
    top = max(float(one.max(initial=0.0)) for one in radii)
    return np.linspace(0, 1.03 * (top or 1.0), _POINTS)


def curve_table(found: SideBySide) -> pd.DataFrame:
    """Certified accuracy of both models over the radius, shares with exact 95% bands."""
    import pandas as pd

    grid = radius_grid(found.first, found.second)
    frame = pd.DataFrame({"radius": grid})
    for name, radii in (("first", found.first), ("second", found.second)):
        frame[name], frame[f"{name} low"], frame[f"{name} high"] = accuracy_band(radii, grid)
    frame.attrs[SIDES] = {"radius": "nearest", "first": "counted", "second": "counted"}
    return frame
