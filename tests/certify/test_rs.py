import inspect
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom, norm

import irs_core.certify
from irs_core.certify import (
    ABSTAIN,
    Branch,
    Cache,
    Certificates,
    build_cache,
    build_cache_from_hits,
    certify_cache,
    certify_rs,
    certify_rs_hits,
)
from irs_core.certify.certificates import certificates_from_bounds
from irs_core.errors import InvalidSampleError

SELECTION = [[6, 4, 0], [1, 1, 8], [4, 3, 3]]
ESTIMATION = [[95, 5, 0], [0, 0, 100], [52, 48, 0]]
SETTINGS = {"n0": 10, "n": 100, "alpha": 0.001}


def test_certifies_and_abstains() -> None:
    got = certify_rs(SELECTION, ESTIMATION, **SETTINGS, sigma=0.5)
    np.testing.assert_array_equal(got.predicted, [0, 2, ABSTAIN])
    np.testing.assert_array_equal(got.candidate, [0, 2, 0])
    # Lower bounds at 95 and 100 of 100, from a table of the beta distribution's quantiles.
    np.testing.assert_allclose(got.p_lower[:2], [0.8447, 0.9332543], atol=1e-4)
    np.testing.assert_allclose(got.radius[:2], 0.5 * norm.ppf(got.p_lower[:2]))
    assert got.radius[2] == 0


def test_describes_what_was_done() -> None:
    got = certify_rs(SELECTION, ESTIMATION, **SETTINGS, sigma=0.5)
    assert len(got) == 3
    assert (got.method, got.sigma) == ("rs", 0.5)
    assert got.claimed_failure == got.provable_failure == 0.001
    np.testing.assert_array_equal(got.n_samples, 110)
    np.testing.assert_array_equal(got.branch, Branch.SCRATCH)
    assert np.isnan(got.zeta_upper).all()


@pytest.mark.parametrize("p", np.linspace(0.5, 0.99, 50))
@pytest.mark.parametrize("n", [1, 10, 60])
def test_radius_is_too_large_with_probability_at_most_alpha(n: int, p: float) -> None:
    alpha = 0.05
    hits = np.arange(n + 1)
    got = certify_rs_hits(np.zeros_like(hits), hits, n0=1, n=n, alpha=alpha, sigma=1.0)
    wrong = (got.predicted == 0) & (got.radius > norm.ppf(p))
    assert binom.pmf(hits, n, p)[wrong].sum() <= alpha * (1 + 1e-9)


def test_selecting_on_the_estimation_draws_breaks_the_guarantee() -> None:
    n, alpha = 1000, 0.05
    first = np.arange(n + 1)
    counts = np.stack([first, n - first], axis=1)
    got = certify_rs(counts, counts, n0=n, n=n, alpha=alpha, sigma=1.0)
    # Both classes have probability 1/2, so every certificate is wrong.
    assert binom.pmf(first, n, 0.5)[got.predicted != ABSTAIN].sum() > 1.5 * alpha


def test_ties_select_the_lowest_class() -> None:
    cache = build_cache([[5, 5], [0, 10]], [[40, 60], [40, 60]], **SETTINGS)
    np.testing.assert_array_equal(cache.candidate, [0, 1])
    np.testing.assert_array_equal(cache.agree_counts, [40, 60])


def test_one_estimation_draw_certifies_nothing() -> None:
    got = certify_rs([[1, 0]], [[1, 0]], n0=1, n=1, alpha=0.001, sigma=1.0)
    assert got.predicted[0] == ABSTAIN
    assert got.p_lower[0] == pytest.approx(0.001)


def test_hits_counts_and_cache_give_the_same_certificates() -> None:
    full = certify_rs(SELECTION, ESTIMATION, **SETTINGS, sigma=0.25)
    hits = certify_rs_hits([0, 2, 0], [95, 100, 52], **SETTINGS, sigma=0.25)
    cached = certify_cache(build_cache(SELECTION, ESTIMATION, **SETTINGS), sigma=0.25)
    for other in (hits, cached):
        np.testing.assert_array_equal(full.radius, other.radius)
        np.testing.assert_array_equal(full.predicted, other.predicted)


def test_no_inputs() -> None:
    empty = np.zeros((0, 3), dtype=int)
    assert len(certify_rs(empty, empty, **SETTINGS, sigma=1.0)) == 0


@pytest.mark.parametrize(
    ("selection", "estimation", "message"),
    [
        ([[10, 0], [9, 0]], [[100, 0], [100, 0]], "n0=10 in every row; row 1 sums to 9"),
        ([[10, 0], [9, 1]], [[100, 0], [100, 1]], "n=100 in every row; row 1 sums to 101"),
        ([[11, -1]], [[100, 0]], "row 0 sums to 10 with least entry -1"),
        ([[10, 0]], [[100, 0, 0]], r"one shape; got \(1, 2\) and \(1, 3\)"),
        ([10, 0], [100, 0], r"shape \(N, classes >= 2\); got \(2,\)"),
        ([[9.5, 0.5]], [[100, 0]], "must be integers; got 9.5"),
    ],
)
def test_refuses_bad_counts(selection, estimation, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        build_cache(selection, estimation, **SETTINGS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n0": 0}, "got n0=0, n=100"),
        ({"n": 0}, "got n0=10, n=0"),
        ({"alpha": 0.0}, "alpha must be in"),
        ({"n": 50}, r"hits must be in \[0, 50\]; got 60 in row 1"),
    ],
)
def test_refuses_bad_settings(changed: dict, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        build_cache_from_hits([0, 1], [50, 60], **{**SETTINGS, **changed})


def test_refuses_rows_that_do_not_match() -> None:
    with pytest.raises(InvalidSampleError, match=r"candidate \(1,\), hits \(2,\)"):
        build_cache_from_hits([0], [50, 60], **SETTINGS)


def test_refuses_abstention_as_a_candidate() -> None:
    with pytest.raises(InvalidSampleError, match="at least 0; got -1"):
        build_cache_from_hits([ABSTAIN], [50], **SETTINGS)


def test_refuses_bad_sigma() -> None:
    with pytest.raises(InvalidSampleError, match="sigma must be positive"):
        certify_rs(SELECTION, ESTIMATION, **SETTINGS, sigma=0.0)


def test_cache_refuses_a_certain_bound() -> None:
    one = np.ones(1, dtype=np.int64)
    with pytest.raises(InvalidSampleError, match="p_lower"):
        Cache(candidate=one, p_lower=np.ones(1), agree_counts=one, n0=1, n=1, alpha=0.1)


def rows(**changed) -> dict:
    base = {
        "predicted": np.array([2]),
        "candidate": np.array([2]),
        "p_lower": np.array([0.9]),
        "radius": np.array([0.3]),
        "n_samples": np.array([10]),
        "branch": np.array([0], dtype=np.uint8),
        "zeta_upper": np.array([np.nan]),
        "sigma": 0.25,
        "method": "rs",
        "claimed_failure": 0.001,
        "provable_failure": 0.001,
    }
    return {**base, **changed}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"radius": np.array([0.3, 0.1])}, r"one shape \(N,\); got .*radius \(2,\)"),
        ({"radius": np.array([np.inf])}, "finite"),
        ({"predicted": np.array([ABSTAIN])}, "radius must be 0"),
        ({"predicted": np.array([1])}, "only the candidate"),
    ],
)
def test_certificates_refuse_contradictions(changed: dict, message: str) -> None:
    with pytest.raises(InvalidSampleError, match=message):
        Certificates(**rows(**changed))


def test_no_function_here_takes_labels() -> None:
    functions = [
        value
        for name in irs_core.certify.__all__
        if inspect.isfunction(value := getattr(irs_core.certify, name))
    ]
    names = {name for each in functions for name in inspect.signature(each).parameters}
    assert len(functions) >= 8
    assert not [name for name in names if "label" in name or "truth" in name or "target" in name]


def test_importing_the_pure_packages_loads_neither_torch_nor_streamlit() -> None:
    code = (
        "import sys, irs_core.stats, irs_core.certify, irs_core.metrics;"
        "print(sorted({'torch', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bound_of_exactly_one_half_certifies_nothing():
    made = certificates_from_bounds(
        np.array([3, 3]),
        np.array([0.5, np.nextafter(0.5, 1)]),
        n_samples=np.array([10, 10]),
        branch=np.zeros(2, np.uint8),
        zeta_upper=np.full(2, np.nan),
        sigma=1.0,
        method="rs",
        claimed_failure=0.001,
        provable_failure=0.001,
    )
    assert made.predicted.tolist() == [ABSTAIN, 3]
