"""The speedup of IRS as its paper, its released code and this program account for it.

Ugare et al. 2024, tables 2, 3 and 7, give "the average speedup of IRS". Section 5.2 describes a
ratio of areas; the released code (`uiuc-arc/Incremental-DNN-Verification`, `irs_analyze.py` and
`core.py` below `nnverify/smoothing/code`) takes the mean, over 100 equally spaced values of ACR, of
the ratio of the times, and compares classes with true labels while it certifies. All three
accountings here count draws, which no hardware changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import Floats, Interval
from irs_core.analysis.speedup import PerInput
from irs_core.methods.irs import METHOD as IRS
from irs_core.methods.kit.counting import Predictions, winners
from irs_core.methods.kit.counts import Ints
from irs_core.spec.study import Stream
from irs_core.stats import binomial_lower_bound, binomial_upper_bound, certified_radius
from irs_core.store import Study

# Section 5.4: chosen for every CIFAR-10 network, whatever sigma and compression.
GAMMA = 0.99
_VALUES = 100
_TAIL = 0.025


@dataclass(frozen=True)
class Accounting:
    """A way to say what a certification costs and how costs are compared.

    Args:
        name: Its column.
        rule: What it charges and compares, one sentence.
    """

    name: str
    rule: str


PUBLISHED = Accounting(
    "as published",
    "Mean ratio of draws over 100 equally spaced ACRs; images that f gets wrong cost IRS nothing, "
    "the baseline runs on every image.",
)
RELEASED = Accounting(
    "released code",
    "Mean ratio of draws as the authors' code spends them: the baseline stops at images that it "
    "gets wrong, IRS skips those that f gets wrong or abstains on, and classes are chosen from "
    "n_p / 100 draws (baseline) or n_p / 10 (direct branch).",
)
FAIR = Accounting(
    "fair",
    "Ratio of the areas under draws over ACR; every method pays for every image, and labels only "
    "score the result.",
)
ACCOUNTINGS = (PUBLISHED, RELEASED, FAIR)


def account(analysis: Analysis, study: Study, name: str) -> dict[str, Interval]:
    """Speedup of IRS over certifying from scratch, in draws, by the names of `ACCOUNTINGS`.

    Each has its 95% bootstrap interval over images. The paper's gamma serves the paper's two
    accountings; "fair" keeps the analysis's own.

    Args:
        analysis: Of the study's reported inputs.
        name: A compressed classifier of the study.

    Raises:
        MissingEvidenceError: Some draws of IRS or of the baseline are not stored.
    """
    paper = Analysis(analysis.tally, replace(analysis.settings, gamma=GAMMA))
    return {
        PUBLISHED.name: mean_of_ratios(*as_published(paper, name)),
        RELEASED.name: mean_of_ratios(*released_code(paper, study, name)),
        FAIR.name: analysis.compare(name).speedup(IRS.name, "draws"),
    }


def as_published(analysis: Analysis, name: str) -> tuple[PerInput, PerInput]:
    """What the baseline and IRS contribute under the accounting "as published".

    An image whose class f gets wrong costs IRS no draw and has radius 0; the direct branch chooses
    its class from another tenth of n_p. The baseline spends n_p on every image. The paper does not
    say that the baseline does; it is the simplest reading of its tables.

    Raises:
        MissingEvidenceError: Some draws are not stored.

    Source:
        IRS, tables 2 and 3; `certify_with_cache` of the released code.
    """
    baseline = analysis.per_input(name, methods.baseline().name)
    irs = analysis.per_input(name, IRS.name)
    n_p = np.asarray(irs.n_p)
    right = analysis.cache.candidate == analysis.labels
    direct = analysis.cache.p_lower >= analysis.settings.gamma
    spent = n_p + np.where(direct[:, None], n_p // 10, 0)
    return (
        replace(baseline, draws=np.broadcast_to(n_p, baseline.radii.shape).astype(np.float64)),
        replace(irs, draws=np.where(right[:, None], spent, 0).astype(np.float64)),
    )


def released_code(analysis: Analysis, study: Study, name: str) -> tuple[PerInput, PerInput]:
    """What the baseline and IRS contribute under the rules of the released code.

    *Baseline* (`Smooth.certify`): the class of n_p // 100 draws; where it is not the label, nothing
    more is drawn and the radius is 0; else n_p draws, bounded at alpha + alpha_zeta.
    *IRS* (`Smooth.certify_with_cache`): no draw where f's cached class is not the label or f
    abstains. Below gamma, n_p draws and p_A - zeta, whatever class f^p gives them. From gamma on,
    the class of n_p // 10 draws, dropped where it is not the label, then n_p draws as for the
    baseline.

    A class is chosen from at least one draw and from at most the n0 that are stored; what the code
    would draw is charged all the same.

    Raises:
        MissingEvidenceError: Some draws are not stored.

    Source:
        `core.py` of the released code.
    """
    own = _draws(analysis, study, name)
    budgets = tuple(analysis.tally.budgets.tolist())
    made = [_at_budget(analysis, own, name, budget) for budget in range(len(budgets))]
    baseline, irs = zip(*made, strict=True)
    return _per_input(budgets, baseline), _per_input(budgets, irs)


def mean_of_ratios(baseline: PerInput, method: PerInput) -> Interval:
    """Mean ratio of draws, baseline over method, with its 95% bootstrap interval over images.

    NaN where the curves share no range of ACR.

    Source:
        `compute_average_speedup` of the released code; the interval is this project's own.
    """
    found = mean_ratios(*baseline.sums("draws"), *method.sums("draws"))
    low, high = np.quantile(found[1:], [_TAIL, 1 - _TAIL])
    return Interval(float(found[0]), float(low), float(high))


def mean_ratios(
    baseline_acr: Floats, baseline_cost: Floats, method_acr: Floats, method_cost: Floats
) -> Floats:
    """Mean over 100 equally spaced ACRs of the ratio of costs, for many pairs of curves at once.

    Between points, sorted by ACR, cost is linear. Unlike `metrics.area_speedups`, every ACR weighs
    the same, and a curve that goes back in ACR gets no envelope.

    Args:
        baseline_acr, baseline_cost, method_acr, method_cost: Shape (pairs, points).

    Returns:
        Shape (pairs,); NaN where a pair shares no range of ACR.

    Source:
        `compute_average_speedup` of the released code.
    """
    low = np.maximum(baseline_acr.min(axis=1), method_acr.min(axis=1))
    high = np.minimum(baseline_acr.max(axis=1), method_acr.max(axis=1))
    shared = low < high
    grid = np.linspace(low, high, _VALUES, axis=1)
    ratios = np.full(grid.shape, np.nan)
    baseline = _costs_at(grid, baseline_acr, baseline_cost)
    np.divide(baseline, _costs_at(grid, method_acr, method_cost), out=ratios, where=shared[:, None])
    means: Floats = ratios.mean(axis=1)
    return means


def _costs_at(grid: Floats, acr: Floats, cost: Floats) -> Floats:
    order = np.argsort(acr, axis=1, kind="stable")
    acr, cost = np.take_along_axis(acr, order, 1), np.take_along_axis(cost, order, 1)
    return np.stack([np.interp(*one) for one in zip(grid, acr, cost, strict=True)])


@dataclass(frozen=True, eq=False)
class _Draws:
    """f^p's own draws of the reported inputs: to choose classes, and to estimate."""

    selection: Predictions
    estimation: Predictions

    def classes(self, draws: int) -> Ints:
        return winners(self.selection[:, : max(1, draws)])


def _draws(analysis: Analysis, study: Study, name: str) -> _Draws:
    model = next(model for model in study.record.models if model.name == name)
    tally = analysis.tally

    def read(stream: Stream, draws: int) -> Predictions:
        stored = study.evidence(model.evidence[stream]).read_complete(draws)
        return stored[analysis.rows]

    return _Draws(
        read("scratch-select", tally.n0), read("scratch-estimate", int(tally.budgets[-1]))
    )


_Side = tuple[Floats, Floats]


def _at_budget(analysis: Analysis, own: _Draws, name: str, budget: int) -> tuple[_Side, _Side]:
    """Radii and draws of the baseline and of IRS, each (inputs,)."""
    tally, settings, cache = analysis.tally, analysis.settings, analysis.cache
    n_p = int(tally.budgets[budget])
    hits = (own.estimation[:, :n_p] == analysis.labels[:, None]).sum(axis=1)
    fresh = certified_radius(
        binomial_lower_bound(hits, n_p, settings.alpha + settings.alpha_zeta), tally.sigma
    )
    differ = tally.compressed[name].disagreements[analysis.rows, budget]
    zeta = binomial_upper_bound(differ, n_p, settings.alpha_zeta)
    paired = certified_radius(np.maximum(cache.p_lower - zeta, 0), tally.sigma)
    first, tenth = (_stopping(own, analysis.labels, fresh, n_p, share) for share in (100, 10))
    runs = (cache.candidate == analysis.labels) & (cache.p_lower >= 0.5)
    direct = cache.p_lower >= settings.gamma
    radii = np.where(runs, np.where(direct, tenth[0], paired), 0.0)
    draws = np.where(runs, np.where(direct, tenth[1], n_p), 0.0)
    return first, (radii, draws)


def _stopping(own: _Draws, labels: Ints, radii: Floats, n_p: int, share: int) -> _Side:
    """Certified on fresh draws, unless the class of n_p // share draws is not the label."""
    right = own.classes(n_p // share) == labels
    return np.where(right, radii, 0.0), n_p // share + np.where(right, n_p, 0.0)


def _per_input(budgets: tuple[int, ...], sides: Sequence[_Side]) -> PerInput:
    radii, draws = (np.stack(values, axis=1) for values in zip(*sides, strict=True))
    return PerInput(budgets, radii, np.full_like(radii, np.nan), draws)
