"""Exact coverage of CIRS with the joint bound, and what breaks it."""

from dataclasses import replace

import numpy as np
import pytest
from cirs_coverage import Budget, all_hits, flat, jagged, more_where_few
from joint_coverage import JointRule, levels_at, worst, worst_level
from scipy.stats import beta, binom

from irs_core.certify import Branch, build_cache_from_hits, certify_joint
from irs_core.errors import InvalidSampleError
from irs_core.stats import JointLevels, binomial_lower_bound, binomial_upper_bound, joint_levels
from irs_core.stats.joint import band_edges


def _levels(n: int, alpha: float, draws: float, leavers: float) -> JointLevels:
    bands = len(band_edges(n)) - 1
    return joint_levels(n, alpha, np.full(bands, draws), np.full(bands, leavers))


@pytest.mark.parametrize("budget", [flat(1), flat(30), more_where_few, all_hits, jagged])
@pytest.mark.parametrize(
    ("n", "threshold", "alpha", "draws", "leavers"),
    [
        (1, 1, 0.1, 1, 0.5),
        (12, 9, 0.3, 10, 0.7),
        (40, 41, 0.1, 200, 5.0),
        (60, 55, 0.1, 30, 0.7),
        (60, 61, 1e-6, 30, 0.1),
        (90, 70, 0.02, 3, 0.0),
    ],
)
def test_a_certificate_is_wrong_with_probability_alpha_at_most(
    n: int, threshold: int, alpha: float, draws: float, leavers: float, budget: Budget
) -> None:
    rule = JointRule(n, threshold, budget, _levels(n, alpha, draws, leavers))
    assert worst(rule, points=6) <= alpha * (1 + 1e-9)


RULE = JointRule(60, 61, flat(30), _levels(60, 0.1, 30, 0.7))
SPLIT = replace(RULE, threshold=45)
# Nearly all of the level for p, or nearly all of it for q.
STEEP, FLAT = (levels_at(_levels(60, 0.1, m, 0.2), 60) for m in (4000, 3))


def test_every_p_and_q_is_left_open_with_the_stated_probability() -> None:
    for rule in (RULE, SPLIT):
        assert 0.8 * 0.1 < worst_level(rule, levels_at(rule.levels, rule.n)) <= 0.1


def test_a_level_that_falls_with_the_cached_hits_is_caught() -> None:
    """Its mean is alpha for every p, but not its mean below the threshold."""
    hits = np.arange(61)

    def falling(p: float) -> np.ndarray:
        low = binom.cdf(hits, 60, p)
        return np.where(low <= 0.1, 1.0, 1e-9)

    assert all(binom.pmf(hits, 60, p) @ falling(p) <= 0.1 + 1e-9 for p in (0.6, 0.75, 0.9))
    assert worst_level(SPLIT, falling) > 1.5 * 0.1
    with pytest.raises(InvalidSampleError, match="must not fall"):
        replace(RULE.levels, levels=RULE.levels.levels[:, ::-1])


def test_levels_made_for_the_draws_that_the_hits_gave_are_caught() -> None:
    """A budget that follows the hits is allowed; levels that follow it are not."""

    def follows(p: float) -> np.ndarray:
        return np.where(np.arange(61) >= 52, STEEP(p), FLAT(p))

    shares = np.linspace(0.74, 0.8, 7)
    assert worst_level(RULE, follows, shares) > 1.15 * 0.1
    assert max(worst_level(RULE, one, shares) for one in (STEEP, FLAT)) <= 0.1


def test_the_better_of_two_bounds_is_caught() -> None:
    """Each is valid by itself."""

    def either(p: float) -> np.ndarray:
        return np.maximum(STEEP(p), FLAT(p))

    assert worst_level(RULE, either) > 1.2 * 0.1


def test_a_rejection_that_is_not_paid_for_is_caught() -> None:
    """A level below 1 never rules out q = 0, so that no p could be rejected: hence the last step,
    which costs what it rejects."""
    levels = RULE.levels
    free = np.array([0.9 * levels.alpha, 0.95 * levels.alpha])
    tails = np.array([0.5, 0.8 * levels.alpha])
    with pytest.raises(InvalidSampleError, match="spends"):
        JointLevels(levels.alpha, np.array([0.0, 1.0]), tails, free[None])

    def unpaid(p: float) -> np.ndarray:
        bounds = np.stack([binomial_lower_bound(np.arange(61), 60, one) for one in tails])
        return np.append(free, 1.0)[(bounds > p).sum(axis=0)]

    assert worst_level(RULE, unpaid) > 1.1 * levels.alpha


def test_draws_that_look_at_leavers_are_caught() -> None:
    """Of a prefix and of all draws, whichever says more."""
    first, all_draws, level = 15, 30, 0.1
    q = float(binomial_upper_bound(0, first, level)) + 1e-9
    k = np.arange(all_draws + 1)
    early = binom.pmf(k, first, q) * (binom.cdf(k, first, q) <= level)
    late = binom.pmf(k, first, q) * (binom.cdf(k, first, q) > level)
    more = binom.pmf(k[:, None] - k[None, :], all_draws - first, q) @ late
    caught = early.sum() + more @ (binom.cdf(k, all_draws, q) <= level)
    assert caught > 1.2 * level


@pytest.mark.parametrize("threshold", [0, 30, 50, 61])
def test_a_direct_branch_on_the_full_level_costs_no_more(threshold: int) -> None:
    assert worst(replace(RULE, threshold=threshold), points=8) <= 0.1 * (1 + 1e-9)


def test_the_bound_is_the_least_product_that_is_left_open() -> None:
    """Against a search over p, with the levels as defined; nobody leaves, or some do."""
    rule = JointRule(60, 61, flat(20), _levels(60, 0.05, 20, 0.7))
    table, level = rule.table(), levels_at(rule.levels, 60)
    grid = np.linspace(1e-4, 1, 4001)
    found = np.stack([level(float(p)) for p in grid])
    for hits in (25, 40, 52, 60):
        for left in (0, 1, 4, 19, 20):
            a = found[:, hits]
            open_ = a < 1
            leave = np.where(left == 20, 1.0, beta.isf(a[open_], left + 1, max(20 - left, 1)))
            least = (grid[open_] * (1 - leave)).min()
            assert table[hits, left] <= least + 1e-12
            assert table[hits, left] == pytest.approx(least, abs=3e-4)


def test_nobody_leaving_leaves_a_bound() -> None:
    table = RULE.table()
    assert table[60, 0] > 0.8
    assert (np.diff(table[:, 0][30:]) >= 0).all()


def test_certificates_say_what_they_rest_on() -> None:
    cache = build_cache_from_hits([3, 4, 5, 6], [900, 990, 900, 400], n0=10, n=1000, alpha=0.001)
    levels = _levels(1000, 0.002, 200, 0.7)
    got = certify_joint(
        cache,
        draws=[200, 300, 0, 50],
        leavers=[2, 77, 0, 0],
        fresh_hits=[0, 298, 0, 0],
        threshold=950,
        levels=levels,
        sigma=0.5,
        pilot=5,
    )
    assert got.p_lower[1] == pytest.approx(beta.ppf(0.002, 298, 3))
    np.testing.assert_array_equal(
        got.branch, [Branch.INCREMENTAL, Branch.DIRECT, Branch.SKIPPED, Branch.INCREMENTAL]
    )
    product = beta.ppf(0.001, 900, 101) * (1 - beta.ppf(1 - 0.001, 3, 198))
    assert product < got.p_lower[0] < 0.9 * (1 - 2 / 200)
    assert got.zeta_upper[0] == pytest.approx(beta.isf(levels.levels.min(), 3, 198))
    assert np.isnan(got.zeta_upper[1:3]).all()
    np.testing.assert_array_equal(got.n_samples, [205, 305, 5, 55])
    assert got.claimed_failure == got.provable_failure == 0.002


def test_refuses_what_certify_cirs_refuses() -> None:
    cache = build_cache_from_hits([0, 1], [90, 100], n0=10, n=100, alpha=0.01)
    with pytest.raises(InvalidSampleError, match="at most as many draws"):
        certify_joint(
            cache,
            draws=[91, 10],
            leavers=[0, 0],
            fresh_hits=[0, 0],
            threshold=101,
            levels=_levels(100, 0.02, 10, 0.5),
            sigma=0.5,
        )
