"""Tables of a study, the same on the command line, in files and on pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import study_gaps
from irs_core.analysis.levels import shown
from irs_core.analysis.results import COSTS, Interval
from irs_core.decide import Difference
from irs_core.spec.convention import COLUMN, ONE_SIDED
from irs_core.store import BASE, StudyRecord

if TYPE_CHECKING:
    import pandas as pd


def labelled(frame: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """The table with a column that names the convention of its radii, unless it is the usual one.

    All radii of a table follow one convention: methods without two-sided radii are left out.
    """
    if analysis.settings.convention == ONE_SIDED or COLUMN in frame:
        return frame
    found = frame.assign(**{COLUMN: analysis.settings.convention})
    found.attrs = frame.attrs
    return found


def summary_table(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    """One row per classifier, at its largest budget, certified incrementally.

    Columns: model, n_p (draws per input), method, accuracy (smoothed, share), ACR (pixel units),
    disagreement (share of draws), mean zeta, area speedups over certifying from scratch in seconds
    and in draws; `low` and `high` are ends of 95% bootstrap intervals over inputs. NaN where there
    is nothing to compare with.
    """
    import pandas as pd

    rows = []
    last = len(analysis.tally.budgets) - 1
    for model in record.models:
        row = analysis.summary(model.name)
        disagreement = (
            float("nan") if model.name == BASE else analysis.zeta(model.name, last).disagreement
        )
        rows.append(
            {
                "model": model.title,
                "n_p": row.n_p,
                "method": row.method or methods.baseline().name,
                **_with_ends("accuracy", row.accuracy),
                **_with_ends("ACR", row.acr),
                "disagreement": disagreement,
                **_with_ends("mean zeta", row.mean_zeta),
                **_with_ends("speedup (seconds)", row.speedup_seconds),
                **_with_ends("speedup (draws)", row.speedup_draws),
            }
        )
    return pd.DataFrame(rows)


def _with_ends(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name} low": interval.low, f"{name} high": interval.high}


def speedup_table(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    """One row per compressed classifier: area speedups of each method over from scratch.

    Columns: model, disagreement and leave (shares of draws), then per method the speedup in seconds
    and in draws, `low` and `high` the ends of their 95% bootstrap intervals over inputs. NaN where
    a method has no draws or shares no range of ACR with the baseline.

    Raises:
        MissingEvidenceError: The study has no baseline.
    """
    import pandas as pd

    rows = []
    last = len(analysis.tally.budgets) - 1
    compared = [one for one in shown(record.spec) if not one.baseline and one.anytime is None]
    for model in record.compressed:
        analysis.certify(model.name, methods.baseline().name, last)
        zeta, comparison = analysis.zeta(model.name, last), analysis.compare(model.name)
        row = {"model": model.name, "disagreement": zeta.disagreement, "leave": zeta.leave}
        for cost in COSTS:
            for method in compared:
                found = comparison.speedup(method.name, cost)
                row |= _with_ends(f"{method.name} ({cost})", found)
        rows.append(row)
    return pd.DataFrame(rows)


def gap_table(
    record: StudyRecord,
    analysis: Analysis,
    radii: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """What fewer draws cost and what compression costs, per compressed classifier and quantity.

    Quantities are ACR (pixel units) and CA(r), certified accuracy (a share), at each radius.
    Columns: the original with all its draws, with the compressed model's draws, the compressed
    model; both costs, positive where something is lost, with 95% bootstrap intervals over inputs
    (`low`, `high`) and guaranteed 95% intervals (`sure low`, `sure high`). Empty where the
    compressed models' answers on the original's first draws are not stored.

    Args:
        radii: Pixel units; None for half, once and one and a half times sigma.
        names: Of compressed classifiers; None for all.
    """
    import pandas as pd

    at = usual_radii(analysis.tally.sigma) if radii is None else radii
    rows = []
    wanted = [one for one in record.compressed if names is None or one.name in names]
    for model in wanted:
        for gap in study_gaps(analysis, model.name, radii=at):
            rows.append(
                {
                    "model": model.title,
                    "quantity": gap.name,
                    "original, all draws": gap.full,
                    "original, equal draws": gap.equal,
                    "compressed, equal draws": gap.compressed,
                    **_cost("cost of fewer draws", gap.fewer_draws),
                    **_cost("cost of compression", gap.compression),
                }
            )
    return pd.DataFrame(rows)


def usual_radii(sigma: float) -> tuple[float, ...]:
    """Radii that are shown to begin with: half, once and one and a half times sigma."""
    return tuple(round(step * sigma / 2, 4) for step in (1, 2, 3))


def _cost(name: str, cost: Difference) -> dict[str, float]:
    return {
        name: cost.mean,
        f"{name}: low": cost.low,
        f"{name}: high": cost.high,
        f"{name}: sure low": cost.sure_low,
        f"{name}: sure high": cost.sure_high,
    }
