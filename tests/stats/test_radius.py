import numpy as np
import pytest
from scipy.stats import norm

from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, certified_radius


def test_is_sigma_times_the_normal_quantile() -> None:
    p = np.array([0.6, 0.9, 0.999])
    np.testing.assert_allclose(certified_radius(p, 0.25), 0.25 * norm.ppf(p), rtol=1e-12)


def test_is_zero_up_to_one_half_and_positive_above() -> None:
    above = np.nextafter(0.5, 1)
    radius = certified_radius([0.0, 0.3, 0.5, above], 1.0)
    np.testing.assert_array_equal(radius[:3], 0.0)
    assert radius[3] > 0


def test_matches_a_published_radius() -> None:
    # Cohen et al. 2019: with n = 100,000 and alpha = 0.001, no radius exceeds 3.8 sigma.
    radius = certified_radius(binomial_lower_bound(100_000, 100_000, 0.001), 1.0)
    assert radius == pytest.approx(3.811, abs=1e-3)


def test_is_finite_for_the_largest_bound() -> None:
    assert np.isfinite(certified_radius(np.nextafter(1, 0), 1.0))


@pytest.mark.parametrize("p", [1.0, -0.1, 1.1, float("nan")])
def test_refuses_what_is_no_bound(p: float) -> None:
    with pytest.raises(InvalidSampleError, match=rf"p_lower must be in \[0, 1\); got {p}"):
        certified_radius([0.7, p], 1.0)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("inf"), float("nan")])
def test_refuses_bad_sigma(sigma: float) -> None:
    with pytest.raises(InvalidSampleError, match="sigma must be positive"):
        certified_radius(0.7, sigma)
