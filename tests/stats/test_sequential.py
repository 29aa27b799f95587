import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaincc, betaln
from sequential_coverage import columns, grid, proof_table, stop_probability

from irs_core.errors import InvalidSampleError
from irs_core.stats import (
    above_limit,
    crossed,
    failures_allowed,
    fewest_draws,
    first_crossing,
    futile,
    limit_q0,
    log_e_value,
)
from irs_core.stats.sequential import MOST_DRAWS, NEVER

LIMITS = [0.001, 0.01, 0.05, 0.2, 0.5]
LEVELS = [0.05, 1e-3, 1e-6]


def literal(k: int, j: int, limit: float) -> mp.mpf:
    """ln E by its definition: a beta integral over rates below the limit."""
    q = mp.mpf(limit)
    top = mp.betainc(k + mp.mpf(1) / 2, j - k + mp.mpf(1) / 2, 0, q)
    bottom = mp.betainc(mp.mpf(1) / 2, mp.mpf(1) / 2, 0, q)
    return mp.log(top / bottom) - k * mp.log(q) - (j - k) * mp.log1p(-q)


def mean_form(k: int, j: int, limit: float) -> mp.mpf:
    """ln E as the mean over s in [0, 1] of trigonometric ratios, by quadrature."""
    w = mp.asin(mp.sqrt(mp.mpf(limit)))

    def log_ratio(s: mp.mpf) -> mp.mpf:
        failed = 2 * k * mp.log(mp.sin(s * w) / mp.sin(w)) if k else 0
        return failed + 2 * (j - k) * mp.log(mp.cos(s * w) / mp.cos(w))

    peak = mp.asin(mp.sqrt(mp.mpf(k) / j)) / w
    width = 1 / (2 * w * mp.sqrt(j))
    cuts = [peak + c * width for c in (-20, -8, -3, -1, 0, 1, 3, 8, 20)]
    points = [mp.mpf(0), *(c for c in cuts if 0 < c < 1), mp.mpf(1)]
    tallest = log_ratio(peak) if k else log_ratio(mp.mpf(0))
    tiny = mp.mpf(10) ** -40
    area = mp.quad(lambda s: mp.exp(log_ratio(max(s, tiny)) - tallest), points)
    return tallest + mp.log(area)


def _some_failures(j: int, q: float) -> list[int]:
    near = [0, 1, int(j * q * 0.1), int(j * q * 0.5), int(j * q * 0.95), int(np.ceil(j * q)) - 1]
    return sorted({k for k in near if 0 <= k < j * q})


def _is_rounded_down(got: float, truth: mp.mpf, draws: int) -> bool:
    return 0 <= truth - mp.mpf(got) <= 2e-12 + 4e-14 * draws


@pytest.mark.parametrize("q", [1e-6, 1e-3, 0.03, 0.3, 0.5, 0.8, 1 - 1e-9, 1 - 1e-12])
def test_is_the_beta_integral_rounded_down(q: float) -> None:
    with mp.workdps(40):
        for j in (1, 2, 7, 60, 500):
            for k in _some_failures(j, q):
                assert _is_rounded_down(float(log_e_value(k, j, q)), literal(k, j, q), j)
                assert abs(literal(k, j, q) - mean_form(k, j, q)) < 1e-15


@pytest.mark.parametrize("q", [1e-6, 1e-4, 0.01, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("j", [10**4, 10**6, 10**7])
def test_is_rounded_down_for_many_draws(q: float, j: int) -> None:
    with mp.workdps(30):
        for k in _some_failures(j, q)[::2]:
            assert _is_rounded_down(float(log_e_value(k, j, q)), mean_form(k, j, q), j)


def test_there_is_no_evidence_where_failures_reach_the_limit() -> None:
    assert np.all(log_e_value([500, 50, 51, 0], [500, 500, 500, 0], 0.1) == -np.inf)
    assert np.all(log_e_value([0, 5], [10, 10], 0.0) == -np.inf)
    assert log_e_value(49, 500, 0.1) > -np.inf


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 3000),
    st.floats(0, 1),
    st.floats(1e-6, 0.999),
    st.floats(1e-6, 0.999),
)
def test_evidence_grows_with_the_limit_and_with_draws_that_do_not_fail(
    j: int, share: float, one: float, other: float
) -> None:
    k = int(share * share * j)
    low, high = min(one, other), max(one, other)
    slack = 4 * (1e-12 + 2e-14 * j)
    less = float(log_e_value(k, j, low))
    assert float(log_e_value(k, j, high)) >= less - slack or less < 0
    assert float(log_e_value(k, j + 1, low)) >= less - slack
    assert float(log_e_value(k + 1, j + 1, low)) <= less + slack


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("alpha", LEVELS)
def test_a_rate_at_the_limit_is_refuted_with_at_most_the_level(limit: float, alpha: float) -> None:
    horizon = 3 * int(fewest_draws(0, limit, alpha))
    table = proof_table(limit, alpha, horizon)
    at_limit = stop_probability(limit, table)
    assert 0.3 * alpha < at_limit <= alpha
    assert stop_probability(1.2 * limit, proof_table(limit, alpha, horizon // 2)) < at_limit


@pytest.mark.parametrize(("limit", "alpha"), [(0.3, 0.05), (0.05, 0.01), (0.01, 1e-4)])
def test_the_level_is_nearly_exhausted(limit: float, alpha: float) -> None:
    table = proof_table(limit, alpha, 40 * int(fewest_draws(0, limit, alpha)))
    assert 0.6 * alpha < stop_probability(limit, table) <= alpha


@pytest.mark.parametrize("every", [2, 7, 50])
def test_looking_less_often_refutes_less(every: int) -> None:
    full = stop_probability(0.1, proof_table(0.1, 0.05, 1000))
    assert 0 < stop_probability(0.1, proof_table(0.1, 0.05, 1000, every)) <= full


def test_an_alternative_taken_from_the_same_draws_is_caught() -> None:
    """The most likely rate instead of a distribution fixed beforehand."""
    limit, alpha, horizon = 0.2, 0.05, 1500
    k, j = grid(horizon)
    rate = np.clip(k / j, 1e-12, 1 - 1e-12)
    log_ratio = k * np.log(rate / limit) + (j - k) * np.log((1 - rate) / (1 - limit))
    stops = (k < j * limit) & (log_ratio >= -np.log(alpha))
    assert stop_probability(limit, stops[:, : columns(limit, horizon)]) > 2 * alpha


def test_a_reversed_ratio_is_caught() -> None:
    limit, alpha, horizon = 0.2, 0.05, 400
    k, j = grid(horizon)
    reversed_ratio = log_e_value(j - k, j, 1 - limit) >= -np.log(alpha)
    assert stop_probability(0.4, reversed_ratio) > 0.9
    assert stop_probability(0.4, crossed(k, j, limit, alpha)) < 0.1 * alpha


def test_a_clamped_underflow_is_caught() -> None:
    limit, alpha = 0.05, 0.001
    assert _clamped(500, 500, limit) > 800
    assert log_e_value(500, 500, limit) == -np.inf
    k, j = grid(500)
    assert stop_probability(0.95, _clamped(k, j, limit) >= -np.log(alpha)) > 0.9
    assert stop_probability(0.95, crossed(k, j, limit, alpha)) < 1e-12


def _clamped(k: np.ndarray | int, j: np.ndarray | int, limit: float) -> np.ndarray:
    a, b = np.asarray(k) + 0.5, np.asarray(j) - k + 0.5
    mass = np.maximum(betaincc(b, a, 1 - limit), 1e-300)
    total = betaln(0.5, 0.5) + np.log(betaincc(0.5, 0.5, 1 - limit))
    ratio = betaln(a, b) - k * np.log(limit) - (np.asarray(j) - k) * np.log1p(-limit)
    return np.asarray(ratio + np.log(mass) - total)


def test_hits_chosen_by_margin_are_caught() -> None:
    """Half of the hits have wide margins and are never left, the others at twice the limit."""
    limit, alpha = 0.05, 0.01
    table = proof_table(limit, alpha, 300)
    assert stop_probability(limit, table) <= alpha
    assert stop_probability(0.0, table) == 1


def test_giving_up_is_wrong_with_at_most_its_level() -> None:
    k, j = grid(600)
    stops = above_limit(k, j, 0.1, 0.05)
    assert 0.01 < stop_probability(0.1, stops) <= 0.05
    assert stop_probability(0.05, stops) < 0.01
    assert stop_probability(0.3, stops) > 0.99
    assert above_limit([0, 1], [5, 5], 0.0, 0.05).tolist() == [False, True]


@pytest.mark.parametrize("looks_every", [1, 4])
def test_first_crossing_is_the_first_of_all_looks(looks_every: int) -> None:
    rng = np.random.default_rng(3)
    rates = rng.uniform(0, 0.12, (200, 1))
    failures = np.cumsum(rng.random((200, 400)) < rates, axis=1)[:, looks_every - 1 :: looks_every]
    draws = np.arange(looks_every, 401, looks_every)
    limit = rng.uniform(0.02, 0.2, 200)
    got = first_crossing(failures, draws, limit, 0.01)
    proofs = crossed(failures, draws[None, :], limit[:, None], 0.01)
    expected = np.where(proofs.any(axis=1), draws[proofs.argmax(axis=1)], -1)
    np.testing.assert_array_equal(got, expected)
    assert 20 < np.sum(got > 0) < 180


def test_first_crossing_without_looks_or_rows() -> None:
    assert first_crossing(np.zeros((2, 0), int), np.zeros(0, int), 0.1, 0.1).tolist() == [-1, -1]
    assert first_crossing(np.zeros((0, 3), int), [1, 2, 3], 0.1, 0.1).shape == (0,)


def test_fewest_draws_and_most_failures_are_exact() -> None:
    limits = np.array([1e-6, 1e-3, 0.03, 0.5, 0.9])
    fewest = fewest_draws(0, limits, 0.001)
    assert crossed(0, fewest, limits, 0.001).all()
    assert not crossed(0, fewest - 1, limits, 0.001).any()
    assert fewest_draws(0, [0.0, 1e-9], 0.001).tolist() == [NEVER, NEVER]
    draws = np.array([0, 50, 300, 5000, 10**6])
    allowed = failures_allowed(draws, 0.03, 0.001)
    assert allowed.tolist()[:2] == [-1, -1]
    assert crossed(allowed[2:], draws[2:], 0.03, 0.001).all()
    assert not crossed(allowed + 1, np.maximum(draws, 1), 0.03, 0.001).any()
    assert failures_allowed(10, 0.0, 0.5) == -1


def test_futile_is_out_of_reach_even_without_failures() -> None:
    allowed = int(failures_allowed(200, 0.05, 0.01))
    assert not futile(allowed, 100, 0.05, 0.01, 200)
    assert futile(allowed + 1, 100, 0.05, 0.01, 200)
    beyond = int(fewest_draws(0, 0.05, 0.01))
    assert not futile(0, beyond, 0.05, 0.01, beyond - 1)
    assert futile(0, 0, 0.05, 0.01, beyond - 1)


def test_the_limit_is_rounded_down() -> None:
    with mp.workdps(40):
        for p in (0.5, 0.7, 0.97, 0.999999, 1.0):
            for r in np.linspace(0, 2, 41):
                truth = 1 - mp.ncdf(mp.mpf(float(r)) / mp.mpf(0.37)) / mp.mpf(p)
                got = float(limit_q0(p, r, 0.37))
                assert 0 <= max(truth, mp.mpf(0)) - got < 2e-14


def test_a_smaller_radius_has_a_larger_limit_and_is_proven_as_well() -> None:
    radii = np.linspace(0, 1, 50)
    limits = limit_q0(0.98, radii, 0.5)
    assert np.all(np.diff(limits) <= 0)
    assert limits[0] == pytest.approx(1 - 0.5 / 0.98)
    proven = crossed(2, 200, limits, 0.001)
    assert proven[0]
    assert not proven[-1]
    assert np.all(np.diff(proven.astype(int)) <= 0)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((3, 2, 0.1), "failures <= draws"),
        ((-1, 2, 0.1), "got -1 of 2"),
        ((0, MOST_DRAWS + 1, 0.1), "draws <="),
        ((0, 2, 1.0), r"limit must be in \[0, 1\); got 1.0"),
        ((0, 2, float("nan")), "limit"),
        ((0.5, 2, 0.1), "integers"),
    ],
)
def test_refuses_what_is_out_of_range(counts: tuple[float, int, float], message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        log_e_value(*counts)


def test_refuses_bad_levels_and_falling_counts() -> None:
    with pytest.raises(InvalidSampleError, match="alpha"):
        crossed(0, 1, 0.1, 1.0)
    with pytest.raises(InvalidSampleError, match="level"):
        above_limit(0, 1, 0.1, 0.0)
    with pytest.raises(InvalidSampleError, match="must not fall"):
        first_crossing([[1, 0]], [1, 2], 0.1, 0.1)
    with pytest.raises(InvalidSampleError, match="must not fall"):
        first_crossing([[0, 0]], [2, 1], 0.1, 0.1)
    with pytest.raises(InvalidSampleError, match="looks"):
        first_crossing([0, 0], [1, 2], 0.1, 0.1)
    with pytest.raises(InvalidSampleError, match="p_lower"):
        limit_q0(1.1, 0.1, 1.0)
    with pytest.raises(InvalidSampleError, match="radius"):
        limit_q0(0.9, -0.1, 1.0)
