"""What a found file is certified on: inputs and noise that no choice has seen."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec

from irs_core.data.base import select
from irs_core.spec.study import DataSpec
from irs_core.tune.fresh import fresh_spec, reused


def _positions(total: int, data: DataSpec) -> tuple[set[int], set[int]]:
    """Reported and held-out ones."""
    indices, reported = select(total, data)
    return set(indices[reported].tolist()), set(indices[~reported].tolist())


def test_without_held_out_images_inputs_lie_half_way_under_other_noise() -> None:
    spec = replace(synthetic_spec(), data=DataSpec("image-folder", "x", start=3, stride=20, max=10))
    fresh = fresh_spec(spec, n=700)
    assert (fresh.data.start, fresh.data.stride, fresh.data.max) == (13, 20, 10)
    assert fresh.noise.seed == spec.noise.seed + 1
    assert fresh.n == 700


@pytest.mark.parametrize(("holdout", "start"), [(60, 9), (100, 9), (200, 10)])
def test_images_that_ranked_layers_are_avoided(holdout: int, start: int) -> None:
    # Held-out images are evenly spaced: 100 of them all lie half-way, 200 beside that.
    data = DataSpec("image-folder", "x", stride=20, max=500, holdout=holdout)
    spec = replace(synthetic_spec(), data=data)
    before, held_out = _positions(10_000, data)
    fresh = fresh_spec(spec, n=700, held_out=held_out).data
    taken, none = _positions(10_000, fresh)
    assert fresh.start == start
    assert len(taken) == 500
    assert not none
    assert not taken & (before | held_out)


def test_those_that_cannot_be_avoided_are_counted() -> None:
    data = DataSpec(stride=4, holdout=50)
    spec = replace(synthetic_spec(), data=data)
    _, held_out = _positions(449, data)
    fresh = fresh_spec(spec, n=700, held_out=held_out).data
    taken, _ = _positions(449, fresh)
    assert reused(fresh, held_out) == len(taken & held_out) == 16


def test_at_every_input_there_are_no_others() -> None:
    data = DataSpec(start=2, max=60, holdout=10)
    fresh = fresh_spec(replace(synthetic_spec(), data=data), n=700).data
    assert fresh == replace(data, holdout=0)
    assert reused(fresh, np.arange(100).tolist()) == 60
