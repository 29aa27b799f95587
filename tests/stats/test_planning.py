import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from irs_core.errors import InvalidSampleError, UnknownKeyError
from irs_core.stats import (
    INTERVAL_METHODS,
    agresti_coull_interval,
    binomial_lower_bound,
    binomial_upper_bound,
    largest_certifiable_radius,
    least_n_to_certify,
    samples_for_error,
    wilson_interval,
    zeta_floor,
)


def clopper_pearson(k, n, alpha: float):
    return binomial_lower_bound(k, n, alpha), binomial_upper_bound(k, n, alpha)


INTERVALS = {
    "clopper-pearson": clopper_pearson,
    "wilson": wilson_interval,
    "agresti-coull": agresti_coull_interval,
}


@pytest.mark.parametrize(("p", "published"), [(0.05, 41_500), (0.5, 216_900)])
def test_reproduces_the_published_sample_sizes(p: float, published: int) -> None:
    assert samples_for_error("clopper-pearson", p, 0.005, 0.01) == pytest.approx(
        published, rel=0.01
    )


@pytest.mark.parametrize("method", INTERVAL_METHODS)
@pytest.mark.parametrize("alpha", [0.4, 0.01])
@pytest.mark.parametrize("p", [0.0, 0.001, 0.0137, 0.1, 0.25, 0.3333, 0.45, 0.5, 0.75, 0.99, 1.0])
def test_is_the_least_of_all_sizes(method, alpha: float, p: float) -> None:
    n = np.arange(1, 20_001)
    q = min(p, 1 - p)
    lower, upper = INTERVALS[method](np.floor(q * n + 0.5).astype(int), n, alpha)
    for error in [0.9, 0.5, 0.1, 0.02]:
        # Bounds carry a margin for floating point, which sizes for planning do not.
        meets = upper - lower <= error * (1 + 1e-11)
        assert meets.any()
        assert samples_for_error(method, p, error, alpha) == n[np.argmax(meets)], error


def test_array_of_shares() -> None:
    p = np.array([[0.05, 0.5], [0.95, 1.0]])
    sizes = samples_for_error("wilson", p, 0.01, 0.01)
    assert sizes.shape == p.shape
    assert sizes[0, 0] == sizes[1, 0] == samples_for_error("wilson", 0.05, 0.01, 0.01)


def test_number_gives_a_number() -> None:
    assert isinstance(samples_for_error("wilson", 0.1, 0.1, 0.01), int)


@pytest.mark.parametrize(
    ("p", "error", "alpha", "message"),
    [
        (1.2, 0.1, 0.01, "p must be in .* got 1.2"),
        (float("nan"), 0.1, 0.01, "p must be in .* got nan"),
        (0.5, 0.0, 0.01, "error must be in .* got 0.0"),
        (0.5, 1.0, 0.01, "error must be in .* got 1.0"),
        (0.5, 0.1, 0.5, "alpha must be in .* got 0.5"),
        (0.5, 1e-9, 0.01, "allow a larger one"),
    ],
)
def test_refuses_bad_wishes(p: float, error: float, alpha: float, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        samples_for_error("clopper-pearson", p, error, alpha)


def test_lists_the_known_methods_on_a_miss() -> None:
    with pytest.raises(UnknownKeyError, match=r"wilson, agresti-coull; got 'wald'"):
        samples_for_error("wald", 0.5, 0.1, 0.01)  # type: ignore[call-overload]


def test_largest_radius_is_that_of_full_agreement() -> None:
    expected = 0.5 * norm.ppf(0.001 ** (1 / np.array([100, 1000])))
    np.testing.assert_allclose(
        largest_certifiable_radius([100, 1000], 0.001, 0.5), expected, rtol=1e-10
    )


@given(st.floats(1e-300, 0.999))
def test_least_n_is_where_the_largest_radius_becomes_positive(alpha: float) -> None:
    n = least_n_to_certify(alpha)
    assert n * np.log(2) >= -np.log(alpha) * (1 - 1e-12)
    assert n == 1 or (n - 1) * np.log(2) <= -np.log(alpha) * (1 + 1e-12)


@pytest.mark.parametrize(("alpha", "n"), [(0.001, 10), (0.5, 2), (0.51, 1), (2.0**-10, 11)])
def test_least_n_by_hand(alpha: float, n: int) -> None:
    assert least_n_to_certify(alpha) == n
    assert largest_certifiable_radius(n, alpha, 1.0) > 0


def test_below_the_least_n_nothing_is_certified() -> None:
    assert largest_certifiable_radius(9, 0.001, 1.0) == 0


def test_zeta_floor() -> None:
    assert zeta_floor(1000, 0.001) == pytest.approx(0.00688, abs=5e-6)
    assert zeta_floor(1, 0.2) == pytest.approx(0.8)


def test_floors_refuse_bad_levels() -> None:
    with pytest.raises(InvalidSampleError, match="alpha_zeta must be in"):
        zeta_floor(10, 0.0)
    with pytest.raises(InvalidSampleError, match="alpha must be in"):
        least_n_to_certify(1.0)
    with pytest.raises(InvalidSampleError, match="n >= 1"):
        zeta_floor(0, 0.1)
