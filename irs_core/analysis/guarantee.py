"""With which probability the certificates of a study fail, as claimed and as proven."""

from dataclasses import dataclass

from irs_core import methods
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec


@dataclass(frozen=True)
class Guarantee:
    """Failure probability per input of every certificate of a study.

    Args:
        claimed: As the methods' papers say.
        proven: As is proven for the weakest method that the study draws for; 1 where nothing is,
            since the noise has no proof of its radius.
    """

    claimed: float
    proven: float

    @property
    def sentence(self) -> str:
        """Both in words, without a full stop."""
        said = f"failure probability per input {self.claimed:g}"
        if self.proven == self.claimed:
            return f"{said}, proven"
        if self.proven < 1:
            return f"{said} as published, {self.proven:g} proven in the worst case"
        return f"{said} as claimed for discrete noise, whose full radius is not proven"


def study_guarantee(spec: StudySpec, settings: Settings) -> Guarantee:
    """What the certificates of a study promise under the given levels.

    The original alone fails with probability alpha. Compressed classifiers share
    alpha + alpha_zeta under every method; for IRS as published alpha + 2 alpha_zeta is proven (see
    `certify_irs`). Under `discrete` noise the radius itself is only claimed; see `describe_noise`.
    """
    claimed = settings.alpha + (settings.alpha_zeta if spec.compressions else 0.0)
    proven = claimed
    if spec.compressions:
        proven = max(method.proven(settings) for method in methods.asked(spec))
    return Guarantee(claimed, 1.0 if spec.noise.kind == "discrete" else proven)
