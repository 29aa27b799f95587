from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom
from sequential_coverage import columns, grid, stop_probability

from irs_core.errors import InvalidSampleError
from irs_core.stats import (
    anytime_upper,
    binomial_lower_bound,
    confidence_sequence_lower,
    crossed,
    least_upper,
    looked_lower_bound,
)

DOUBLINGS = [50 * 2**look for look in range(6)]


def test_is_the_least_limit_that_is_refuted() -> None:
    failures = np.array([0, 1, 3, 40, 999, 0, 2])
    draws = np.array([10, 10, 1000, 1000, 1000, 10**6, 10**7])
    upper = anytime_upper(failures, draws, 0.001)
    assert crossed(failures, draws, upper, 0.001).all()
    assert not crossed(failures, draws, upper * (1 - 1e-9), 0.001).any()
    assert np.all(np.diff(upper[[0, 1]]) > 0)


def test_nothing_is_known_without_a_draw_or_where_all_fail() -> None:
    assert anytime_upper([0, 4], [0, 4], 0.05).tolist() == [1.0, 1.0]
    assert confidence_sequence_lower([0, 0], [0, 4], 0.05).tolist() == [0.0, 0.0]
    assert least_upper(np.zeros((2, 0), int), np.zeros(0, int), 0.05).tolist() == [1.0, 1.0]


def test_the_lower_bound_is_below_one_and_mirrors_the_upper_one() -> None:
    assert confidence_sequence_lower(10**9, 10**9, 0.5) < 1
    lower = confidence_sequence_lower([90, 995], [100, 1000], 0.01)
    np.testing.assert_allclose(lower, 1 - anytime_upper([10, 5], [100, 1000], 0.01), rtol=1e-15)
    draws = np.arange(10, 200)
    upper = anytime_upper(5, draws, 0.01)
    lower = confidence_sequence_lower(draws - 5, draws, 0.01)
    for low, high in zip(lower, upper, strict=True):
        assert Fraction(float(low)) < 1 - Fraction(float(high))


@pytest.mark.parametrize(("rate", "alpha"), [(0.5, 0.1), (0.1, 0.01), (0.02, 0.05)])
def test_all_bounds_hold_together(rate: float, alpha: float) -> None:
    k, j = grid(250)
    wrong = anytime_upper(k, j, alpha) < rate
    assert 0.3 * alpha < stop_probability(rate, wrong[:, : columns(rate, 250)]) <= alpha


def test_the_least_of_all_looks_is_found() -> None:
    rng = np.random.default_rng(7)
    failures = np.cumsum(rng.random((60, 150)) < rng.uniform(0, 0.3, (60, 1)), axis=1)
    draws = np.arange(1, 151)
    expected = anytime_upper(failures, draws[None, :], 0.01).min(axis=1)
    np.testing.assert_array_equal(least_upper(failures, draws, 0.01), expected)


def test_the_least_may_come_before_the_last_look() -> None:
    failures, draws = np.array([[0, 9]]), np.array([[100, 110]])
    assert least_upper(failures, draws, 0.01) == anytime_upper(0, 100, 0.01)


@pytest.mark.parametrize("p", [0.6, 0.9])
def test_a_cache_extended_under_plain_clopper_pearson_is_caught(p: float) -> None:
    alpha = 0.01
    assert _ever_above(p, DOUBLINGS, alpha, binomial_lower_bound) > 2.5 * alpha
    assert _ever_above(p, DOUBLINGS, alpha, confidence_sequence_lower) <= alpha
    assert _ever_above(p, DOUBLINGS, alpha, _looked) <= alpha


def test_a_cache_that_stopped_itself_is_caught() -> None:
    alpha, sizes = 0.01, list(range(20, 400))
    assert _ever_above(0.8, sizes, alpha, binomial_lower_bound) > 5 * alpha
    assert _ever_above(0.8, sizes, alpha, confidence_sequence_lower) <= alpha


def test_a_bound_taken_again_from_later_draws_is_caught() -> None:
    """L of later draws wherever that of the first ones is not high enough."""
    n, alpha = 1000, 0.01
    bound = binomial_lower_bound(np.arange(n + 1), n, alpha)
    p = float(bound[950]) - 1e-9
    above = binom.pmf(np.arange(n + 1), n, p)[bound > p].sum()
    assert 0.95 * alpha < above <= alpha
    assert 1 - (1 - above) ** 2 > 1.85 * alpha


def _looked(hits: np.ndarray, draws: np.ndarray, alpha: float) -> np.ndarray:
    return looked_lower_bound(hits, draws, alpha, sizes=DOUBLINGS)


def _ever_above(p: float, sizes: list[int], alpha: float, bound: object) -> float:
    """Exact probability that a bound exceeds p at any look; failures are counted."""
    stops = np.zeros((sizes[-1], columns(1 - p, sizes[-1])), bool)
    for size in sizes:
        hits = np.arange(size + 1)
        wrong = bound(hits, np.full_like(hits, size), alpha) > p  # type: ignore[operator]
        failures = size - hits[wrong]
        stops[size - 1, failures[failures < stops.shape[1]]] = True
    return stop_probability(1 - p, stops)


def test_looks_share_the_level() -> None:
    got = looked_lower_bound([45, 90], [50, 100], 0.01, sizes=[50, 100, 200])
    expected = [binomial_lower_bound(45, 50, 0.005), binomial_lower_bound(90, 100, 0.0025)]
    np.testing.assert_allclose(got, expected)
    last = looked_lower_bound(180, 200, 0.01, sizes=[50, 100, 200])
    assert last == binomial_lower_bound(180, 200, 0.0025)
    assert looked_lower_bound(45, 50, 0.01, sizes=[50]) == binomial_lower_bound(45, 50, 0.01)
    given = looked_lower_bound(90, 100, 0.01, sizes=[50, 100], weights=[0.2, 0.8])
    assert given == binomial_lower_bound(90, 100, 0.008)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": 60}, "one of the sizes"),
        ({"sizes": [50, 40]}, "sizes must grow"),
        ({"sizes": []}, "sizes must grow"),
        ({"weights": [0.5]}, "one for each size"),
        ({"weights": [0.7, 0.4]}, "at most 1"),
        ({"weights": [0.0, 1.0]}, "positive"),
        ({"hits": 51}, "k <= n"),
    ],
)
def test_refuses_looks_that_were_not_fixed(changes: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"hits": 40, "draws": 50, "alpha": 0.01, "sizes": [50, 100]}
    with pytest.raises(InvalidSampleError, match=message):
        looked_lower_bound(**(given | changes))  # type: ignore[arg-type]


def test_refuses_counts_out_of_range() -> None:
    with pytest.raises(InvalidSampleError, match="failures <= draws"):
        anytime_upper(3, 2, 0.1)
    with pytest.raises(InvalidSampleError, match="alpha"):
        anytime_upper(1, 2, 0.0)
    with pytest.raises(InvalidSampleError, match="must not fall"):
        least_upper([[1, 0]], [1, 2], 0.1)
