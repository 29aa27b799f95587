from math import inf

import numpy as np
import pytest
from scipy.stats import beta, norm

from irs_core.errors import InvalidSampleError, UnknownKeyError
from irs_core.stats import iss_allocation, iss_sample_sizes

SETTINGS = {"k_max": 300, "sigma": 0.5, "alpha": 0.01}


def _algorithm_1(
    p: float, k_max: int, sigma: float, alpha: float, decline: float, kind: str
) -> int:
    """Algorithm 1 of ISS for one p, literally: try k = 1, 2, ... in turn."""

    def radius(k: int) -> float:
        return float(sigma * norm.ppf(beta.ppf(alpha, p * k, k - p * k + 1))) if p else -inf

    wanted = radius(k_max)
    least = wanted - decline if kind == "AD" else (1 - decline) * wanted
    if least <= 0:
        return 0
    return next(k for k in range(1, k_max + 1) if radius(k) >= least)


@pytest.mark.parametrize(("kind", "decline"), [("AD", 0.1), ("AD", 0.3), ("RD", 0.05), ("RD", 0.4)])
def test_equals_the_published_loop(kind: str, decline: float) -> None:
    grid = np.linspace(0, 1, 41)
    got = iss_sample_sizes(grid, **SETTINGS, decline=decline, kind=kind)  # type: ignore[arg-type]
    literal = [_algorithm_1(p, 300, 0.5, 0.01, decline, kind) for p in grid]
    np.testing.assert_array_equal(got, literal)


def test_sizes_are_least_at_full_size() -> None:
    p = np.arange(1, 1000) / 1000
    got = iss_sample_sizes(p, k_max=500_000, sigma=0.25, alpha=0.001, decline=0.05)
    used = got > 0

    def radius(k: np.ndarray) -> np.ndarray:
        return 0.25 * norm.ppf(beta.ppf(0.001, p[used] * k, k - p[used] * k + 1))

    wanted = radius(np.full(used.sum(), 500_000)) - 0.05
    assert (radius(got[used]) >= wanted - 1e-9).all()
    assert (radius(got[used] - 1) < wanted + 1e-9).all()
    assert not used[p <= 0.5].any()


def test_allocation_takes_the_larger_end() -> None:
    hits = np.array([50, 99, 100, 60])
    got = iss_allocation(hits, k0=100, **SETTINGS, decline=0.1)
    for count, size in zip(hits, got, strict=True):
        low = beta.ppf(0.005, count, 101 - count)
        high = beta.ppf(0.995, count + 1, 100 - count) if count < 100 else 1.0
        ends = iss_sample_sizes([low, high], **SETTINGS, decline=0.1)
        assert size == ends.max()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"decline": 0.0}, InvalidSampleError),
        ({"decline": 1.0, "kind": "RD"}, InvalidSampleError),
        ({"kind": "XD"}, UnknownKeyError),
        ({"k_max": 0}, InvalidSampleError),
        ({"alpha": 0.0}, InvalidSampleError),
        ({"sigma": 0.0}, InvalidSampleError),
        ({"p_grid": [1.1]}, InvalidSampleError),
    ],
)
def test_refuses_what_is_out_of_range(changes: dict[str, object], error: type[Exception]) -> None:
    given = {"p_grid": [0.5], **SETTINGS, "decline": 0.1}
    with pytest.raises(error):
        iss_sample_sizes(**(given | changes))  # type: ignore[arg-type]
