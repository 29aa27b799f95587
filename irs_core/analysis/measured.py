"""What was measured of a study's models outside their certificates: accuracy, time and size."""

from dataclasses import replace

import numpy as np

from irs_core.analysis.analysis import Analysis
from irs_core.decide import Measured
from irs_core.spec.cost import ALONE, BATCHES, ModelCost
from irs_core.store import BASE, StudyRecord


def study_measured(record: StudyRecord, analysis: Analysis, name: str) -> Measured:
    """What was measured of a compressed model outside its certificates."""
    models = {model.name: model for model in record.models}
    clean = np.asarray(models[name].clean, np.int64)
    right = clean[analysis.rows] == analysis.labels if len(clean) else None
    counted = Measured(
        right=None if right is None else int(right.sum()),
        right_of=None if right is None else len(right),
        bytes=models[name].size_bytes,
        sized="weights in the model's own format",
    )
    own, original = models[name].cost, models[BASE].cost
    if own is not None and original is not None:
        return _alone(counted, own, original)
    seconds, base = (_seconds_per_pass(analysis, one) for one in (name, BASE))
    known = np.isfinite(seconds) and seconds > 0
    relative = seconds / base if known and np.isfinite(base) and base > 0 else None
    return replace(
        counted,
        latency_ms=(1000 * seconds, 1000 * seconds) if known else None,
        relative_latency=None if relative is None else (relative, relative),
        timed=BATCHES,
    )


def _alone(counted: Measured, own: ModelCost, original: ModelCost) -> Measured:
    """With size and times as deployed, from the median to the 95th percentile."""
    ratios = (
        own.speed.p50_ms / original.speed.p50_ms,
        own.speed.p95_ms / original.speed.p95_ms,
    )
    return replace(
        counted,
        latency_ms=(own.speed.p50_ms, own.speed.p95_ms),
        relative_latency=(min(ratios), max(ratios)),
        bytes=own.size.packed_bytes,
        timed=f"{ALONE}, median to 95th percentile",
        sized="packed, emulated here" if own.size.emulated else "packed",
    )


def _seconds_per_pass(analysis: Analysis, name: str) -> float:
    """Measured seconds of a draw in the study's own batches, noise included."""
    tally, rows = analysis.tally, analysis.rows
    if name == BASE:
        return float(tally.base.seconds[rows].mean() / (tally.n0 + tally.base.draws[rows].mean()))
    spent = tally.compressed[name].paired_seconds[rows, -1]
    return float(spent.mean()) / int(tally.budgets[-1])
