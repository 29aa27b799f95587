"""Small units run together, so that a predictor's batches are full. Free of torch.

A unit with chosen draws may hold fewer than a batch, which is padded: on a GPU, whose batches hold
thousands, most of the work would be padding. Units of one chunk stand side by side, and what is
run together is split again. Where a predictor runs several batches at once, some cores wait for
the last one of what runs together.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Predictor
from irs_core.run.plan import Unit

# Images of so many units are held at once.
MOST_UNITS = 64
# What pads the last batch, and waiting for it, is then a small part.
BATCHES = 16


@dataclass(frozen=True)
class Joint:
    """Units as one: draws [start, stop) of one chunk, rows one below the other.

    Args:
        rows, masks: Per need, as in `Unit`.
        places: The rows of each unit.
    """

    units: tuple[Unit, ...]
    start: int
    stop: int
    rows: tuple[NDArray[np.bool_], ...]
    masks: tuple[NDArray[np.bool_] | None, ...]
    places: tuple[slice, ...]

    @property
    def draws(self) -> int:
        """Predictions that are computed."""
        return sum(one.draws for one in self.units)

    def part(self, number: int, classes: NDArray[np.int64]) -> NDArray[np.int64]:
        """A unit's part of what was predicted for all."""
        unit = self.units[number]
        return classes[self.places[number], unit.start - self.start : unit.stop - self.start]


def bundled(
    units: Sequence[Unit], predictors: Mapping[str, Predictor]
) -> Iterator[tuple[Unit, ...]]:
    """The units in their order, those together that fill too few batches of some predictor."""
    together = list[Unit]()
    for unit in units:
        if together and not (_alike(together[0], unit) and _lacking(together, predictors)):
            yield tuple(together)
            together = []
        together.append(unit)
    if together:
        yield tuple(together)


def joined(units: tuple[Unit, ...]) -> Joint:
    """Units of one chunk and the same needs as one."""
    start, stop = min(one.start for one in units), max(one.stop for one in units)
    edges = np.cumsum([0, *(len(one.rows[0]) for one in units)])
    places = tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(edges))
    needs = range(len(units[0].needs))
    return Joint(
        units,
        start,
        stop,
        tuple(np.concatenate([one.rows[need] for one in units]) for need in needs),
        tuple(_mask(units, need, start, stop) for need in needs),
        places,
    )


def _mask(units: tuple[Unit, ...], need: int, start: int, stop: int) -> NDArray[np.bool_] | None:
    if all(one.masks[need] is None and (one.start, one.stop) == (start, stop) for one in units):
        return None
    parts = []
    for one in units:
        whole = np.zeros((len(one.rows[need]), stop - start), np.bool_)
        own, mask = whole[:, one.start - start : one.stop - start], one.masks[need]
        own[...] = one.rows[need][:, None] if mask is None else mask
        parts.append(whole)
    return np.concatenate(parts)


def _alike(one: Unit, other: Unit) -> bool:
    names = [[need.name for need in unit.needs] for unit in (one, other)]
    return (one.stream, one.at.chunk) == (other.stream, other.at.chunk) and names[0] == names[1]


def _lacking(units: Sequence[Unit], predictors: Mapping[str, Predictor]) -> bool:
    if len(units) >= MOST_UNITS:
        return False
    counts = np.sum([one.draws_by_need for one in units], axis=0)
    return any(
        count < BATCHES * int(getattr(predictors[need.name], "batch", 1))
        for need, count in zip(units[0].needs, counts, strict=True)
    )
