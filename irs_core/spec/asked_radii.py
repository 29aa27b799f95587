"""Rules about the radii at which the method `seq` asks."""

import math
from collections.abc import Sequence

from irs_core.errors import SpecError
from irs_core.spec.convention import ONE_SIDED, Convention


def check_radii(methods: Sequence[str], radii: Sequence[float], tolerance: float) -> None:
    """Refuse radii without the method, the method without radii, and those out of order.

    Raises:
        SpecError: A rule is broken.
    """
    if ("seq" in methods) != bool(radii):
        raise SpecError(
            "the method seq needs one radius or more, and no other method takes any; "
            f"got radii {radii} with {', '.join(methods)}"
        )
    if list(radii) != sorted(set(radii)) or not all(0 < r < math.inf for r in radii):
        raise SpecError(f"radii must be positive, finite and increasing; got {radii}")
    if not 0 <= tolerance <= min(radii, default=0.0):
        raise SpecError(
            f"tolerance must be between 0 and the least radius; got {tolerance} for {radii}"
        )


def check_alone(methods: Sequence[str], tolerance: float, convention: Convention) -> None:
    """Refuse what has no meaning where the original alone is certified at radii.

    Raises:
        SpecError: A rule is broken.
    """
    if tuple(methods) != ("seq",) or tolerance or convention != ONE_SIDED:
        raise SpecError(
            "seq without compressions certifies the original alone: no other method, no tolerance "
            f"and one-sided radii; got {', '.join(methods)}, tolerance {tolerance:g} and "
            f"{convention} radii"
        )
