"""A level is spent once: what a reader could do with the numbers, before and after it is paid for.

Every probability is a finite sum. Rules that are not the product's are written out here.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, hypergeom
from statement_coverage import (
    Irs,
    Plan,
    any_wrong,
    chosen_plan_wrong,
    irs_branches,
    lower_bounds,
    worst_any_wrong,
)
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import fixed_split, spending, study_ledger, with_fixed_split
from irs_core.analysis.tally import tally_study
from irs_core.cli.main import main
from irs_core.methods.kit.cirs_plan import Cached, Planner, look_weights
from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.stats.budget import split_alpha
from irs_core.store import BASE, Library
from ui.shared import captions
from ui.shared.entries import model_rows

LEVEL = 0.002
N = 10_000
DEFAULT = (100, 200, 500, 1000)
TEN = tuple(range(100, 1001, 100))
BESIDE = 1e-12


@pytest.mark.parametrize(
    ("sizes", "at_least"), [((100, 1000), 1.48), ((250, 2000), 1.47), (DEFAULT, 1.36)]
)
def test_looking_and_then_quoting_the_full_level_fails(sizes, at_least):
    weights = look_weights(len(sizes))
    full_at_last = np.where(np.arange(len(sizes)) < len(sizes) - 1, weights, 1.0)
    assert worst_any_wrong(sizes, LEVEL * full_at_last) > at_least * LEVEL
    assert worst_any_wrong(sizes, LEVEL * weights) <= LEVEL


def test_looks_of_the_incremental_branch_share_one_level():
    full = [split_alpha(N, m, LEVEL) for m in DEFAULT]
    shares = LEVEL * look_weights(len(DEFAULT))
    weighted = [split_alpha(N, m, share) for m, share in zip(DEFAULT, shares, strict=True)]
    old = _incremental_wrong([*weighted[:-1], full[-1]])
    assert old > 1.3 * LEVEL
    assert _incremental_wrong(weighted) <= LEVEL
    # Every round at the full level, as if each were the only one.
    assert _incremental_wrong(full) > 2.9 * LEVEL


def _incremental_wrong(splits: list[tuple[float, float]]) -> float:
    """Some bound of some round is wrong. All bounds on P(f = c) are of one count, so that the
    one at the largest level errs first; those who stay are counted on prefixes of the hits."""
    leaving = worst_any_wrong(DEFAULT, [a2 for _, a2 in splits])
    return 1 - (1 - leaving) * (1 - max(a1 for a1, _ in splits))


@pytest.mark.parametrize(("sizes", "at_least"), [(DEFAULT, 3.2), (TEN, 4.42)])
def test_asking_again_with_more_of_the_same_draws_fails(sizes, at_least):
    assert worst_any_wrong(sizes, [LEVEL] * len(sizes)) > at_least * LEVEL


def test_extending_the_cache_ten_times_fails():
    sizes = [100 * 2**k for k in range(11)]
    bounds = lower_bounds(sizes, [LEVEL / 2] * len(sizes))
    assert any_wrong(sizes, bounds, 0.675) > 8 * LEVEL / 2


def test_fresh_draws_and_spending_pay_for_all_repeats(tmp_path: Path):
    record = synthetic_study(Library(tmp_path), synthetic_spec(n=1000, n_p=(100,)))
    spec, records = record.spec, []
    for size in TEN:
        made = spending(replace(spec, n_p=(size,), alpha=LEVEL / 2, alpha_zeta=LEVEL / 2), records)
        assert made.noise.seed not in {one.spec.noise.seed for one in records}
        records.append(replace(record, spec=made))
    levels = [one.spec.alpha + one.spec.alpha_zeta for one in records]
    assert sum(levels) < LEVEL
    bounds = lower_bounds(TEN, levels)
    for p in np.concatenate([one[one > 0.5] for one in bounds])[::25] - BESIDE:
        right = [
            1 - any_wrong([size], [bound], float(p))
            for size, bound in zip(TEN, bounds, strict=True)
        ]
        assert 1 - np.prod(right) <= LEVEL


def _planner(split_draws: int | None) -> Planner:
    one = np.ones(1, np.int64)
    cached = Cached(one, one, one, one > 0, 0, 0 * one, 0 * one, 0 * one)
    return Planner(100, N, 0.5, 1, N, LEVEL, None, split_draws, cached)


def _plans(split_draws: int | None) -> list[Plan]:
    planner, found = _planner(split_draws), []
    for n_p in (80, 100, 200, 500, 1000, 2000, 5000):
        made = planner.plan(float(n_p))
        found.append(Plan(n_p, *split_alpha(N, made.mean, LEVEL), made.threshold))
    return found


def test_a_threshold_that_follows_n_p_moves():
    thresholds = [one.threshold for one in _plans(None)]
    assert thresholds[0] == 9971
    assert thresholds[-1] == 5210
    assert len({(one.a1, one.threshold) for one in _plans(fixed_split(N))}) == 1
    spec = with_fixed_split(synthetic_spec(n=N, methods=("cirs",)))
    assert spec.split_draws == fixed_split(N)


@pytest.mark.parametrize("hits", [6500, 8000, 9000])
def test_n_p_chosen_from_the_hits_fails_unless_the_split_is_fixed(hits):
    moving, fixed = _plans(None), _plans(fixed_split(N))
    # Truths beside a bound on P(f = c) and one on the leave rate.
    p = float(binomial_lower_bound(hits, N, moving[-1].a1)) - BESIDE
    few = float(binomial_upper_bound(3, moving[0].draws, moving[0].a2)) + BESIDE
    assert chosen_plan_wrong(moving, N, p, few) > 1.4 * LEVEL
    for one in fixed[:3]:
        for left in (0, 1, 5):
            q = float(binomial_upper_bound(left, one.draws, one.a2)) + BESIDE
            for share in {one.a1 for one in (*moving, *fixed)}:
                beside = float(binomial_lower_bound(hits, N, share)) - BESIDE
                assert chosen_plan_wrong(fixed, N, beside, q) <= LEVEL


def test_n_p_of_irs_chosen_from_the_hits_fails():
    n, level = 200, 0.01
    truths = binomial_upper_bound(np.arange(6), 20, level) + BESIDE
    found = [_zeta_wrong(n, (20, n), level, float(z)) for z in truths]
    assert max(chosen for chosen, _ in found) > 1.7 * level
    assert max(max(fixed) for _, fixed in found) <= level
    spec = synthetic_spec(baseline=False)
    assert "zeta of IRS" in study_ledger(spec).follows_n_p


def _zeta_wrong(
    n: int, sizes: tuple[int, ...], level: float, z: float
) -> tuple[float, list[float]]:
    """P(zeta < z) with the size taken for which that is likelier given the hits, and with each.

    f^p repeats f on hits and differs elsewhere: disagreements are the misses of f."""
    misses = np.arange(n + 1)
    wrong = []
    for size in sizes:
        counts = np.arange(size + 1)
        short = binomial_upper_bound(counts, size, level) < z
        wrong.append(hypergeom.pmf(counts, n, misses[:, None], size) @ short)
    weight = binom.pmf(misses, n, z)
    return float(weight @ np.max(wrong, axis=0)), [float(weight @ one) for one in wrong]


@pytest.mark.parametrize(
    ("rule", "hits", "at_least"),
    [(Irs(200, 60, 0.02, 0.01), 190, 1.4), (Irs(400, 40, 0.02, 0.002), 370, 1.7)],
)
def test_gamma_moved_after_looking_fails(rule, hits, at_least):
    p = float(binomial_lower_bound(hits, rule.n, rule.alpha)) - BESIDE
    zetas = binomial_upper_bound(np.arange(4), rule.n_p, rule.alpha_zeta) + BESIDE
    fresh = p - binomial_lower_bound(np.arange(rule.n_p + 1), rule.n_p, rule.claimed) + BESIDE
    leave = np.concatenate([zetas, fresh[(fresh > 0) & (fresh < 0.3)]])
    found = [irs_branches(rule, p, float(one)) for one in leave]
    assert max(one.moved for one in found) > at_least * rule.proven
    assert max(one.certificates for one in found) > rule.claimed
    assert max(one.fixed for one in found) <= rule.proven
    spec = synthetic_spec(alpha=rule.alpha, alpha_zeta=rule.alpha_zeta)
    assert study_ledger(spec).proven == pytest.approx(rule.proven)
    assert not study_ledger(spec, replace(Settings.of(spec), gamma=0.9)).holds


def test_alpha_chosen_after_looking_is_no_level():
    """Whoever quotes the least alpha at which a radius is certified: at a truth just below it,
    each quoted level is exceeded every time that it is quoted, and 1 / alpha is not paid for."""
    n, offered = 1000, (0.0001, 0.001, 0.01, 0.1)
    p = float(binomial_lower_bound(950, n, offered[0])) - BESIDE
    wrong = np.array([lower_bounds([n], [alpha])[0] > p for alpha in offered])
    quoted = np.where(wrong.any(axis=0), np.array(offered)[wrong.argmax(axis=0)], np.inf)
    weight = binom.pmf(np.arange(n + 1), n, p)
    # A level fixed beforehand has at most 1 here: that is what it means.
    assert weight @ (1 / quoted) > 3
    for alpha, one in zip(offered, wrong, strict=True):
        assert (weight @ one) / alpha <= 1
    spec = synthetic_spec()
    assert not study_ledger(spec, replace(Settings.of(spec), alpha=0.01)).holds


def test_the_best_of_several_models_is_the_union():
    """Models of one cache with the same truth, each with fresh draws of its own."""
    spec = synthetic_spec(methods=("cirs",))
    said = study_ledger(spec)
    bounds = lower_bounds([500], [said.proven])
    p = float(bounds[0][480]) - BESIDE
    best = 1 - (1 - any_wrong([500], bounds, p)) ** said.models
    assert 1.9 * said.proven < best <= said.chosen


def test_the_best_point_of_a_curve_is_the_union():
    spec = synthetic_spec(n=N, n_p=TEN, methods=("cirs",), baseline=False)
    said = study_ledger(spec)
    best = worst_any_wrong(TEN, [said.proven] * len(TEN))
    assert 4 * said.proven < best <= said.best


def test_discrete_noise_proves_no_certificate(tmp_path: Path):
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec(n=500, n_p=(100,)))
    tally = tally_study(library.open(record.id))
    name = next(iter(tally.compressed))
    for noise, proven in (("gaussian", 0.001), ("discrete", None)):
        made = Analysis(replace(tally, noise=noise), Settings.of(record.spec))
        assert made.base.provable_failure == proven
        assert made.methods(name)
        for method in made.methods(name):
            for budget in range(len(made.tally.budgets)):
                failure = made.certify(name, method, budget).provable_failure
                assert failure is None if proven is None else 0 < failure < 0.01
        for each in (BASE, name):
            assert (made.summary(each).failure is None) == (proven is None)
        rows = model_rows(record, made)
        assert (captions.union_failure(rows) is None) == (proven is None)
        assert ("hold together" in captions.choice_among([*rows, rows[-1]])) == bool(proven)


@pytest.mark.parametrize("command", [["decide"], ["decide", "--json"], ["gate", "--model", "fp16"]])
def test_no_verdict_under_discrete_noise(tmp_path: Path, capsys, command) -> None:
    noise = NoiseSpec(0.5, seed=7, kind="discrete")
    record = synthetic_study(Library(tmp_path), synthetic_spec(n=500, n_p=(100,), noise=noise))
    name, *options = command
    assert main([name, record.id, *options, "--store", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "only claimed, so certify these models under rounded noise" in said.err
    assert said.out == ""
