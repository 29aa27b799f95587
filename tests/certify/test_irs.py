import math

import numpy as np
import pytest
from scipy.stats import binom, multinomial, norm

from irs_core.certify import (
    ABSTAIN,
    UNUSED,
    Branch,
    build_cache_from_hits,
    certify_irs,
)
from irs_core.errors import InvalidSampleError


def tail_at_least(k: int, n: int, p: float) -> float:
    return math.fsum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))


def lower_confidence_bound(k: int, n: int, confidence: float) -> float:
    if k == 0:
        return 0.0
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if tail_at_least(k, n, middle) < 1 - confidence:
            low = middle
        else:
            high = middle
    return low


def upper_confidence_bound(k: int, n: int, confidence: float) -> float:
    return 1 - lower_confidence_bound(n - k, n, confidence)


def estimate_zeta(paired: list[int], n_p: int, cached: list[int], alpha_zeta: float) -> float:
    n_delta = 0
    for i in range(n_p):
        if cached[i] != paired[i]:
            n_delta += 1
    return upper_confidence_bound(n_delta, n_p, 1 - alpha_zeta)


def algorithm_2(c_a, cached, paired, fresh, n_p, alpha, alpha_zeta, gamma, sigma):
    """Algorithm 2 as printed, with bounds by bisection of summed binomial terms."""
    p_a = lower_confidence_bound(cached.count(c_a), len(cached), 1 - alpha)
    if p_a < gamma:
        zeta = estimate_zeta(paired, n_p, cached, alpha_zeta)
        if p_a - zeta > 0.5:
            return c_a, sigma * norm.ppf(p_a - zeta), "zeta"
    else:
        p_a = lower_confidence_bound(fresh[:n_p].count(c_a), n_p, 1 - (alpha + alpha_zeta))
        if p_a > 0.5:
            return c_a, sigma * norm.ppf(p_a), "direct"
    return ABSTAIN, 0.0, "abstain"


def random_predictions(rng: np.random.Generator, inputs: int, n: int, n_p: int):
    """Candidates, and what f and a perturbed f^p predict, for inputs of all difficulties."""
    candidate = rng.integers(0, 4, size=inputs)
    p = rng.choice([0.4, 0.8, 0.93, 0.99, 1.0], size=(inputs, 1))
    moves = rng.choice([0.0, 0.02, 0.2, 0.6], size=(inputs, 1))

    def predict(draws: int) -> tuple[np.ndarray, np.ndarray]:
        other = (candidate[:, None] + rng.integers(1, 4, size=(inputs, draws))) % 4
        base = np.where(rng.random((inputs, draws)) < p, candidate[:, None], other)
        moved = rng.random((inputs, draws)) < moves
        compressed = np.where(moved, (base + rng.integers(1, 4, size=base.shape)) % 4, base)
        return base.astype(np.uint8), compressed.astype(np.uint8)

    base, paired = predict(n)
    return candidate, base, paired[:, :n_p], predict(n_p)[1]


def test_matches_the_algorithms_as_printed() -> None:
    n, n_p = 120, 60
    levels = {"alpha": 0.01, "alpha_zeta": 0.02, "gamma": 0.9, "sigma": 0.5}
    inputs = random_predictions(np.random.default_rng(7), 120, n, n_p)
    candidate, base, compressed, fresh = inputs
    got = certify_irs(
        build_cache_from_hits(
            candidate, (base == candidate[:, None]).sum(axis=1), n0=10, n=n, alpha=levels["alpha"]
        ),
        disagreements=(base[:, :n_p] != compressed).sum(axis=1),
        fresh_hits=(fresh == candidate[:, None]).sum(axis=1),
        n_p=n_p,
        **{name: levels[name] for name in ("alpha_zeta", "gamma", "sigma")},
    )
    outcomes = set()
    for row, (c_a, cached, paired, fresh) in enumerate(zip(*inputs, strict=True)):
        predicted, radius, outcome = algorithm_2(
            int(c_a), cached.tolist(), paired.tolist(), fresh.tolist(), n_p, **levels
        )
        outcomes.add((outcome, int(got.branch[row])))
        assert got.predicted[row] == predicted
        assert got.radius[row] == pytest.approx(radius, abs=1e-9)
    assert outcomes == {
        ("zeta", Branch.INCREMENTAL),
        ("abstain", Branch.INCREMENTAL),
        ("direct", Branch.DIRECT),
        ("abstain", Branch.DIRECT),
    }


LEVELS = {"alpha_zeta": 0.15, "gamma": 0.75, "sigma": 1.0}


def outcome_counts(n: int, cells: int) -> np.ndarray:
    if cells == 1:
        return np.array([[n]])
    return np.concatenate(
        [np.insert(outcome_counts(n - k, cells - 1), 0, k, axis=1) for k in range(n + 1)]
    )


def certified_bounds(agree, differ, hits, n: int, n_p: int, alpha: float):
    """Certified probability per outcome, 0 where it abstains, and whether it is direct."""
    cache = build_cache_from_hits(np.zeros_like(agree), agree, n0=1, n=n, alpha=alpha)
    got = certify_irs(cache, disagreements=differ, fresh_hits=hits, n_p=n_p, **LEVELS)
    return np.where(got.predicted == ABSTAIN, 0.0, got.p_lower), got.branch == Branch.DIRECT


def exact_failure(cells: np.ndarray, arrive: float, n: int, n_p: int, alpha: float) -> float:
    """P(certified bound > P(f^p = candidate)), summed over every outcome.

    `cells`: probabilities of (f = c, agree), (f = c, differ), (f != c, agree), (f != c,
    differ); a share `arrive` of the last moves to c.
    """
    q = cells[0] + arrive * cells[3]
    first = outcome_counts(n_p, 4)
    rest = np.arange(n - n_p + 1)
    weight = (
        multinomial.pmf(first, n_p, cells)[:, None]
        * binom.pmf(rest, n - n_p, cells[0] + cells[1])[None, :]
    )
    agree = (first[:, 0] + first[:, 1])[:, None] + rest[None, :]
    differ = np.broadcast_to((first[:, 1] + first[:, 3])[:, None], agree.shape)
    unused = np.full(agree.size, UNUSED)
    bound, direct = certified_bounds(agree.ravel(), differ.ravel(), unused, n, n_p, alpha)
    incremental = weight.ravel()[~direct & (bound > q)].sum()
    fresh = np.arange(n_p + 1)
    fresh_bound, _ = certified_bounds(
        np.full(n_p + 1, n), np.zeros_like(fresh), fresh, n, n_p, alpha
    )
    fresh_failure = binom.pmf(fresh, n_p, q)[fresh_bound > q].sum()
    return float(incremental + weight.ravel()[direct].sum() * fresh_failure)


def edges() -> list[tuple[np.ndarray, float]]:
    """Joint distributions of (f, f^p): a grid around gamma, and random ones."""
    rng = np.random.default_rng(3)
    grid = [
        (np.array([p - leave, leave, 1 - p - move, move]), arrive)
        for p in [0.5, 0.7, 0.7499, 0.7501, 0.8, 0.86, 0.95, 1.0]
        for leave in [0.0, 0.05, 0.17]
        for move in [0.0, (1 - p) / 2, 1 - p]
        for arrive in [0.0, 1.0]
    ]
    return grid + [(rng.dirichlet([8, 0.5, 1, 0.5]), rng.random()) for _ in range(60)]


@pytest.mark.parametrize(("n", "n_p"), [(8, 8), (12, 5), (20, 9)])
def test_fails_with_at_most_the_provable_probability(n: int, n_p: int) -> None:
    alpha = 0.2
    failures = [exact_failure(cells, arrive, n, n_p, alpha) for cells, arrive in edges()]
    assert max(failures) <= alpha + 2 * LEVELS["alpha_zeta"]
    assert max(failures) > alpha / 4


def test_selecting_the_candidate_on_the_estimation_draws_breaks_the_guarantee() -> None:
    n, alpha, alpha_zeta = 10_000, 0.1, 0.01
    first = np.arange(n + 1)
    # f = f^p with two classes of probability 1/2 each: every certificate is wrong.
    cache = build_cache_from_hits(
        (first < n / 2).astype(int), np.maximum(first, n - first), n0=1, n=n, alpha=alpha
    )
    got = certify_irs(
        cache,
        disagreements=np.zeros_like(first),
        fresh_hits=np.zeros_like(first),
        n_p=n,
        alpha_zeta=alpha_zeta,
        gamma=0.99,
        sigma=1.0,
    )
    failure = binom.pmf(first, n, 0.5)[got.predicted != ABSTAIN].sum()
    assert failure > got.provable_failure


def test_counting_the_top_class_of_the_compressed_model_breaks_the_guarantee() -> None:
    n_p = 400
    first = np.arange(n_p + 1)
    # f always predicts class 0; f^p predicts 0 and 1 equally often: every certificate is wrong.
    cache = build_cache_from_hits(
        np.zeros_like(first), np.full_like(first, 1000), n0=1, n=1000, alpha=0.05
    )
    settings = {"n_p": n_p, "alpha_zeta": 0.005, "gamma": 0.9, "sigma": 1.0}
    unused = np.full_like(first, UNUSED)
    weight = binom.pmf(first, n_p, 0.5)
    failure = {}
    for name, hits in {"candidate": first, "top": np.maximum(first, n_p - first)}.items():
        got = certify_irs(cache, disagreements=unused, fresh_hits=hits, **settings)
        failure[name] = weight[got.predicted != ABSTAIN].sum()
    assert failure["candidate"] <= got.claimed_failure < got.provable_failure < failure["top"]


def settings(**changed) -> dict:
    base = {
        "disagreements": [0, 3, UNUSED, UNUSED],
        "fresh_hits": [UNUSED, UNUSED, 200, 120],
        "n_p": 200,
        "alpha_zeta": 0.001,
        "gamma": 0.9,
        "sigma": 0.25,
    }
    return {**base, **changed}


def four_inputs():
    """Two incremental inputs (the second abstains), then two direct ones (the same)."""
    return build_cache_from_hits([3, 1, 0, 2], [850, 560, 1000, 990], n0=10, n=1000, alpha=0.001)


def test_both_branches_certify_and_abstain() -> None:
    got = certify_irs(four_inputs(), **settings())
    np.testing.assert_array_equal(got.predicted, [3, ABSTAIN, 0, ABSTAIN])
    np.testing.assert_array_equal(got.candidate, [3, 1, 0, 2])
    np.testing.assert_array_equal(got.branch, [1, 1, 2, 2])
    np.testing.assert_array_equal(np.isnan(got.zeta_upper), [False, False, True, True])
    np.testing.assert_array_equal(got.radius > 0, [True, False, True, False])


def test_describes_what_was_done() -> None:
    got = certify_irs(four_inputs(), **settings())
    assert (got.method, got.sigma) == ("irs", 0.25)
    assert got.claimed_failure == pytest.approx(0.002)
    assert got.provable_failure == pytest.approx(0.003)
    np.testing.assert_array_equal(got.n_samples, 200)
    assert got.branch.dtype == np.uint8


def test_gamma_itself_is_direct() -> None:
    cache = four_inputs()
    gamma = float(cache.p_lower[0])
    assert certify_irs(cache, **settings(gamma=gamma)).branch[0] == Branch.DIRECT
    above = float(np.nextafter(gamma, 1))
    assert certify_irs(cache, **settings(gamma=above)).branch[0] == Branch.INCREMENTAL


def test_counts_of_the_other_branch_are_ignored() -> None:
    expected = certify_irs(four_inputs(), **settings())
    got = certify_irs(
        four_inputs(),
        **settings(disagreements=[0, 3, -5, 10**6], fresh_hits=[-1, 10**6, 200, 120]),
    )
    np.testing.assert_array_equal(got.radius, expected.radius)
    np.testing.assert_array_equal(got.p_lower, expected.p_lower)


def test_p_lower_is_never_negative() -> None:
    cache = build_cache_from_hits([0], [0], n0=1, n=10, alpha=0.001)
    got = certify_irs(cache, **settings(disagreements=[10], fresh_hits=[UNUSED], n_p=10))
    assert got.p_lower[0] == 0
    assert got.zeta_upper[0] == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_p": 1001}, r"n_p must be in \[1, n=1000\]; got 1001"),
        ({"n_p": 0}, r"n_p must be in \[1, n=1000\]; got 0"),
        ({"alpha_zeta": 0.0}, "alpha_zeta must be in"),
        ({"alpha_zeta": 0.999}, "alpha [+] alpha_zeta must be below 1"),
        ({"gamma": 0.5}, "gamma must be in .* got 0.5"),
        ({"gamma": 1.1}, "gamma must be in .* got 1.1"),
        ({"sigma": -1.0}, "sigma must be positive"),
        ({"disagreements": [0, 201, 0, 0]}, "disagreements .* got 201 in row 1"),
        ({"fresh_hits": [0, 0, 0, -1]}, "fresh_hits .* got -1 in row 3"),
        ({"fresh_hits": [0, 0, 0]}, r"fresh_hits \(3,\)"),
    ],
)
def test_refuses_bad_input(changed: dict, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        certify_irs(four_inputs(), **settings(**changed))
