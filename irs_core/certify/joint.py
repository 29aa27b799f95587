"""CIRS with the joint bound: the level is not divided between the cached bound and the leave rate.

The method, its proof and its exact coverage are in docs/methods/cirs.md.
"""

import numpy as np
from numpy.typing import ArrayLike

from irs_core.certify.certificates import Branch, Certificates, certificates_from_bounds
from irs_core.certify.cirs import read_counts
from irs_core.certify.rs import Cache
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.stats.joint import JointLevels, joint_lower_bound


def certify_joint(
    cache: Cache,
    *,
    draws: ArrayLike,
    leavers: ArrayLike,
    fresh_hits: ArrayLike,
    threshold: ArrayLike,
    levels: JointLevels,
    sigma: float,
    pilot: int = 0,
) -> Certificates:
    """Certify a compressed classifier f^p as `certify_cirs` does, without a split of alpha.

    Let c be the candidate of the cache, A the draws on which f predicts c, p = P(A) and q the
    probability that f^p leaves c given A.

    - Cached hits k_A below `threshold` (incremental): P(f^p = c) is at least the least p (1 - q)
      over all p and q that k_A and the leavers leave open: q is at most the Clopper-Pearson bound
      at a level that rises with k_A where p is held fixed.
    - Otherwise (direct): it is at least the Clopper-Pearson bound of the fresh hits at alpha.

    Each certificate fails with probability at most `levels.alpha`. Given the cache an incremental
    bound fails with at most the level at the true p, whose mean over k_A is at most alpha. It is
    nondecreasing in k_A, so that its mean below a threshold is at most alpha as well, which is
    what a direct decision costs.

    Conditions, per input: those of `certify_cirs`, with `levels` and `threshold` in the place of
    its `threshold`, `a1` and `a2`: neither depends on the cached draws, nor on f^p's answers to
    the counted ones. `draws` may depend on the cached hits in any way.

    Args:
        cache, draws, leavers, fresh_hits, threshold, sigma, pilot: As of `certify_cirs`.
        levels: Made for `cache.n` draws; see `joint_levels`.

    Returns:
        Certificates of method `cirs`. `zeta_upper` is a bound on the leave rate that holds
        together with the certificate, NaN where direct or skipped.

    Raises:
        InvalidSampleError: Shapes differ, or a parameter or a used count is out of range.
    """
    counts = read_counts(cache, draws, leavers, fresh_hits, threshold, pilot)
    m, size = counts.draws, np.maximum(counts.draws, 1)
    used = ~counts.direct & (m > 0)
    bound = np.where(m > 0, binomial_lower_bound(counts.fresh_hits, size, levels.alpha), 0.0)
    bound[~counts.direct] = 0.0
    bound[used] = joint_lower_bound(
        cache.agree_counts[used], cache.n, counts.leavers[used], m[used], levels
    )
    leave = binomial_upper_bound(counts.leavers, size, float(levels.levels.min()))
    branch = np.where(counts.direct, Branch.DIRECT, Branch.INCREMENTAL)
    return certificates_from_bounds(
        cache.candidate,
        bound,
        n_samples=m + pilot,
        branch=np.where(m > 0, branch, Branch.SKIPPED).astype(np.uint8),
        zeta_upper=np.where(used, leave, np.nan),
        sigma=sigma,
        method="cirs",
        claimed_failure=levels.alpha,
        provable_failure=levels.alpha,
    )
