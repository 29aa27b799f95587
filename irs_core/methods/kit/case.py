"""One compressed classifier of a study under one choice of settings: what a method certifies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.certify import Cache, few_selected
from irs_core.methods.kit.counts import CompressedTally, StudyTally
from irs_core.spec.convention import TWO_SIDED
from irs_core.spec.settings import Settings


@dataclass(frozen=True, eq=False)
class Case:
    """What a method certifies. No label is used.

    Args:
        name: The compressed classifier's name in the study.
        rows: Inputs that are certified, (all inputs,).
        cache: What certifying f on them left behind.
    """

    name: str
    tally: StudyTally
    settings: Settings
    rows: NDArray[np.bool_]
    cache: Cache

    @property
    def counts(self) -> CompressedTally:
        """The classifier's counts, of all inputs."""
        return self.tally.compressed[self.name]

    @property
    def level(self) -> float:
        """Failure probability that a compressed classifier's certificate may spend."""
        return self.settings.alpha + self.settings.alpha_zeta

    @property
    def two_sided(self) -> bool:
        """Whether radii are two-sided where few selection draws gave the candidate."""
        return self.settings.convention == TWO_SIDED

    @property
    def few(self) -> NDArray[np.bool_]:
        """Inputs of which few of f's selection draws gave the candidate, of those certified."""
        return few_selected(self.tally.base.selected[self.rows], self.tally.n0)

    @property
    def budgets(self) -> tuple[int, ...]:
        """The study's n_p."""
        return tuple(int(one) for one in self.tally.budgets)
