from collections.abc import Callable

import numpy as np
import pytest
from cirs_coverage import Budget, Rule, all_hits, flat, jagged, more_where_few, worst
from scipy.stats import beta, norm

from irs_core.certify import (
    ABSTAIN,
    Branch,
    build_cache_from_hits,
    certify_cirs,
)
from irs_core.errors import InvalidSampleError


def _constant(share: float) -> Callable[[int], float]:
    return lambda hits: share


@pytest.mark.parametrize("budget", [flat(1), flat(30), more_where_few, all_hits, jagged])
@pytest.mark.parametrize(
    ("n", "threshold", "share"), [(1, 1, 0.5), (12, 9, 0.1), (25, 26, 0.7), (60, 55, 0.3)]
)
def test_everything_said_is_right_but_with_probability_alpha(
    n: int, threshold: int, share: float, budget: Budget
) -> None:
    rule = Rule(n, threshold, 0.1, budget, _constant(share))
    found = worst(rule, points=10)
    assert found.certificate <= rule.alpha * (1 + 1e-9)
    assert found.statements <= rule.alpha * (1 + 1e-9)


@pytest.mark.parametrize(("alpha", "share", "m"), [(0.3, 0.9, 60), (0.02, 0.05, 20)])
def test_coverage_is_nearly_exhausted(alpha: float, share: float, m: int) -> None:
    found = worst(Rule(40, 30, alpha, flat(m), _constant(share)))
    assert 0.9 * alpha < found.statements <= alpha * (1 + 1e-9)


@pytest.mark.parametrize(("n", "at"), [(60, 50), (40, 34)])
def test_a_split_chosen_from_the_cached_hits_is_caught(n: int, at: int) -> None:
    rule = Rule(n, n + 1, 0.1, flat(n // 2), lambda hits: 0.95 if hits >= at else 0.05)
    assert worst(rule, arrivals=(0.0,)).statements > 1.5 * rule.alpha


@pytest.mark.parametrize(("n", "threshold", "m"), [(40, 30, 40), (20, 15, 20)])
def test_a_direct_branch_on_cached_draws_is_caught(n: int, threshold: int, m: int) -> None:
    rule = Rule(n, threshold, 0.2, flat(m), _constant(0.1))
    assert worst(rule, arrivals=(0.0,)).statements <= rule.alpha
    spoilt = Rule(n, threshold, 0.2, flat(m), _constant(0.1), reuse=True)
    assert worst(spoilt, arrivals=(0.0,)).statements > 1.05 * rule.alpha


def test_bounds_are_the_stated_ones() -> None:
    cache = build_cache_from_hits([3, 4, 5, 6], [900, 990, 900, 400], n0=10, n=1000, alpha=0.001)
    got = certify_cirs(
        cache,
        draws=[200, 300, 0, 50],
        leavers=[2, 77, 0, 0],
        fresh_hits=[0, 298, 0, 0],
        threshold=950,
        a1=0.0004,
        a2=0.0016,
        sigma=0.5,
        pilot=5,
    )
    cached = beta.ppf(0.0004, 900, 101)
    leave = beta.ppf(1 - 0.0016, 3, 198)
    direct = beta.ppf(0.002, 298, 3)
    few = beta.ppf(0.0004, 400, 601) * 0.0016 ** (1 / 50)
    np.testing.assert_allclose(got.p_lower, [cached * (1 - leave), direct, 0, few], rtol=1e-9)
    np.testing.assert_allclose(got.radius[:2], 0.5 * norm.ppf(got.p_lower[:2]))
    np.testing.assert_array_equal(got.predicted, [3, 4, ABSTAIN, ABSTAIN])
    np.testing.assert_array_equal(
        got.branch, [Branch.INCREMENTAL, Branch.DIRECT, Branch.SKIPPED, Branch.INCREMENTAL]
    )
    np.testing.assert_allclose(got.zeta_upper[0], leave)
    assert np.isnan(got.zeta_upper[1:3]).all()
    np.testing.assert_array_equal(got.n_samples, [205, 305, 5, 55])
    assert got.claimed_failure == got.provable_failure == 0.002


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": [91, 0]}, "at most as many draws"),
        ({"draws": [-1, 0]}, "at least 0"),
        ({"leavers": [11, 0]}, "in \\[0, draws\\]"),
        ({"threshold": 102}, "threshold"),
        ({"a1": 0.0}, "a1"),
        ({"a1": 0.6, "a2": 0.4}, "below 1"),
        ({"pilot": -1}, "pilot"),
        ({"fresh_hits": [0]}, "one shape"),
    ],
)
def test_refuses_what_does_not_fit(changes: dict[str, object], message: str) -> None:
    cache = build_cache_from_hits([0, 1], [90, 100], n0=10, n=100, alpha=0.01)
    given: dict[str, object] = {
        "draws": [10, 10],
        "leavers": [0, 0],
        "fresh_hits": [0, 0],
        "threshold": 101,
        "a1": 0.01,
        "a2": 0.01,
        "sigma": 0.5,
    }
    with pytest.raises(InvalidSampleError, match=message):
        certify_cirs(cache, **(given | changes))  # type: ignore[arg-type]
