"""What compression changes beyond the mean radius, at equal draws: named radii, hard inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import EqualDraws, equal_draws, gains_of_draws, gaps_of_draws
from irs_core.analysis.results import Interval, share_interval
from irs_core.analysis.tables import usual_radii
from irs_core.decide import HARDNESS, share_difference
from irs_core.spec.outward import SIDES
from irs_core.store import StudyRecord

if TYPE_CHECKING:
    import pandas as pd


def radius_rows(found: EqualDraws, radii: Sequence[float]) -> list[dict[str, float]]:
    """Certified accuracy of both models at radii, one row each; shares of inputs.

    With exact 95% intervals over inputs: of each share (Clopper and Pearson 1934), and of the
    paired difference (`share_difference`), which is positive where compression loses. Where inputs
    share draws of the noise, differences are not independent and have no interval; those of shares
    are too narrow.
    """
    rows = []
    for radius in radii:
        has, keeps = found.equal > radius, found.compressed > radius
        lost, gained = (int(np.count_nonzero(one)) for one in (has & ~keeps, keeps & ~has))
        cost = (lost - gained) / len(has)
        low, high = math.nan, math.nan
        if not found.shared_noise:
            low, high = share_difference(lost, gained, len(has))
        rows.append(
            {
                "radius": float(radius),
                **_ends("original", share_interval(has)),
                **_ends("compressed", share_interval(keeps)),
                "lost": lost,
                "gained": gained,
                **_ends("cost of compression", Interval(cost, low, high)),
            }
        )
    return rows


def hardness_rows(found: EqualDraws) -> list[dict[str, Any]]:
    """Gains and losses by how hard inputs are for the original, hardest first.

    `mean gain` and `mean loss` add up to the mean change of the radius (pixel units) over the
    inputs of the row, which has a 95% bootstrap interval.
    """
    return [
        {
            "inputs are": one.name,
            "which means": HARDNESS[one.name],
            "inputs": one.inputs,
            "gained": one.gained,
            "lost": one.lost,
            "mean gain": one.mean_gain,
            "mean loss": one.mean_loss,
            "mean change": one.mean_gain - one.mean_loss,
            "mean change low": one.low,
            "mean change high": one.high,
        }
        for one in gains_of_draws(found)
    ]


def radius_table(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    """`radius_rows` of every compressed classifier at its largest n_p, at `usual_radii`."""
    radii = usual_radii(analysis.tally.sigma)
    return radius_frame(
        [
            {"model": title, "n_p": found.n_p, **row}
            for title, found in _every(record, analysis)
            for row in radius_rows(found, radii)
        ]
    )


def radius_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Such rows as a table, in which radii are shown as they were chosen."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    frame.attrs[SIDES] = {"radius": "nearest", "original": "counted", "compressed": "counted"}
    return frame


def hardness_table(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    """`hardness_rows` of every compressed classifier at its largest n_p."""
    import pandas as pd

    return pd.DataFrame(
        {"model": title, "n_p": found.n_p, **row}
        for title, found in _every(record, analysis)
        for row in hardness_rows(found)
    )


def compared(analysis: Analysis, name: str, radii: Sequence[float]) -> dict[str, Any] | None:
    """All that is known of a model at equal draws, as plain values; None where nothing is."""
    found = equal_draws(analysis, name)
    if found is None:
        return None
    return {
        "n": found.n,
        "n_p": found.n_p,
        "gaps": [asdict(one) for one in gaps_of_draws(analysis, found, radii)],
        # JSON has no NaN: what has no interval is left out.
        "radii": [_known(row) for row in radius_rows(found, radii)],
        "hardness": [_known(row) for row in hardness_rows(found)],
    }


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value == value}


def _every(record: StudyRecord, analysis: Analysis) -> list[tuple[str, EqualDraws]]:
    pairs = ((model.title, equal_draws(analysis, model.name)) for model in record.compressed)
    return [(title, found) for title, found in pairs if found is not None]


def _ends(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name} low": interval.low, f"{name} high": interval.high}
