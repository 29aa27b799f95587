import numpy as np
import pytest

from irs_core.data import load_dataset
from irs_core.data.base import data_digest, select
from irs_core.data.load import evenly
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec


def test_start_stride_max():
    indices, reported = select(100, DataSpec(start=3, stride=20, max=4))
    assert indices.tolist() == [3, 23, 43, 63]
    assert reported.all()


def test_held_out_inputs_are_not_reported_ones():
    indices, reported = select(100, DataSpec(stride=3, holdout=20))
    assert len(set(indices.tolist())) == len(indices)
    assert np.array_equal(indices[reported], np.arange(0, 100, 3))


def test_held_out_inputs_ascend_and_spread_evenly():
    indices, reported = select(1000, DataSpec(max=500, holdout=50))
    assert np.array_equal(np.diff(indices[~reported]), np.full(49, 10))


def test_everything_that_remains_can_be_held_out():
    indices, _ = select(10, DataSpec(stride=2, holdout=5))
    assert sorted(indices.tolist()) == list(range(10))


def test_too_many_to_hold_out():
    with pytest.raises(DatasetError, match=r"at most the 5 .* got 6"):
        select(10, DataSpec(stride=2, holdout=6))


def test_start_beyond_the_end():
    with pytest.raises(DatasetError, match="below the 10"):
        select(10, DataSpec(start=10))


@pytest.mark.parametrize(
    ("spec", "most", "chosen"),
    [
        (DataSpec(), 3, [0, 149, 298]),
        # Of those that the specification selects, not of all there are.
        (DataSpec(start=5, stride=2, max=9, holdout=4), 3, [5, 11, 17]),
        (DataSpec(max=4), 10, [0, 1, 2, 3]),
        (DataSpec(max=4), None, [0, 1, 2, 3]),
    ],
)
def test_a_few_are_evenly_spaced_over_what_is_reported(spec, most, chosen):
    indices, reported = select(449, evenly(spec, most))
    assert indices[reported].tolist() == chosen


def test_digest_changes_with_one_pixel():
    data = load_dataset(DataSpec(max=3))
    pixels = data.pixels.copy()
    pixels[2, 0, 4, 4] ^= 1
    assert data.digest == data_digest(data.pixels, data.scale, data.indices)
    assert data.digest != data_digest(pixels, data.scale, data.indices)


def test_digest_changes_with_the_positions():
    assert load_dataset(DataSpec(max=3)).digest != load_dataset(DataSpec(max=4)).digest


def test_digest_changes_with_the_scale():
    data = load_dataset(DataSpec(max=3))
    assert data.digest != data_digest(data.pixels, 2 * data.scale, data.indices)
