import inspect

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import beta, norm

from irs_core.errors import InvalidSampleError
from irs_core.stats import budget
from irs_core.stats.budget import (
    allocate,
    candidate_draws,
    direct_radii,
    direct_threshold,
    incremental_radii,
    leave_prior,
    split_alpha,
)

N = 10_000


def _prior(rate: float, inputs: int = 300) -> budget.LeavePrior:
    rng = np.random.default_rng(1)
    agree = np.full(inputs, 10)
    hits = rng.integers(50, 101, inputs)
    return leave_prior(hits, 100, agree, rng.binomial(10, rate, inputs), 0 * agree, 10)


@pytest.mark.parametrize("n", [50, N, 100_000])
@pytest.mark.parametrize("draws", [1, 12.5, 300, 10_000])
def test_the_split_adds_up_and_knows_nothing_of_the_cache(n: int, draws: float) -> None:
    a1, a2 = split_alpha(n, draws, 0.002)
    assert 0 < a1 < a1 + a2 <= 0.002
    assert set(inspect.signature(split_alpha).parameters) == {"n", "draws", "alpha"}


def test_few_draws_take_most_of_alpha() -> None:
    shares = [split_alpha(N, draws, 0.002)[1] for draws in (20, 100, 1000, 5000)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.0018


def test_allocation_is_the_best_there_is() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([0, 10, 20, 40, 80])
    gains = np.sort(rng.random((12, 4)), axis=1)[:, ::-1]
    radii = np.concatenate([np.zeros((12, 1)), np.cumsum(gains, axis=1)], axis=1)
    for total in (0, 100, 250, 600, 2000):
        got = allocate(radii, sizes, total)
        spent = sizes[got.choice].sum()
        assert spent <= total
        # The relaxed problem, where inputs may take mixtures, is an upper bound.
        best = -linprog(
            -radii.ravel(),
            A_ub=[np.tile(sizes, 12)],
            b_ub=[total],
            A_eq=np.kron(np.eye(12), np.ones(5)),
            b_eq=np.ones(12),
            bounds=(0, 1),
        ).fun
        found = radii[np.arange(12), got.choice].sum()
        assert found <= best + 1e-9
        # At most one input's step is lost, and no step gains more than the largest.
        assert best - found <= gains.max()


def test_equal_inputs_share_a_budget() -> None:
    sizes = np.array([0, 10])
    got = allocate(np.tile([0.0, 1.0], (9, 1)), sizes, 47)
    assert got.choice.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0]


def test_nothing_is_spent_where_nothing_is_to_be_had() -> None:
    sizes = candidate_draws(N)
    radii = incremental_radii([0.0, 0.5, 0.9], [0.1, 0.52, 0.91], sizes, 0.001, 0.5, _prior(0.01))
    assert allocate(radii, sizes, 10**6).choice[:2].tolist() == [0, 0]
    assert sizes[allocate(radii, sizes, 10**6).choice[2]] > 1000


def test_radii_follow_the_bounds() -> None:
    prior = budget.LeavePrior(np.full((4, 5), 0.02), 0.0)
    got = incremental_radii([0.95], [0.96], [0, 500], 0.001, 0.25, prior)
    stay = 1 - beta.ppf(1 - 0.001, 11, 490)
    np.testing.assert_allclose(got, [[0, 0.25 * norm.ppf(0.95 * stay)]])
    got = direct_radii([0.96], [0, 500], 0.002, 0.25, prior)
    hits = 500 * 0.96 * 0.98
    np.testing.assert_allclose(got, [[0, 0.25 * norm.ppf(beta.ppf(0.002, hits, 501 - hits))]])


def test_the_pilot_is_pooled_over_similar_inputs() -> None:
    hits = np.repeat([60, 100], 500)
    agree = np.full(1000, 10)
    leave = np.repeat([2, 0], 500)
    prior = leave_prior(hits, 100, agree, leave, 0 * leave, 10)
    hard, easy = prior.rates([0.6, 1.0]).mean(axis=1)
    assert hard == pytest.approx(0.2, rel=0.02)
    assert easy < 0.002


def test_without_a_pilot_one_percent_is_supposed() -> None:
    nothing = np.zeros(5, np.int64)
    prior = leave_prior(nothing, 100, nothing, nothing, nothing, 0)
    np.testing.assert_allclose(prior.leave.mean(axis=1), 0.01)
    assert prior.arrive == 0.01


def test_fresh_draws_are_preferred_only_near_certainty() -> None:
    a1, a2 = split_alpha(N, 300, 0.002)
    for rate in (0.001, 0.05):
        threshold = direct_threshold(N, 300, a1, a2, _prior(rate))
        assert 0.9 * N < threshold <= N + 1


def test_refuses_what_is_out_of_range() -> None:
    with pytest.raises(InvalidSampleError):
        split_alpha(0, 10, 0.1)
    with pytest.raises(InvalidSampleError):
        candidate_draws(0)
    with pytest.raises(InvalidSampleError):
        allocate([[0.0]], [1], 5)
