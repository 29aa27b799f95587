"""ACR over thresholds gamma, on the inputs held out for that question."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import Interval


@dataclass(frozen=True)
class Sweep:
    """ACR of IRS over thresholds, on the inputs held out for it."""

    gammas: NDArray[np.float64]
    acr: tuple[Interval, ...]

    @property
    def best(self) -> int:
        """Position of the highest ACR; of equal ones, the middle of the first run."""
        values = np.array([one.value for one in self.acr])
        # Equal ACR for neighbouring thresholds is common: no input's p_A lies between them.
        top = np.flatnonzero(values >= values.max() - 1e-12)
        run = top[: np.argmax(np.diff(top, append=top[-1] + 2) > 1) + 1]
        return int(run[len(run) // 2])


def swept(held_out: Analysis, name: str, budget: int) -> Sweep:
    """The sweep of one compressed model at one budget.

    Args:
        held_out: Of the inputs held out for tuning, at the gamma in use.
    """
    gammas = sweep_gammas(held_out.settings.gamma)
    return Sweep(gammas, tuple(held_out.gamma_sweep(name, [float(one) for one in gammas], budget)))


def sweep_gammas(study_gamma: float) -> NDArray[np.float64]:
    """Thresholds to try: closer together towards 1, where p_A bounds gather."""
    coarse = np.linspace(0.55, 0.95, 9)
    fine = np.array([0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9975, 0.999, 1.0])
    return np.unique(np.round(np.concatenate([coarse, fine, [study_gamma]]), 6))
