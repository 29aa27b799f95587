"""What pages show, as plain data: rows, panels, sentences. No widgets, no drawing."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.accuracy import clean_accuracy
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import EqualDraws, equal_draws, largest_radius
from irs_core.analysis.results import Comparison, Interval, Summary, ZetaRow, mean_interval
from irs_core.analysis.sweep import Sweep
from irs_core.methods import MethodDef
from irs_core.spec.outward import down
from irs_core.store import BASE, StudyRecord
from ui.shared import theme


@dataclass(frozen=True)
class ModelRow:
    """One classifier of a study, as the Overview shows it.

    Args:
        size_bytes: Weights in the model's own number format.
        nonzero: Weights that are not zero.
        disagreement: Share of paired draws answered differently; NaN for the original.
        kept: ACR over the ACR of the original, both at the same draws; NaN where the model's
            answers on these draws are not all stored, or the original's ACR is 0.
        size_share: Size over the size of the original.
        execution: Backend, device and arithmetic that computed its evidence.
        clean_accuracy: Share of inputs right without noise; NaN where that was not computed.
        draw_seconds: Measured seconds of one draw; NaN where no times are stored.
        equal: Counted radius of each input at equal draws, (inputs,); None where not known.
        equal_acr: Its mean with an interval; None where not known.
        largest: Largest radius that these draws can certify.
        certify_seconds: Measured seconds of all draws that its certificates took, all inputs.
        shared_noise: Whether inputs share draws of the noise.
    """

    title: str
    colour: str
    note: str
    summary: Summary
    size_bytes: int
    nonzero: int
    disagreement: float
    kept: float
    size_share: float
    execution: str = ""
    clean_accuracy: float = math.nan
    draw_seconds: float = math.nan
    certify_seconds: float = math.nan
    equal: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    equal_acr: Interval | None = None
    largest: float = math.nan
    shared_noise: bool = False

    @property
    def name(self) -> str:
        """`base`, or the text of the compression."""
        return self.summary.name

    @property
    def is_base(self) -> bool:
        """Whether it is the original."""
        return self.summary.name == BASE


@dataclass(frozen=True)
class Panel:
    """ACR against cost of one compressed model, incremental and from scratch."""

    name: str
    title: str
    colour: str
    comparison: Comparison
    study: str = ""

    @property
    def main(self) -> MethodDef | None:
        """The method that is quoted for the model; None where no draws are there."""
        found = [one for one in methods.by_standing() if self.comparison.points(one.name)]
        return found[0] if found else None


@dataclass(frozen=True)
class ZetaEntry:
    """The row of one model at one budget, with its title."""

    title: str
    colour: str
    row: ZetaRow


@dataclass(frozen=True)
class BranchShares:
    """Shares of inputs by what the incremental method does with them; they add up to 1."""

    direct: float
    incremental: float
    abstaining: float


def model_rows(record: StudyRecord, analysis: Analysis) -> list[ModelRow]:
    """Every classifier of a study, the original first."""
    base = analysis.summary(BASE)
    last = len(analysis.tally.budgets) - 1
    colours = theme.model_colours(model.name for model in record.models)
    rows = []
    for model in record.models:
        original = model.name == BASE
        summary = base if original else analysis.summary(model.name)
        equal = (
            equal_draws(analysis, record.compressed[0].name if original else model.name)
            if (record.compressed)
            else None
        )
        radii = _radii(equal, original=original)
        rows.append(
            ModelRow(
                title=model.title,
                colour=colours[model.name],
                note=model.note,
                summary=summary,
                size_bytes=model.size_bytes,
                nonzero=model.nonzero,
                disagreement=math.nan if original else analysis.zeta(model.name, last).disagreement,
                kept=_kept(equal, base, original=original),
                equal=radii,
                equal_acr=None if radii is None else mean_interval(radii),
                largest=largest_radius(analysis),
                shared_noise=analysis.tally.shared_noise,
                size_share=_ratio(model.size_bytes, record.base.size_bytes),
                execution=model.execution,
                clean_accuracy=clean_accuracy(record, model.name).value,
                **_measured_seconds(analysis, model.name, last),
            )
        )
    return rows


def _radii(equal: EqualDraws | None, *, original: bool) -> NDArray[np.float64] | None:
    if equal is None:
        return None
    return equal.equal if original else equal.compressed


def _kept(equal: EqualDraws | None, base: Summary, *, original: bool) -> float:
    """What compression leaves of the ACR; fewer draws are no fault of the model."""
    if original:
        return _ratio(base.acr.value, base.acr.value)
    return math.nan if equal is None else _ratio(equal.compressed.mean(), equal.equal.mean())


def _measured_seconds(analysis: Analysis, name: str, budget: int) -> dict[str, float]:
    tally = analysis.tally
    if name == BASE:
        spent = tally.base.seconds[analysis.rows]
        draws = tally.n0 + float(tally.base.draws[analysis.rows].mean())
        total = float(spent.sum())
    else:
        spent = tally.compressed[name].paired_seconds[analysis.rows, budget]
        draws = float(tally.budgets[budget])
        method = analysis.main_method(name)
        total = float(analysis.seconds_per_input(name, method, budget).sum())
    return {"draw_seconds": float(spent.mean()) / draws, "certify_seconds": total}


def sweep_sentence(sweep: Sweep, gamma: float, inputs: int) -> str:
    """What a sweep says, in Markdown."""
    best = sweep.acr[sweep.best]
    here = sweep.acr[int(np.argmin(np.abs(sweep.gammas - gamma)))]
    text = (
        f"On {theme.plural(inputs, 'held-out input')} the best value is "
        f"**γ = {sweep.gammas[sweep.best]:g}** with an ACR of {down(best.value, 4)}; "
        + (
            f"γ = {gamma:g}, in use, is as good."
            if here.value > best.value - 1e-9
            else f"γ = {gamma:g}, in use, gives {down(here.value, 4)}."
        )
    )
    if best.low <= here.value <= best.high and best.value > here.value:
        text += " The difference is within the interval: more held-out inputs would tell."
    return text


def branch_shares(bounds: NDArray[np.float64], gamma: float) -> BranchShares:
    """How inputs split at 1/2 and at gamma."""
    direct = float(np.mean(bounds >= gamma))
    abstaining = float(np.mean(bounds <= 0.5))
    return BranchShares(direct, 1 - direct - abstaining, abstaining)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
