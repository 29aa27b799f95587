"""What can be changed about a study without drawing again."""

from dataclasses import dataclass

from irs_core.spec.fields import check_gamma, check_probability
from irs_core.spec.study import StudySpec


@dataclass(frozen=True)
class Settings:
    """What can be changed without drawing again.

    Args:
        alpha: Failure probability of the bound on p_A.
        alpha_zeta: Failure probability of the bound on zeta. The baseline runs at their sum.
        gamma: Threshold on p_lower between the two estimators of IRS.
    """

    alpha: float
    alpha_zeta: float
    gamma: float

    def __post_init__(self) -> None:
        check_probability("alpha", self.alpha)
        check_probability("alpha_zeta", self.alpha_zeta)
        check_gamma(self.gamma)

    @classmethod
    def of(cls, spec: StudySpec) -> "Settings":
        """The settings that the study was started with."""
        return cls(spec.alpha, spec.alpha_zeta, spec.gamma)
