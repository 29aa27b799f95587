"""Average sample size and ACR of ISS on per-image results in the format of Cohen et al. 2019.

    python benchmarks/iss_published.py FILE.tsv SIGMA

The probability of the top class is taken as Phi(radius / sigma), so the table shows what ISS would
spend on a network with such probabilities, not what it spent on the network of its own paper.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri

from irs_core.certify import certify_iss
from irs_core.stats import binomial_lower_bound, binomial_upper_bound, iss_allocation

ALPHA, SHARE = 0.001, 0.01


def planned_radius(p: np.ndarray, draws: np.ndarray | int, sigma: float) -> np.ndarray:
    """Radius at a share of exactly p hits; 0 for no draws."""
    n = np.maximum(draws, 1)
    bound = betaincinv(np.maximum(p * n, 1e-9), n - p * n + 1, ALPHA)
    return np.where(np.asarray(draws) > 0, sigma * ndtri(np.maximum(bound, 0.5)), 0.0)


def row(p: np.ndarray, right: np.ndarray, sigma: float, k_max: int, decline: float) -> str:
    """One line: average size, measured decline, ACR of ISS and of IAS at the same average."""
    rng = np.random.default_rng(0)
    k0 = int(SHARE * k_max)
    selected = rng.binomial(k0, p)
    sizes = iss_allocation(selected, k0=k0, k_max=k_max, sigma=sigma, alpha=ALPHA, decline=decline)
    low = binomial_lower_bound(selected, k0, ALPHA / 2)
    high = binomial_upper_bound(selected, k0, ALPHA / 2)
    covered = (low <= p) & (p <= high)
    lost = planned_radius(p, k_max, sigma) - planned_radius(p, sizes, sigma)
    made = certify_iss(
        np.zeros_like(sizes),
        selected,
        rng.binomial(sizes, p),
        sizes,
        k0=k0,
        alpha=ALPHA,
        sigma=sigma,
    )
    average = int(made.n_samples.mean())
    equal = binomial_lower_bound(rng.binomial(average, p), average, ALPHA)
    ias = (sigma * ndtri(np.maximum(equal, 0.5)) * right).mean()
    return (
        f"| {k_max:,} | {decline} | {average:,} | {sizes.mean():,.0f} | "
        f"{lost[covered].max():.4f} | "
        f"{covered.sum()} of {len(p)} | {(made.radius * right).mean():.3f} | {ias:.3f} |"
    )


def main() -> None:
    """Print the table."""
    path, sigma = Path(sys.argv[1]), float(sys.argv[2])
    columns = np.genfromtxt(path, names=True, dtype=None, delimiter="\t", encoding="utf-8")
    abstains = columns["predict"] == -1
    p = np.where(abstains, 0.5, ndtr(columns["radius"] / sigma))
    print(
        "| k_max | U_AD | draws, k0 included | mean k_hat | largest decline | covered | ACR | IAS |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for k_max in (100_000, 500_000):
        for decline in (0.05, 0.1):
            print(row(p, columns["correct"] == 1, sigma, k_max, decline))


if __name__ == "__main__":
    main()
