"""Inputs and noise that no choice of a search has seen, to certify anew what it found."""

from collections.abc import Collection
from dataclasses import replace

from irs_core.spec.study import DataSpec, StudySpec


def fresh_spec(spec: StudySpec, *, n: int, held_out: Collection[int] = ()) -> StudySpec:
    """The inputs and the noise on which what a search found is certified anew.

    The noise has another seed. Where inputs are taken at a stride, others between them are taken:
    those with the fewest held-out images, and of these the ones nearest to half-way. Else they are
    the same inputs. `reused` counts what the search may have seen of them.

    Args:
        n: Draws of the original per input.
        held_out: Positions of held-out images in the split: layers are ranked on them.
    """
    data, noise = spec.data, spec.noise
    offsets = range(1, data.stride) or [0]
    half = data.stride // 2
    moved = [replace(data, start=data.start + one, holdout=0) for one in offsets]
    best = min(moved, key=lambda one: (reused(one, held_out), abs(one.start - data.start - half)))
    return replace(spec, data=best, noise=replace(noise, seed=noise.seed + 1), n=n, n_p=(1,))


def reused(data: DataSpec, positions: Collection[int]) -> int:
    """How many of these positions in a split are among the reported ones of a specification."""
    places = [divmod(one - data.start, data.stride) for one in positions]
    return sum(
        rest == 0 and turn >= 0 and (data.max is None or turn < data.max) for turn, rest in places
    )
