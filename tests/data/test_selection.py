import numpy as np
import pytest

from irs_core.data import load_dataset
from irs_core.data.base import data_digest, select, spaced
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


@pytest.mark.parametrize(("total", "most"), [(99, 50), (400, 300), (7, 7), (7, 20), (50_000, 9)])
def test_a_few_are_one_out_of_each_equal_part(total, most):
    found, count = spaced(total, most), min(total, most)
    assert len(found) == count
    for at, one in enumerate(found):
        assert at * total // count <= one < (at + 1) * total // count
    assert np.array_equal(found, spaced(total, most))


@pytest.mark.parametrize("labels", [np.repeat(np.arange(11), 9), np.arange(99) % 11])
def test_neither_an_order_by_class_nor_a_period_leaves_a_class_out(labels):
    for most in (33, 50, 90):
        assert len(np.unique(labels[spaced(len(labels), most)])) == 11, most


def test_a_few_of_those_that_a_specification_reports_are_read_and_all_held_out():
    spec = DataSpec(start=5, stride=2, max=9, holdout=4)
    few, all_of_them = load_dataset(spec, 3), load_dataset(spec)
    assert few.indices[few.reported].tolist() == (5 + 2 * spaced(9, 3)).tolist()
    held_out = all_of_them.indices[~all_of_them.reported]
    assert few.indices[~few.reported].tolist() == held_out.tolist()
    assert len(held_out) == 4
    assert np.array_equal(few.images([0]), all_of_them.images([int(spaced(9, 3)[0])]))


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr("irs_core.data.load.free_memory", lambda: 100 * 64 - 1)
    with pytest.raises(DatasetError, match=r"100 images of shape \(1, 8, 8\) take .* max_images"):
        load_dataset(DataSpec(max=100))
    assert len(load_dataset(DataSpec(max=99))) == 99
    monkeypatch.setattr("irs_core.data.load.free_memory", lambda: None)
    assert len(load_dataset(DataSpec(max=100))) == 100


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
