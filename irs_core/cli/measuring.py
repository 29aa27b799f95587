"""Measure sensitivities with a bar on stderr."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from irs_core.spec.mixed import Treatment
from irs_core.spec.study import NoiseSpec
from irs_core.tune.record import Sensitivity

if TYPE_CHECKING:
    from irs_core.models import LoadedModel
    from irs_core.tune.images import ApartImages


def measured(
    model: "LoadedModel",
    images: "ApartImages",
    treatments: Sequence[Treatment],
    *,
    noise: NoiseSpec,
    radius: float,
    draws: int,
    weights: str,
    groups: bool = False,
    times: bool = False,
) -> Sensitivity:
    """Sensitivities, with a bar on stderr."""
    from tqdm import tqdm

    from irs_core.tune.changes import every_change
    from irs_core.tune.sensitivity import measure

    changes = every_change(model.module, treatments, groups=groups)
    with tqdm(unit="image", file=sys.stderr, desc=f"{len(changes)} changes") as bar:

        def step(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return measure(
            model,
            images,
            changes,
            noise=noise,
            radius=radius,
            draws=draws,
            weights=weights,
            times=times,
            on_progress=step,
        )
