"""Bounds never lie on the wrong side of the exact ones, up to 10^7 draws and levels of 1e-12."""

import mpmath as mp
import numpy as np
import pytest

from irs_core.stats import (
    binomial_lower_bound,
    binomial_upper_bound,
    certified_radius,
    discrete_certified_radius,
)
from irs_core.stats.discrete import _ORDERS

DIGITS = 60


def at_least(k: int, n: int, p: mp.mpf) -> mp.mpf:
    """P(Binomial(n, p) >= k), by the continued fraction of the incomplete beta function."""
    a, b = mp.mpf(k), mp.mpf(n - k + 1)
    if p > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - p)
    return _beta(a, b, p)


def _beta(a: mp.mpf, b: mp.mpf, x: mp.mpf) -> mp.mpf:
    front = mp.exp(
        mp.loggamma(a + b) - mp.loggamma(a) - mp.loggamma(b) + a * mp.log(x) + b * mp.log1p(-x)
    )
    # Lentz; Abramowitz & Stegun 26.5.8.
    tiny = mp.mpf(10) ** (-2 * DIGITS)
    c, d = mp.mpf(1), 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 200_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + step * d or tiny)
            c = 1 + step / c or tiny
            value *= d * c
        if abs(d * c - 1) < mp.mpf(10) ** (8 - DIGITS):
            return front * value / a
    raise AssertionError("the continued fraction did not converge")


def test_the_reference_is_right():
    with mp.workdps(DIGITS):
        p = mp.mpf("0.3")
        exact = mp.fsum(mp.binomial(20, k) * p**k * (1 - p) ** (20 - k) for k in range(7, 21))
        assert abs(at_least(7, 20, p) - exact) < mp.mpf(10) ** (10 - DIGITS)


def counts(n: int) -> list[int]:
    return sorted({k for k in (1, 2, n // 10, n // 2, (9 * n) // 10, n - 2, n - 1) if 0 < k < n})


@pytest.mark.parametrize("n", [2, 10, 1000, 10_000, 100_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("alpha", [1e-12, 0.001, 0.3])
def test_bounds_hold_in_sixty_digits(n, alpha):
    chosen = counts(n) if n <= 100_000 else [1, n // 2, n - 1]
    with mp.workdps(DIGITS):
        level = mp.mpf(alpha)
        for k in chosen:
            low = mp.mpf(float(binomial_lower_bound(k, n, alpha)))
            # At or below the exact bound: its tail has at most the level. A little above: more.
            assert at_least(k, n, low) <= level
            assert at_least(k, n, low * (1 + mp.mpf(1) / 10**8)) > level
            high = mp.mpf(float(binomial_upper_bound(k, n, alpha)))
            assert 1 - at_least(k + 1, n, high) <= level
            assert 1 - at_least(k + 1, n, high * (1 - mp.mpf(1) / 10**8)) > level


# SciPy's inverses change their method where a parameter of the beta distribution is 1000.
CHANGES = [(999, False), (1000, True), (-999, True)]


@pytest.mark.parametrize("n", [30_000, 300_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("alpha", [1e-12, 1e-9, 1e-6, 0.001, 0.05])
def test_bounds_hold_where_the_inverses_change_their_method(n, alpha):
    sharp = mp.mpf(2) / 10**11
    with mp.workdps(DIGITS):
        level = mp.mpf(alpha)
        for count, lower in CHANGES:
            k = count % n
            if lower:
                low = mp.mpf(float(binomial_lower_bound(k, n, alpha)))
                assert at_least(k, n, low) <= level < at_least(k, n, low * (1 + sharp))
            else:
                high = mp.mpf(float(binomial_upper_bound(k, n, alpha)))
                below = 1 - at_least(k + 1, n, high * (1 - sharp))
                assert 1 - at_least(k + 1, n, high) <= level < below


@pytest.mark.parametrize("n", [100_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("alpha", [0.5, 0.7, 0.9])
def test_bounds_at_high_levels_hold(n, alpha):
    with mp.workdps(DIGITS):
        for k in (1, 4, 20, 22, n - 20, n - 1):
            low = mp.mpf(float(binomial_lower_bound(k, n, alpha)))
            high = mp.mpf(float(binomial_upper_bound(k, n, alpha)))
            assert at_least(k, n, low) <= mp.mpf(alpha)
            assert 1 - at_least(k + 1, n, high) <= mp.mpf(alpha)


def test_bounds_next_to_one_hold():
    for k, n, alpha in [(10**7 - 1, 10**7, 1e-12), (10**7 - 2, 10**7, 1e-9), (999, 1000, 1e-12)]:
        high = float(binomial_upper_bound(k, n, alpha))
        with mp.workdps(DIGITS):
            assert high == 1 or 1 - at_least(k + 1, n, mp.mpf(high)) <= mp.mpf(alpha)


def test_edges():
    assert binomial_lower_bound(0, 10, 0.01) == 0
    assert binomial_upper_bound(10, 10, 0.01) == 1
    for n in (1, 10, 10**7):
        with mp.workdps(DIGITS):
            exact = mp.mpf(0.001) ** (mp.mpf(1) / n)
            assert mp.mpf(float(binomial_lower_bound(n, n, 0.001))) <= exact
            assert mp.mpf(float(binomial_upper_bound(0, n, 0.001))) >= 1 - exact


@pytest.mark.parametrize("sigma", [0.1, 0.25, 0.37, 1.0])
def test_radii_are_never_above_the_quantile(sigma):
    rng = np.random.default_rng(5)
    chances = np.concatenate(
        [rng.uniform(0.5, 1, 200), 0.5 + 10.0 ** -np.arange(2, 16), 1 - 10.0 ** -np.arange(2, 16)]
    )
    radii = certified_radius(chances, sigma)
    with mp.workdps(40):
        for p, radius in zip(chances, radii, strict=True):
            exact = mp.mpf(sigma) * mp.sqrt(2) * mp.erfinv(2 * mp.mpf(float(p)) - 1)
            assert mp.mpf(float(radius)) <= exact
            assert mp.mpf(float(radius)) >= exact * (1 - mp.mpf(1) / 10**13)


def exact_discrete(p: float, sigma: float) -> mp.mpf:
    """The largest radius of the orders that are tried, in exact arithmetic."""
    fair, stays, leaves = mp.mpf(1) / 2, mp.mpf(p), 1 - mp.mpf(p)
    best = -mp.log(4 * stays * leaves)
    for order in (mp.mpf(float(one)) for one in _ORDERS[1:]):
        sums = fair**order * (stays ** (1 - order) + leaves ** (1 - order))
        best = max(best, 2 * mp.log(sums) / (order - 1) / order)
    return mp.mpf(sigma) * mp.sqrt(best)


@pytest.mark.parametrize("sigma", [0.25, 0.37, 1.0])
def test_discrete_radii_are_never_above_what_is_proven(sigma):
    rng = np.random.default_rng(6)
    beside = 10.0 ** -np.arange(2, 16)
    chances = np.concatenate([rng.uniform(0.5, 1, 60), 0.5 + beside, 1 - beside, [1 - 2**-53]])
    radii = discrete_certified_radius(chances, sigma)
    with mp.workdps(50):
        for p, radius in zip(chances, radii, strict=True):
            exact = exact_discrete(float(p), sigma)
            assert mp.mpf(float(radius)) <= exact
            assert mp.mpf(float(radius)) >= exact * (1 - mp.mpf(1) / 10**8)
