"""A classifier certified from scratch, whenever its draws stop."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import norm
from sequential_coverage import grid, stop_probability

from irs_core.certify import (
    ABSTAIN,
    Branch,
    Certificates,
    certify_sequential_scratch,
    largest_proven,
)
from irs_core.errors import InvalidSampleError
from irs_core.stats import anytime_upper, binomial_lower_bound

HORIZON, ALPHA, SIGMA = 150, 0.05, 0.5
FAILURES, DRAWS = grid(HORIZON)


def certified(**changes: object) -> Certificates:
    arguments = {
        "failures": FAILURES.ravel(),
        "draws": DRAWS.ravel(),
        "n0": 1,
        "alpha": ALPHA,
        "sigma": SIGMA,
    } | changes
    size = len(np.atleast_1d(arguments["draws"]))
    return certify_sequential_scratch(np.zeros(size, np.int64), **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("radius", [0.05, 0.25, 0.5, 0.9])
def test_no_look_at_any_radius_is_wrong_but_with_probability_alpha(radius: float) -> None:
    """Exact: the class has just not enough for the radius; every larger claim is wrong too."""
    rate = 1 - float(norm.cdf(radius / SIGMA))
    asked = [certified(radius=one) for one in (radius, radius + 0.1, radius + 0.3)]
    claims = largest_proven([certified(), *asked]).radius.reshape(DRAWS.shape) >= radius
    found = stop_probability(rate, claims)
    assert 0.3 * ALPHA < found <= ALPHA


def test_a_bound_of_fixed_n_would_be_wrong_too_often() -> None:
    """What stopped by its outcomes is no cache: Clopper-Pearson at each look is caught."""
    rate = 1 - float(norm.cdf(0.25 / SIGMA))
    bound = binomial_lower_bound(DRAWS - FAILURES, DRAWS, ALPHA)
    assert stop_probability(rate, bound > 1 - rate) > 3 * ALPHA


def test_bounds_are_the_stated_ones() -> None:
    got = certify_sequential_scratch(
        [3, 4, 5], failures=[2, 60, 0], draws=[200, 100, 0], n0=10, alpha=0.001, sigma=0.5
    )
    lower = [1 - anytime_upper(2, 200, 0.001), 1 - anytime_upper(60, 100, 0.001), 0]
    np.testing.assert_allclose(got.p_lower, lower, rtol=1e-12)
    np.testing.assert_allclose(got.radius, [0.5 * norm.ppf(lower[0]), 0, 0], rtol=1e-9)
    assert Fraction(float(got.p_lower[0])) < 1 - Fraction(float(anytime_upper(2, 200, 0.001)))
    np.testing.assert_array_equal(got.predicted, [3, ABSTAIN, ABSTAIN])
    np.testing.assert_array_equal(got.n_samples, [210, 110, 10])
    np.testing.assert_array_equal(got.branch, [Branch.SCRATCH] * 3)
    assert np.isnan(got.zeta_upper).all()
    assert (got.method, got.claimed_failure, got.provable_failure) == ("seq", 0.001, 0.001)


def test_the_best_look_counts() -> None:
    """Once proven at a radius, later failures take nothing back."""
    k, j = [[0, 40]], [[30, 80]]
    for radius in (None, 0.2):
        whole = certified(failures=k, draws=j, radius=radius)
        last = certified(failures=[40], draws=[80], radius=radius)
        assert whole.radius[0] > last.radius[0] == 0


def test_the_largest_radius_of_several_is_kept_with_its_class() -> None:
    made = [certified(failures=[0, 30], draws=[60, 60], radius=one) for one in (0.1, 0.4, 2.0)]
    best = largest_proven(made)
    assert best.radius.tolist() == [0.4, 0.0]
    assert best.predicted.tolist() == [0, ABSTAIN]
    assert best.provable_failure == ALPHA


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n0": 0}, "n0 must be at least 1; got 0"),
        ({"alpha": 1.0}, "alpha must be in"),
        ({"failures": [3], "draws": [2]}, "failures <= draws"),
        ({"failures": [[1, 0]], "draws": [[2, 3]]}, "must not fall"),
        ({"failures": [1], "draws": [2], "radius": -1.0}, "radius must be finite"),
    ],
)
def test_refuses_what_does_not_fit(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        certified(**changes)
