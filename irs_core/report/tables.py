"""Every table of a study as a frame of plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.beyond_mean import hardness_table, radius_table
from irs_core.analysis.tables import gap_table, labelled, summary_table
from irs_core.certify import Certificates
from irs_core.errors import UnknownKeyError
from irs_core.spec.outward import SIDES
from irs_core.store import StudyRecord

if TYPE_CHECKING:
    import pandas as pd


_STEPS = 25
_WITHOUT_RADII = ("zeta",)


def study_table(record: StudyRecord, analysis: Analysis, name: str) -> pd.DataFrame:
    """One table of a study.

    `summary`: one row per classifier. `curves`: ACR with its 95% bootstrap interval, seconds and
    draws per compressed model, method and n_p. `zeta`: disagreement and its bound per compressed
    model and n_p. `accuracy`: certified accuracy over the radius (strictly above it), per
    classifier. `gaps`: what fewer draws cost and what compression costs, per compressed model, in
    ACR and in certified accuracy. `radii`: certified accuracy at named radii, original and
    compressed model at equal draws. `hardness`: gains and losses on hard and on easy inputs.
    `inputs`: certificate of each reported input per classifier, at
    the largest n_p, certified incrementally; predicted is -1 where it abstains. Under two-sided
    radii, `other_upper` bounds every other class, NaN where a radius is one-sided, and all tables
    but `zeta` have a column `convention`.

    Raises:
        UnknownKeyError: There is no such table.
    """
    if name not in TABLES:
        raise UnknownKeyError(f"a study has the tables {', '.join(TABLES)}; got {name!r}")
    frame = TABLES[name](record, analysis)
    return frame if name in _WITHOUT_RADII else labelled(frame, analysis)


def certified(record: StudyRecord, analysis: Analysis) -> Iterator[tuple[str, str, Certificates]]:
    """Name, title and certificates of each classifier at its largest budget."""
    for model in record.models:
        yield model.name, model.title, analysis.main_certificates(model.name)


def accuracy_radii(record: StudyRecord, analysis: Analysis) -> np.ndarray[Any, Any]:
    """Radii at which certified accuracy is shown: from 0 to the largest certified one."""
    largest = max(float(found.radius.max()) for _, _, found in certified(record, analysis))
    return np.round(np.linspace(0, largest, _STEPS + 1), 4)


def _curves(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for model in record.compressed:
        for method in analysis.methods(model.name):
            for point in analysis.per_input(model.name, method).points:
                rows.append(
                    {
                        "model": model.title,
                        "method": method,
                        "n_p": point.n_p,
                        "ACR": point.acr.value,
                        "ACR low": point.acr.low,
                        "ACR high": point.acr.high,
                        "seconds": point.seconds,
                        "draws": point.draws,
                    }
                )
    return pd.DataFrame(rows)


def _zeta(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for model in record.compressed:
        for budget in range(len(analysis.tally.budgets)):
            row = analysis.zeta(model.name, budget)
            rows.append(
                {
                    "model": model.title,
                    "n_p": row.n_p,
                    "disagreement": row.disagreement,
                    "mean zeta": row.mean_zeta.value,
                    "zeta low": row.mean_zeta.low,
                    "zeta high": row.mean_zeta.high,
                    "floor": row.floor,
                }
            )
    return pd.DataFrame(rows)


def _accuracy(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    import pandas as pd

    radii = accuracy_radii(record, analysis)
    columns = {
        title: metrics.certified_accuracy(found, analysis.labels, radii)
        for _, title, found in certified(record, analysis)
    }
    frame = pd.DataFrame({"radius": radii, **columns})
    # These radii are chosen, with as many digits as are shown.
    frame.attrs[SIDES] = {"radius": "nearest", **dict.fromkeys(columns, "counted")}
    return frame


def _inputs(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    import pandas as pd

    indices = np.asarray(record.data.indices)[analysis.rows]
    parts = [
        pd.DataFrame(
            {
                "model": title,
                "idx": indices,
                "label": analysis.labels,
                "predicted": found.predicted,
                "radius": found.radius,
                "p_lower": found.p_lower,
                "zeta": found.zeta_upper,
                "draws": found.n_samples,
                **({} if found.other_upper is None else {"other_upper": found.other_upper}),
            }
        )
        for _, title, found in certified(record, analysis)
    ]
    return pd.concat(parts, ignore_index=True)


TABLES: dict[str, Callable[[StudyRecord, Analysis], pd.DataFrame]] = {
    "summary": summary_table,
    "curves": _curves,
    "zeta": _zeta,
    "accuracy": _accuracy,
    "gaps": gap_table,
    "radii": radius_table,
    "hardness": hardness_table,
    "inputs": _inputs,
}
