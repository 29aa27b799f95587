"""Original and compressed model at equal draws, paired input by input.

A gap between the original at n draws and the compressed model at n_p draws has two causes: fewer
draws, which would lower the original's radii just as well, and compression. Only the second says
anything about the compressed model.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.decide.betting import bounded_mean_interval, surely_above
from irs_core.errors import InvalidSampleError
from irs_core.metrics import mean_intervals
from irs_core.stats import binomial_lower_bound, binomial_upper_bound

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A mean difference over inputs; positive where something is lost.

    Args:
        mean: Over the inputs at hand.
        low, high: 95% interval over other inputs of the same kind, by resampling inputs:
            it describes, and proves nothing.
        sure_low, sure_high: Guaranteed interval of the population mean; misses it with
            probability at most `beta`.
        beta: That failure probability.
    """

    mean: float
    low: float
    high: float
    sure_low: float
    sure_high: float
    beta: float


@dataclass(frozen=True)
class Gap:
    """One number of the original at n draws less that of the compressed model at n_p draws.

    Args:
        name: `ACR`, or `CA(r)` with the radius.
        full: The original at its n draws.
        equal: The original at its first n_p draws.
        compressed: The compressed model at n_p draws.
        fewer_draws: full - equal, what fewer draws cost.
        compression: equal - compressed, what compression costs.
    """

    name: str
    full: float
    equal: float
    compressed: float
    fewer_draws: Difference
    compression: Difference


def split_gap(
    full: ArrayLike,
    equal: ArrayLike,
    compressed: ArrayLike,
    *,
    most: float,
    radii: tuple[float, ...] = (),
    beta: float = 0.05,
    seed: int = 0,
    shared_noise: bool = False,
) -> tuple[Gap, ...]:
    """Split the gaps in ACR and in certified accuracy into draws and compression.

    Each interval holds by itself; together they fail with the sum of their probabilities. They need
    inputs whose noise is their own: where inputs share draws, one unlucky set moves all of them,
    and nothing but the range is guaranteed.

    Args:
        full: Radii of f at n draws, 0 where wrong or abstaining, shape (N,), in the order in
            which the inputs were fixed.
        equal: The same of f at its first n_p draws.
        compressed: The same of f^p at n_p draws.
        most: Largest radius that n draws can certify, pixel units: the range of a radius.
        radii: Where certified accuracy (radius strictly above) is compared.
        beta: Failure probability of each guaranteed interval.
        seed: Of the resampling for the descriptive intervals.
        shared_noise: Whether inputs share draws of the noise.

    Returns:
        One `Gap` for ACR and one per radius.

    Raises:
        InvalidSampleError: Shapes differ, there is no input, or a radius is outside [0, most].
    """
    one, two, three = _checked(most, full=full, equal=equal, compressed=compressed)
    sure = None if shared_noise else beta
    gaps = [_gap("ACR", one, two, three, most, sure, seed)]
    for radius in radii:
        above = [(part > radius).astype(np.float64) for part in (one, two, three)]
        gaps.append(_gap(f"CA({radius:g})", above[0], above[1], above[2], 1.0, sure, seed))
    return tuple(gaps)


def share_difference(
    gained: int, lost: int, inputs: int, *, beta: float = 0.05
) -> tuple[float, float]:
    """Interval of P(gained) - P(lost) over inputs, from paired counts.

    Misses the difference with probability at most `beta`, whatever the dependence: two
    Clopper-Pearson intervals at half of it each.

    Args:
        gained: Inputs that only the second model has.
        lost: Inputs that only the first model has.
        inputs: Number of inputs, at least 1.
        beta: Failure probability of the interval.

    Raises:
        InvalidSampleError: A count is out of range.
    """
    if gained + lost > inputs:
        raise InvalidSampleError(f"gained and lost exceed {inputs} inputs; got {gained}, {lost}")
    counts = np.array([gained, lost])
    low = binomial_lower_bound(counts, inputs, beta / 4)
    high = binomial_upper_bound(counts, inputs, beta / 4)
    return float(low[0] - high[1]), float(high[0] - low[1])


def lost_inputs(
    full: ArrayLike, equal: ArrayLike, compressed: ArrayLike, *, radius: float, most: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Inputs that are lost at a radius through fewer draws, and through compression.

    Args:
        full, equal, compressed, most: As for `split_gap`.
        radius: An input is there where its radius is strictly above.

    Returns:
        Where f has it at n draws and not at n_p; where f has it at n_p draws and f^p has not.
        Each of shape (N,).
    """
    one, two, three = _checked(most, full=full, equal=equal, compressed=compressed)
    return (one > radius) & (two <= radius), (two > radius) & (three <= radius)


def dominated(
    radii: Mapping[str, ArrayLike],
    cost: Mapping[str, float],
    *,
    most: float,
    beta: float = 0.05,
) -> dict[str, tuple[str, ...]]:
    """By which other models each one is dominated.

    A model is dominated by one that costs no more and whose mean radius is larger by a paired
    test. With probability at least 1 - `beta` all of these statements hold together (a share of
    `beta` for each ordered pair), so that equal models are rarely called worse. Inputs must have
    noise of their own.

    Args:
        radii: Counted radii at equal draws by model, each of shape (N,).
        cost: Time, size or draws by model; smaller is better.
        most: As for `split_gap`.
        beta: Failure probability of all statements together.
    """
    names = list(radii)
    parts = dict(zip(names, _checked(most, **dict(radii)), strict=True)) if names else {}
    pairs = max(1, len(names) * (len(names) - 1))
    found: dict[str, tuple[str, ...]] = {}
    for worse in names:
        better = []
        for other in names:
            if other == worse or cost[other] > cost[worse]:
                continue
            difference = parts[other] - parts[worse]
            if surely_above(difference, 0.0, low=-most, high=most, beta=beta / pairs):
                better.append(other)
        found[worse] = tuple(better)
    return found


def _gap(
    name: str,
    full: Floats,
    equal: Floats,
    compressed: Floats,
    most: float,
    beta: float | None,
    seed: int,
) -> Gap:
    columns = np.stack([full - equal, equal - compressed], axis=1)
    low, high = mean_intervals(columns, seed=seed)
    parts = []
    for at in range(2):
        sure = (-most, most)
        if beta is not None:
            sure = bounded_mean_interval(columns[:, at], low=-most, high=most, beta=beta)
        mean = float(columns[:, at].mean())
        parts.append(Difference(mean, float(low[at]), float(high[at]), *sure, beta or 0.0))
    means = (float(full.mean()), float(equal.mean()), float(compressed.mean()))
    return Gap(name, *means, fewer_draws=parts[0], compression=parts[1])


def _checked(most: float, **radii: ArrayLike) -> list[Floats]:
    arrays = {name: np.asarray(one, np.float64) for name, one in radii.items()}
    shapes = {name: one.shape for name, one in arrays.items()}
    first = next(iter(shapes.values()))
    if len(set(shapes.values())) != 1 or len(first) != 1 or first[0] == 0:
        raise InvalidSampleError(f"radii must share one shape (N,), N >= 1; got {shapes}")
    if not most > 0:
        raise InvalidSampleError(f"most must be positive; got {most}")
    for name, one in arrays.items():
        if not np.all((one >= 0) & (one <= most)):
            raise InvalidSampleError(
                f"every radius of {name} must be in [0, {most}]; got {one.min()} to {one.max()}"
            )
    return list(arrays.values())
