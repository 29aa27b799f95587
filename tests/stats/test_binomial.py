import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from irs_core.errors import InvalidSampleError
from irs_core.stats import (
    agresti_coull_interval,
    binomial_lower_bound,
    binomial_upper_bound,
    wilson_interval,
)
from irs_core.stats.binomial import chance_of_at_least, chance_of_at_most

SIZES = [*range(1, 31), 50, 100, 200]
LEVELS = [0.001, 0.05, 0.3]
GRID = np.concatenate([[0.0, 1e-9, 1e-4], np.linspace(0.001, 0.999, 997), [1 - 1e-9, 1.0]])


def outcome_table(n: int) -> np.ndarray:
    """P(K = k) for p on the grid (rows) and k in 0..n (columns)."""
    return binom.pmf(np.arange(n + 1)[None, :], n, GRID[:, None])


@pytest.mark.parametrize("alpha", LEVELS)
def test_lower_bound_exceeds_p_with_probability_at_most_alpha(alpha: float) -> None:
    for n in SIZES:
        wrong = binomial_lower_bound(np.arange(n + 1), n, alpha)[None, :] > GRID[:, None]
        assert (outcome_table(n) * wrong).sum(axis=1).max() <= alpha * (1 + 1e-9), n


@pytest.mark.parametrize("alpha", LEVELS)
def test_upper_bound_is_below_p_with_probability_at_most_alpha(alpha: float) -> None:
    for n in SIZES:
        wrong = binomial_upper_bound(np.arange(n + 1), n, alpha)[None, :] < GRID[:, None]
        assert (outcome_table(n) * wrong).sum(axis=1).max() <= alpha * (1 + 1e-9), n


def test_lower_bound_cannot_be_raised() -> None:
    n, alpha = 40, 0.01
    k = np.arange(1, n + 1)
    tail = binom.sf(k - 1, n, binomial_lower_bound(k, n, alpha))
    np.testing.assert_allclose(tail, alpha, rtol=1e-9)


def test_stopping_at_the_first_favourable_n_breaks_the_lower_bound() -> None:
    p, alpha, most = 0.5, 0.05, 200
    running, stopped = np.array([1.0]), 0.0
    for n in range(1, most + 1):
        running = p * np.append(0.0, running) + (1 - p) * np.append(running, 0.0)
        favourable = binomial_lower_bound(np.arange(n + 1), n, alpha) > p
        stopped += running[favourable].sum()
        running[favourable] = 0.0
    assert stopped > 2 * alpha


def at_most(k: int, n: int, p: mpmath.mpf) -> mpmath.mpf:
    """P(Binomial(n, p) <= k), summed in high precision."""
    term = total = (1 - p) ** n
    for j in range(1, k + 1):
        term *= (n - j + 1) * p / (j * (1 - p))
        total += term
    return total


@pytest.mark.parametrize(
    ("k", "n", "alpha"), [(999_999, 10**6, 1e-3), (99_000, 10**5, 1e-9), (7, 9, 0.9)]
)
def test_lower_bound_of_many_hits_in_high_precision(k: int, n: int, alpha: float) -> None:
    with mpmath.workdps(50):
        lower = mpmath.mpf(float(binomial_lower_bound(k, n, alpha)))
        level = float(at_most(n - k, n, 1 - lower))
        assert level <= alpha
        assert level == pytest.approx(alpha, rel=1e-4)


@pytest.mark.parametrize(("k", "n", "alpha"), [(1, 10**6, 1e-6), (3, 10**9, 1e-12)])
def test_lower_bound_of_few_hits_in_high_precision(k: int, n: int, alpha: float) -> None:
    with mpmath.workdps(50):
        lower = mpmath.mpf(float(binomial_lower_bound(k, n, alpha)))
        assert float(1 - at_most(k - 1, n, lower)) == pytest.approx(alpha, rel=1e-8)


@pytest.mark.parametrize(
    ("k", "n", "alpha"), [(0, 10**9, 1e-20), (1, 10**6, 1e-3), (1000, 10**5, 1e-9), (2, 9, 0.9)]
)
def test_upper_bound_in_high_precision(k: int, n: int, alpha: float) -> None:
    with mpmath.workdps(50):
        upper = mpmath.mpf(float(binomial_upper_bound(k, n, alpha)))
        assert float(at_most(k, n, upper)) == pytest.approx(alpha, rel=1e-8)


@pytest.mark.parametrize("alpha", [0.001, 0.05])
def test_agrees_with_statsmodels(alpha: float) -> None:
    for n in [1, 2, 17, 1000]:
        k = np.arange(n + 1)
        lower, upper = proportion_confint(k, n, alpha=2 * alpha, method="beta")
        np.testing.assert_allclose(binomial_lower_bound(k, n, alpha), lower, atol=1e-9)
        np.testing.assert_allclose(binomial_upper_bound(k, n, alpha), upper, atol=1e-9)


@pytest.mark.parametrize(
    ("interval", "name"), [(wilson_interval, "wilson"), (agresti_coull_interval, "agresti_coull")]
)
def test_approximate_intervals_agree_with_statsmodels(interval, name: str) -> None:
    k = np.arange(51)
    expected = proportion_confint(k, 50, alpha=0.02, method=name)
    for side, reference in zip(interval(k, 50, 0.01), expected, strict=True):
        np.testing.assert_allclose(side, np.clip(reference, 0, 1), atol=1e-12)


@pytest.mark.parametrize("interval", [wilson_interval, agresti_coull_interval])
def test_approximate_intervals_do_not_hold_their_level(interval) -> None:
    n, alpha = 50, 0.001
    lower, upper = interval(np.arange(n + 1), n, alpha)
    wrong = (lower[None, :] > GRID[:, None]) | (upper[None, :] < GRID[:, None])
    assert (outcome_table(n) * wrong).sum(axis=1).max() > 2 * alpha


def test_edges() -> None:
    alpha = 0.01
    assert binomial_lower_bound(0, 5, alpha) == 0
    assert binomial_upper_bound(5, 5, alpha) == 1
    assert binomial_lower_bound(5, 5, alpha) == pytest.approx(alpha ** (1 / 5), rel=1e-12)
    assert binomial_upper_bound(0, 5, alpha) == pytest.approx(1 - alpha ** (1 / 5), rel=1e-12)
    assert binomial_lower_bound(1, 1, alpha) == pytest.approx(alpha)
    assert binomial_upper_bound(0, 1, alpha) == pytest.approx(1 - alpha)


def test_lower_bound_stays_below_one() -> None:
    assert binomial_lower_bound(2**60, 2**60, 1 - 1e-15) < 1


def test_small_integer_types_do_not_overflow() -> None:
    k = np.array([250, 255], dtype=np.uint8)
    n = np.uint8(255)
    expected = binomial_lower_bound([250, 255], 255, 0.01)
    np.testing.assert_array_equal(binomial_lower_bound(k, n, 0.01), expected)


def test_broadcasts() -> None:
    bounds = binomial_lower_bound(np.arange(3)[:, None], np.array([5, 6, 7, 8]), 0.1)
    assert bounds.shape == (3, 4)


@given(st.integers(1, 10**6), st.data(), st.floats(1e-6, 0.49))
def test_bounds_bracket_the_share_and_mirror(n: int, data: st.DataObject, alpha: float) -> None:
    k = data.draw(st.integers(0, n))
    lower, upper = binomial_lower_bound(k, n, alpha), binomial_upper_bound(k, n, alpha)
    assert 0 <= lower <= k / n <= upper <= 1
    assert upper == pytest.approx(1 - binomial_lower_bound(n - k, n, alpha), abs=1e-9)


@pytest.mark.parametrize(
    "bound",
    [binomial_lower_bound, binomial_upper_bound, wilson_interval, agresti_coull_interval],
)
@pytest.mark.parametrize(
    ("k", "n", "alpha", "message"),
    [
        (1, 0, 0.1, "got k=1, n=0"),
        (-1, 3, 0.1, "got k=-1, n=3"),
        ([1, 4], 3, 0.1, "got k=4, n=3"),
        (1.5, 3, 0.1, "k must be integers; got 1.5"),
        (1, float("nan"), 0.1, "n must be integers; got nan"),
        ("1", 3, 0.1, "k must be integers"),
        (1, 3, 0.0, "alpha must be in .* got 0.0"),
        (1, 3, 1.0, "alpha must be in .* got 1.0"),
    ],
)
def test_refuses_bad_input(bound, k, n, alpha: float, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        bound(k, n, alpha)


@pytest.mark.parametrize("interval", [wilson_interval, agresti_coull_interval])
def test_approximate_intervals_refuse_levels_without_an_interval(interval) -> None:
    with pytest.raises(InvalidSampleError, match=r"\(0, 0.5\)"):
        interval(1, 3, 0.5)


def test_looking_bounds_up_changes_no_bit() -> None:
    counts = np.random.default_rng(3).integers(0, 1001, 5000)
    for bound in (binomial_lower_bound, binomial_upper_bound):
        literal = np.array([float(bound(k, 1000, 0.001)) for k in range(1001)])
        assert np.array_equal(bound(counts, 1000, 0.001), literal[counts])
        # Asked again, everything comes from the table.
        assert np.array_equal(bound(counts[::-1], 1000, 0.001), literal[counts[::-1]])
        assert not np.array_equal(bound(counts, 1000, 0.01), literal[counts])


def test_bounds_of_many_different_n_are_those_of_each_alone() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(1, 40, (60, 5))
    k = rng.integers(0, n + 1)
    for bound in (binomial_lower_bound, binomial_upper_bound):
        alone = [float(bound(*pair, 0.013)) for pair in zip(k.flat, n.flat, strict=True)]
        assert bound(k, n, 0.013).ravel().tolist() == alone


def test_chances_of_counts_are_scipys_ends_included() -> None:
    k, n, p = np.meshgrid(np.arange(-2, 13), np.arange(11), [0.0, 1e-9, 0.3, 0.999, 1.0])
    least, most = chance_of_at_least(k, n, p), chance_of_at_most(k, n, p)
    np.testing.assert_allclose(most, binom.cdf(k, n, p), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(least, binom.sf(k - 1, n, p), rtol=1e-13, atol=1e-300)
