from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
from scipy.stats import beta, binom, norm
from sequential_coverage import grid, proof_table, stop_probability

from irs_core.certify import (
    ABSTAIN,
    Branch,
    Cache,
    build_cache_from_hits,
    certify_sequential,
)
from irs_core.errors import InvalidSampleError
from irs_core.stats import (
    anytime_upper,
    binomial_lower_bound,
    confidence_sequence_lower,
)

FRESH = 60


@lru_cache
def _tables(n: int, hits: int, threshold: int, a1: float, a2: float) -> tuple[np.ndarray, ...]:
    """`p_lower` and `zeta_upper` of one input by (draws, failures), as far as draws can go."""
    failures, draws = grid(FRESH if hits >= threshold else hits)
    cache = build_cache_from_hits(
        np.zeros(draws.size), np.full(draws.size, hits), n0=1, n=n, alpha=0.1
    )
    made = certify_sequential(
        cache,
        failures=failures.ravel(),
        draws=draws.ravel(),
        a1=a1,
        a2=a2,
        sigma=1.0,
        threshold=threshold,
    )
    return made.p_lower.reshape(draws.shape), made.zeta_upper.reshape(draws.shape)


def _failures(
    n: int, threshold: int, a1: float, a2: float, p: float, q: float
) -> tuple[float, float]:
    """Exact probabilities that any look at any time claims more than p (1 - q), and that any
    bound behind a claim is wrong; the proof bounds the second."""
    truth = p * (1 - q)
    claims = statements = 0.0
    for hits in range(1, n + 1):
        weight = float(binom.pmf(hits, n, p))
        bound, leave = _tables(n, hits, threshold, a1, a2)
        direct = hits >= threshold
        wrong = stop_probability(1 - truth if direct else q, bound > truth + 1e-12)
        behind = wrong if direct else stop_probability(q, leave < q)
        sure = not direct and beta.ppf(a1, hits, n - hits + 1) > p + 1e-12
        claims += weight * wrong
        statements += weight * (1.0 if sure else behind)
    return claims, statements


@pytest.mark.parametrize(("threshold", "least"), [(1, 0.05), (26, 0.06), (31, 0.06)])
def test_all_looks_at_all_radii_hold_but_with_probability_alpha(
    threshold: int, least: float
) -> None:
    n, a1, a2 = 30, 0.03, 0.07
    jumps = beta.ppf(a1, np.arange(1, n + 1), n - np.arange(n))
    found = [
        _failures(n, threshold, a1, a2, float(p), q)
        for p in (*(jumps[[10, 20, 24, 26, 28, 29]] - 1e-9), 0.5, 0.99, 1.0)
        for q in (0.0, 0.02, 0.1, 0.3, 0.6)
    ]
    claims, statements = np.max(found, axis=0)
    assert claims <= statements
    assert least < statements <= a1 + a2


def test_taking_whichever_route_succeeds_is_caught() -> None:
    """Both routes at their levels, where f always predicts the candidate."""
    limit, a1, a2 = 0.3, 0.005, 0.045
    routes = [stop_probability(limit, proof_table(limit, level, 1200)) for level in (a2, a1 + a2)]
    assert max(routes) <= a1 + a2
    assert 1 - (1 - routes[0]) * (1 - routes[1]) > 1.3 * (a1 + a2)


def test_bounds_are_the_stated_ones() -> None:
    cache = build_cache_from_hits([3, 4, 5], [900, 990, 900], n0=10, n=1000, alpha=0.001)
    got = certify_sequential(
        cache,
        failures=[2, 3, 0],
        draws=[200, 300, 0],
        a1=0.0004,
        a2=0.0016,
        sigma=0.5,
        threshold=950,
        pilot=5,
    )
    incremental = beta.ppf(0.0004, 900, 101) * (1 - anytime_upper(2, 200, 0.0016))
    direct = 1 - anytime_upper(3, 300, 0.002)
    np.testing.assert_allclose(got.p_lower, [incremental, direct, 0], rtol=1e-8)
    np.testing.assert_allclose(got.radius, [*0.5 * norm.ppf([incremental, direct]), 0], rtol=1e-7)
    np.testing.assert_array_equal(got.predicted, [3, 4, ABSTAIN])
    np.testing.assert_array_equal(got.branch, [Branch.INCREMENTAL, Branch.DIRECT, Branch.SKIPPED])
    np.testing.assert_allclose(got.zeta_upper[0], anytime_upper(2, 200, 0.0016))
    assert np.isnan(got.zeta_upper[1:]).all()
    np.testing.assert_array_equal(got.n_samples, [205, 305, 5])
    assert got.method == "seq"
    assert got.claimed_failure == got.provable_failure == 0.002


def test_the_bound_is_rounded_down() -> None:
    hits = np.arange(500, 1001)
    cache = build_cache_from_hits(np.zeros(501), hits, n0=10, n=1000, alpha=0.001)
    got = certify_sequential(cache, failures=hits // 100, draws=hits, a1=0.001, a2=0.001, sigma=1.0)
    base = binomial_lower_bound(hits, 1000, 0.001)
    for bound, p, leave in zip(got.p_lower, base, got.zeta_upper, strict=True):
        assert Fraction(float(bound)) < Fraction(float(p)) * (1 - Fraction(float(leave)))


def test_a_named_radius_is_certified_where_its_limit_is_crossed() -> None:
    cache = build_cache_from_hits([1, 1, 2], [980, 980, 700], n0=10, n=1000, alpha=0.001)
    counts = {"failures": [1, 30, 0], "draws": [300, 300, 300]}
    got = certify_sequential(cache, **counts, a1=0.001, a2=0.001, sigma=0.5, radius=0.5)  # type: ignore[arg-type]
    np.testing.assert_array_equal(got.predicted, [1, ABSTAIN, ABSTAIN])
    np.testing.assert_array_equal(got.radius, [0.5, 0, 0])
    free = certify_sequential(cache, **counts, a1=0.001, a2=0.001, sigma=0.5)  # type: ignore[arg-type]
    np.testing.assert_array_equal(free.p_lower, got.p_lower)
    assert free.radius[0] >= 0.5 > free.radius[1] > 0


def test_every_radius_up_to_the_free_one_can_be_named() -> None:
    cache = build_cache_from_hits([0], [970], n0=10, n=1000, alpha=0.001)
    given = {"failures": [2], "draws": [400], "a1": 0.001, "a2": 0.001, "sigma": 1.0}
    free = float(certify_sequential(cache, **given).radius[0])  # type: ignore[arg-type]
    for share, sure in ((0.0, True), (0.5, True), (1 - 1e-9, True), (1 + 1e-9, False)):
        named = certify_sequential(cache, **given, radius=share * free)  # type: ignore[arg-type]
        assert bool(named.predicted[0] == 0) is sure


def test_the_best_look_counts() -> None:
    cache = build_cache_from_hits([0, 0], [980, 980], n0=10, n=1000, alpha=0.001)
    given = {"a1": 0.001, "a2": 0.001, "sigma": 1.0}
    failures, draws = np.array([[0, 9], [0, 0]]), np.array([[300, 310], [0, 300]])
    got = certify_sequential(cache, failures=failures, draws=draws, **given)  # type: ignore[arg-type]
    alone = certify_sequential(cache, failures=[0, 0], draws=[300, 300], **given)  # type: ignore[arg-type]
    np.testing.assert_array_equal(got.p_lower, alone.p_lower)
    np.testing.assert_array_equal(got.n_samples, [310, 300])
    named = certify_sequential(cache, failures=failures, draws=draws, radius=1.2, **given)  # type: ignore[arg-type]
    assert named.predicted.tolist() == [0, 0]


def test_a_cache_that_grew_uses_the_bound_given() -> None:
    cache = build_cache_from_hits([0], [4900], n0=10, n=5000, alpha=0.001)
    bound = confidence_sequence_lower(4900, 5000, 0.001)
    given = {"failures": [0], "draws": [300], "a1": 0.001, "a2": 0.001, "sigma": 1.0}
    grown = certify_sequential(cache, **given, p_lower=[float(bound)])  # type: ignore[arg-type]
    fixed = certify_sequential(cache, **given)  # type: ignore[arg-type]
    stay = 1 - anytime_upper(0, 300, 0.001)
    np.testing.assert_allclose(grown.p_lower, bound * stay, rtol=1e-12)
    assert grown.p_lower < fixed.p_lower
    with pytest.raises(InvalidSampleError, match="threshold needs a cache of fixed n"):
        certify_sequential(cache, **given, p_lower=[0.9], threshold=5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": [91, 0]}, "at most as many draws as cached hits; got 91 draws and 90"),
        ({"failures": [11, 0]}, "failures <= draws"),
        ({"failures": [1]}, "one shape"),
        ({"threshold": 102}, "threshold"),
        ({"a1": 0.0}, "a1"),
        ({"a1": 0.6, "a2": 0.4}, "below 1"),
        ({"pilot": -1}, "pilot"),
        ({"radius": -0.5}, "radius"),
        ({"failures": [[2, 1]] * 2, "draws": [[2, 2]] * 2}, "must not fall"),
    ],
)
def test_refuses_what_does_not_fit(changes: dict[str, object], message: str) -> None:
    cache: Cache = build_cache_from_hits([0, 1], [90, 100], n0=10, n=100, alpha=0.01)
    given: dict[str, object] = {
        "draws": [10, 10],
        "failures": [0, 0],
        "a1": 0.01,
        "a2": 0.01,
        "sigma": 0.5,
    }
    with pytest.raises(InvalidSampleError, match=message):
        certify_sequential(cache, **(given | changes))  # type: ignore[arg-type]
