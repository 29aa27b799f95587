"""Input-specific sampling (ISS): from scratch, with as many draws as the input is worth."""

import numpy as np
from numpy.typing import ArrayLike

from irs_core.certify.certificates import (
    Branch,
    Certificates,
    certificates_from_bounds,
    check_same_length,
)
from irs_core.certify.rs import check_hits
from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound
from irs_core.stats.binomial import check_alpha, integers


def certify_iss(
    candidate: ArrayLike,
    selection_hits: ArrayLike,
    hits: ArrayLike,
    sizes: ArrayLike,
    *,
    k0: int,
    alpha: float,
    sigma: float,
    reuse_selection: bool = False,
) -> Certificates:
    """Certify with a sample size per input.

    By default a certificate rests on draws of which the selection saw nothing, and fails with
    probability at most `alpha` per input: given the selection draws, the class and the size are
    fixed, and `hits` is binomial. Conditions: `candidate` and `sizes` are functions of the `k0`
    selection draws alone (see `irs_core.stats.iss_allocation`), and the `sizes` further draws are
    independent of them.

    With `reuse_selection` the rule is as published: the selection draws, which chose the class
    and the sample size, count again in the bound. Nothing is proven for it, so
    `provable_failure` is None.

    Args:
        candidate: Top class of the selection draws, shape (N,).
        selection_hits: Selection draws, of `k0`, that gave it, shape (N,); used only with
            `reuse_selection`.
        hits: Of the further draws, how many gave the candidate, shape (N,).
        sizes: The sample sizes k_hat, at least 0, shape (N,); 0 abstains. By default that many
            further draws were made; with `reuse_selection` max(k_hat - k0, 0).
        k0: Selection draws per input, at least 1.
        alpha: Failure probability, in (0, 1).
        sigma: Standard deviation of the noise in pixel units, positive.
        reuse_selection: As published; see above.

    Returns:
        Certificates of method `iss`; `n_samples` counts the selection draws.

    Raises:
        InvalidSampleError: Shapes differ or a value is out of range.

    Source:
        ISS, Algorithm 2.
    """
    tested, found = integers("candidate", candidate), integers("hits", hits)
    first, size = integers("selection_hits", selection_hits), integers("sizes", sizes)
    check_same_length(candidate=tested, selection_hits=first, hits=found, sizes=size)
    check_alpha(alpha)
    if k0 < 1 or np.any(size < 0):
        raise InvalidSampleError(f"need k0 >= 1 and sizes >= 0; got k0={k0} and {size.min()}")
    check_hits("selection_hits", first, k0)
    drawn = np.maximum(size - k0, 0) if reuse_selection else size
    if np.any((found < 0) | (found > drawn)):
        raise InvalidSampleError("hits must be in [0, further draws of the input]")
    # A size below k0 leaves the selection draws whole: they are all there, and all count.
    used, counted = (drawn + k0, found + first) if reuse_selection else (drawn, found)
    skipped = size == 0
    bound = binomial_lower_bound(np.where(skipped, 0, counted), np.maximum(used, 1), alpha)
    return certificates_from_bounds(
        tested,
        bound,
        n_samples=k0 + drawn,
        branch=np.where(skipped, Branch.SKIPPED, Branch.SCRATCH).astype(np.uint8),
        zeta_upper=np.full(len(tested), np.nan),
        sigma=sigma,
        method="iss",
        claimed_failure=alpha,
        provable_failure=None if reuse_selection else alpha,
    )
