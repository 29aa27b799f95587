"""What can be changed about a study without drawing again."""

from dataclasses import dataclass, replace

from irs_core.errors import SpecError
from irs_core.spec.convention import CONVENTIONS, ONE_SIDED, Convention
from irs_core.spec.fields import check_gamma, check_probability
from irs_core.spec.study import StudySpec


@dataclass(frozen=True)
class Settings:
    """What can be changed without drawing again.

    Args:
        alpha: Failure probability of the bound on p_A.
        alpha_zeta: Failure probability of the bound on zeta. The baseline runs at their sum.
        gamma: Threshold on p_lower between the two estimators of IRS.
        convention: Of the radii.
    """

    alpha: float
    alpha_zeta: float
    gamma: float
    convention: Convention = ONE_SIDED

    def __post_init__(self) -> None:
        check_probability("alpha", self.alpha)
        check_probability("alpha_zeta", self.alpha_zeta)
        check_gamma(self.gamma)
        if self.convention not in CONVENTIONS:
            raise SpecError(f"radii must be {' or '.join(CONVENTIONS)}; got {self.convention!r}")

    @property
    def one_sided(self) -> "Settings":
        """The same with one-sided radii."""
        return replace(self, convention=ONE_SIDED)

    @classmethod
    def of(cls, spec: StudySpec) -> "Settings":
        """The settings that the study was started with."""
        return cls(spec.alpha, spec.alpha_zeta, spec.gamma, spec.convention)
