"""What a certifier returns: one row per input, as a struct of arrays."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import InvalidSampleError
from irs_core.spec.convention import ONE_SIDED, Convention
from irs_core.stats import certified_radius

ABSTAIN = -1


class Branch(IntEnum):
    """Which estimator decided about an input."""

    SCRATCH = 0
    """Draws of the certified classifier alone, nothing reused (RS, ISS)."""
    INCREMENTAL = 1
    """The cached bound, less an upper bound on the disagreement (IRS, p_lower below gamma) or
    times a lower bound on the share of it that stays (CIRS and `seq`, few cached hits)."""
    DIRECT = 2
    """Fresh draws of the compressed classifier (IRS, p_lower at least gamma; CIRS and `seq`,
    cached hits at least the threshold)."""
    SKIPPED = 3
    """No draws: the plan expects no radius from them (ISS, CIRS, `seq`)."""


@dataclass(frozen=True, eq=False)
class Certificates:
    """Certificates of N inputs; every array has shape (N,).

    A row that does not abstain claims that the smoothed classifier predicts `predicted`
    everywhere within L2 distance `radius` of the input. Each row on its own fails with
    probability at most `provable_failure` over its draws, where there is one, under the
    conditions that the certifier states; the rows of a set do not hold jointly at that level.

    Args:
        predicted: The certified class, int64; `ABSTAIN` where none is.
        candidate: The class that was tested, int64; also where it abstains.
        p_lower: Lower bound, in [0, 1), on the probability under noise that the certified
            classifier predicts `candidate`, float64.
        radius: Certified L2 radius in pixel units, float64; 0 where it abstains.
        n_samples: Forward passes of the certified classifier spent on the input, selection
            included, int64.
        branch: The estimator, a `Branch` as uint8.
        zeta_upper: Upper bound on the probability under noise that the base and the compressed
            classifier disagree (IRS), or that the compressed one leaves `candidate` given that
            the base predicts it (CIRS, `seq`), float64; NaN where it was not estimated.
        sigma: Standard deviation of the noise in pixel units.
        method: Name of the method.
        claimed_failure: Failure probability per input that the method's paper claims.
        provable_failure: Failure probability per input that is proven; None where nothing is.
        other_upper: Upper bound on the probability of every class but `candidate`, float64, where
            the radius is two-sided; NaN where it is one-sided. None where all are.
        convention: Of the radii. Under `two-sided` some rows may be one-sided, as `other_upper`
            says.

    Raises:
        InvalidSampleError: Shapes differ, or a row contradicts itself.
    """

    predicted: NDArray[np.int64]
    candidate: NDArray[np.int64]
    p_lower: NDArray[np.float64]
    radius: NDArray[np.float64]
    n_samples: NDArray[np.int64]
    branch: NDArray[np.uint8]
    zeta_upper: NDArray[np.float64]
    sigma: float
    method: str
    claimed_failure: float
    provable_failure: float | None
    other_upper: NDArray[np.float64] | None = None
    convention: Convention = ONE_SIDED

    def __post_init__(self) -> None:
        """Check the rows."""
        check_same_length(
            predicted=self.predicted,
            candidate=self.candidate,
            p_lower=self.p_lower,
            radius=self.radius,
            n_samples=self.n_samples,
            branch=self.branch,
            zeta_upper=self.zeta_upper,
        )
        if (self.other_upper is None) != (self.convention == ONE_SIDED):
            raise InvalidSampleError("two-sided certificates name their bounds on other classes")
        if self.other_upper is not None:
            check_same_length(radius=self.radius, other_upper=self.other_upper)
        if not np.all((self.radius >= 0) & np.isfinite(self.radius)):
            raise InvalidSampleError("every radius must be finite and at least 0")
        abstains = self.predicted == ABSTAIN
        if np.any(self.radius[abstains] != 0):
            raise InvalidSampleError("the radius must be 0 wherever the certifier abstains")
        if np.any(self.predicted[~abstains] != self.candidate[~abstains]):
            raise InvalidSampleError("only the candidate that was tested can be certified")

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.predicted)


def certificates_from_bounds(
    candidate: NDArray[np.int64],
    p_lower: NDArray[np.float64],
    *,
    n_samples: NDArray[np.int64],
    branch: NDArray[np.uint8],
    zeta_upper: NDArray[np.float64],
    sigma: float,
    method: str,
    claimed_failure: float,
    provable_failure: float | None,
) -> Certificates:
    """Certify each candidate whose `p_lower` is above 1/2; abstain on the others.

    Args and errors are those of `Certificates`; `predicted` and `radius` follow from them.
    """
    return Certificates(
        predicted=np.where(p_lower > 0.5, candidate, ABSTAIN),
        candidate=candidate,
        p_lower=p_lower,
        radius=certified_radius(p_lower, sigma),
        n_samples=n_samples,
        branch=branch,
        zeta_upper=zeta_upper,
        sigma=sigma,
        method=method,
        claimed_failure=claimed_failure,
        provable_failure=provable_failure,
    )


def check_same_length(**arrays: NDArray[np.generic]) -> None:
    """Refuse arrays that are not all of one shape (N,)."""
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InvalidSampleError(f"all arrays must have one shape (N,); got {listed}")
