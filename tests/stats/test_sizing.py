"""Sample sizes for a radius, against SciPy's own distributions."""

import math

import pytest
from scipy.stats import beta, binom, norm

from irs_core.errors import InvalidSampleError
from irs_core.stats import chance_of_radius, least_n_to_certify, samples_for_radius

CASES = [(0.5, 0.95, 0.5, 0.001), (0.1, 0.7, 0.25, 0.01), (1.0, 0.99, 0.5, 0.001)]


def radius_at(k: float, n: int, sigma: float, alpha: float) -> float:
    lower = 0.0 if k == 0 else float(beta.ppf(alpha, k, n - k + 1))
    return sigma * float(norm.ppf(lower))


@pytest.mark.parametrize(("radius", "p", "sigma", "alpha"), CASES)
def test_the_answer_suffices_and_one_less_does_not(
    radius: float, p: float, sigma: float, alpha: float
) -> None:
    n = samples_for_radius(radius, p=p, sigma=sigma, alpha=alpha)
    assert n is not None
    assert radius_at(p * n, n, sigma, alpha) >= radius
    assert radius_at(p * (n - 1), n - 1, sigma, alpha) < radius


def test_no_number_suffices_for_more_than_the_share_allows() -> None:
    limit = 0.5 * float(norm.ppf(0.9))
    assert samples_for_radius(limit + 1e-9, p=0.9, sigma=0.5, alpha=0.001) is None
    assert samples_for_radius(limit - 0.01, p=0.9, sigma=0.5, alpha=0.001) is not None


def test_unanimous_draws_at_radius_zero_need_the_least_n() -> None:
    assert samples_for_radius(0, p=1.0, sigma=0.5, alpha=0.001) == least_n_to_certify(0.001)


@pytest.mark.parametrize(("radius", "p", "sigma", "alpha"), CASES)
def test_chance_is_the_binomial_tail_from_the_least_count(
    radius: float, p: float, sigma: float, alpha: float
) -> None:
    chance, least = chance_of_radius(radius, n=500, p=p, sigma=sigma, alpha=alpha)
    assert least is not None
    assert radius_at(least, 500, sigma, alpha) >= radius > radius_at(least - 1, 500, sigma, alpha)
    assert chance == pytest.approx(sum(binom.pmf(range(least, 501), 500, p)), rel=1e-9)


def test_chance_is_zero_where_unanimity_is_not_enough() -> None:
    assert chance_of_radius(3.0, n=100, p=1.0, sigma=0.5, alpha=0.001) == (0.0, None)


@pytest.mark.parametrize(
    "change", [{"radius": -1}, {"radius": math.inf}, {"sigma": 0}, {"p": 1.1}, {"alpha": 0}]
)
def test_values_out_of_range_are_refused(change: dict[str, float]) -> None:
    wish = {"radius": 0.5, "p": 0.9, "sigma": 0.5, "alpha": 0.001} | change
    with pytest.raises(InvalidSampleError):
        samples_for_radius(wish.pop("radius"), **wish)
