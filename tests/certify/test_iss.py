import numpy as np
import pytest
from scipy.stats import beta, binom, norm

from irs_core.certify import ABSTAIN, Branch, certify_iss
from irs_core.errors import InvalidSampleError
from irs_core.stats import iss_allocation

SETTINGS = {"k0": 20, "alpha": 0.1, "sigma": 0.5}


def test_certifies_on_the_further_draws() -> None:
    got = certify_iss([1, 2, 3], [19, 20, 8], [95, 7, 0], [100, 7, 0], **SETTINGS)
    bounds = [beta.ppf(0.1, 95, 6), 0.1 ** (1 / 7), 0.0]
    np.testing.assert_allclose(got.p_lower, bounds)
    np.testing.assert_array_equal(got.predicted, [1, 2, ABSTAIN])
    np.testing.assert_array_equal(got.branch, [Branch.SCRATCH, Branch.SCRATCH, Branch.SKIPPED])
    np.testing.assert_array_equal(got.n_samples, [120, 27, 20])
    assert (got.method, got.provable_failure) == ("iss", 0.1)


def test_as_published_counts_the_selection_draws_again() -> None:
    # The second size is below k0: all 20 selection draws count, none is made, nothing breaks.
    got = certify_iss([1, 2], [19, 20], [76, 0], [100, 7], **SETTINGS, reuse_selection=True)
    np.testing.assert_allclose(got.p_lower, [beta.ppf(0.1, 95, 6), 0.1 ** (1 / 20)])
    np.testing.assert_array_equal(got.n_samples, [100, 20])
    assert (got.claimed_failure, got.provable_failure) == (0.1, None)


def _failure(p: float, *, k0: int, k_max: int, alpha: float, reuse: bool) -> float:
    """Probability that the bound is above p, with two classes: the top one of k0 is certified."""
    first = np.arange(k0 + 1)
    top = np.maximum(first, k0 - first)
    sizes = iss_allocation(top, k0=k0, k_max=k_max, sigma=1.0, alpha=alpha, decline=0.3)
    total = 0.0
    for drawn in first:
        share = p if drawn >= k0 - drawn else 1 - p
        size = int(sizes[drawn])
        further = max(size - k0, 0) if reuse else size
        hits = np.arange(further + 1)
        got = certify_iss(
            np.zeros_like(hits),
            np.full_like(hits, top[drawn]),
            hits,
            np.full_like(hits, size),
            k0=k0,
            alpha=alpha,
            sigma=1.0,
            reuse_selection=reuse,
        )
        wrong = (got.predicted != ABSTAIN) & (got.p_lower > share)
        total += binom.pmf(drawn, k0, p) * binom.pmf(hits, further, share)[wrong].sum()
    return float(total)


@pytest.mark.parametrize("p", np.linspace(0.5, 0.99, 30))
def test_disjoint_draws_keep_the_guarantee(p: float) -> None:
    assert _failure(p, k0=12, k_max=60, alpha=0.1, reuse=False) <= 0.1 * (1 + 1e-9)


def test_reused_draws_break_it() -> None:
    shares = np.linspace(0.5, 0.6, 40)
    worst = max(_failure(p, k0=12, k_max=20, alpha=0.1, reuse=True) for p in shares)
    assert worst > 0.14


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(InvalidSampleError, match="further draws"):
        certify_iss([1], [20], [8], [7], **SETTINGS)
    with pytest.raises(InvalidSampleError, match="selection_hits"):
        certify_iss([1], [21], [7], [7], **SETTINGS)
    with pytest.raises(InvalidSampleError, match="sizes"):
        certify_iss([1], [20], [0], [-1], **SETTINGS)


def test_radii_fall_by_at_most_the_decline_where_the_interval_covers() -> None:
    k0, k_max, alpha, sigma, decline = 100, 10_000, 0.001, 0.5, 0.1
    shares = np.linspace(0, 1, 401)
    counts = np.arange(k0 + 1)
    settings = {"k_max": k_max, "alpha": alpha, "sigma": sigma, "decline": decline}
    sizes = iss_allocation(counts, k0=k0, **settings)
    low = np.where(counts > 0, beta.ppf(alpha / 2, counts, k0 - counts + 1), 0)
    high = np.where(counts < k0, beta.ppf(1 - alpha / 2, counts + 1, k0 - counts), 1)

    def radius(p: np.ndarray, n: float) -> np.ndarray:
        bound = np.where(p > 0, beta.ppf(alpha, np.maximum(p * n, 1e-9), n - p * n + 1), 0)
        return sigma * norm.ppf(np.maximum(bound, 0.5))

    wanted = radius(shares, k_max)
    for count, size in zip(counts, sizes, strict=True):
        inside = (shares >= low[count]) & (shares <= high[count])
        got = radius(shares, int(size)) if size else 0 * shares
        assert (wanted - got)[inside].max() <= decline + 1e-9
