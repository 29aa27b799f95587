"""Tables of a study, the same on the command line, in files and on pages."""

import pandas as pd

from irs_core.store import BASE, StudyRecord
from irs_core.study.analysis import Analysis
from irs_core.study.results import COSTS, METHODS


def summary_table(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    """One row per classifier, at its largest budget, certified incrementally.

    Columns: model, n_p (draws per input), accuracy (smoothed, share), ACR with its 95% bootstrap
    interval (pixel units), disagreement (share of draws), mean zeta, area speedups over
    certifying from scratch in seconds and in draws. NaN where there is nothing to compare with.
    """
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
                "accuracy": row.accuracy,
                "ACR": row.acr.value,
                "ACR low": row.acr.low,
                "ACR high": row.acr.high,
                "disagreement": disagreement,
                "mean zeta": row.mean_zeta,
                "speedup (seconds)": row.speedup_seconds,
                "speedup (draws)": row.speedup_draws,
            }
        )
    return pd.DataFrame(rows)


def speedup_table(record: StudyRecord, analysis: Analysis) -> pd.DataFrame:
    """One row per compressed classifier: area speedups of each method over from scratch.

    Columns: model, disagreement and leave (shares of draws), then per method the speedup in seconds
    and in draws. NaN where a method has no draws or shares no range of ACR with the baseline.

    Raises:
        MissingEvidenceError: The study has no baseline.
    """
    rows = []
    last = len(analysis.tally.budgets) - 1
    for model in record.compressed:
        zeta, comparison = analysis.zeta(model.name, last), analysis.compare(model.name)
        row = {"model": model.name, "disagreement": zeta.disagreement, "leave": zeta.leave}
        for cost in COSTS:
            for method in METHODS[1:]:
                row[f"{method} ({cost})"] = comparison.speedup(method, cost)
        rows.append(row)
    return pd.DataFrame(rows)
