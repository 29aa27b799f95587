import numpy as np
import pytest

from irs_core.data import load_dataset
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec


def test_splits_share_no_position():
    train, test = (load_dataset(DataSpec(split=split)) for split in ("train", "test"))
    assert (len(train), len(test)) == (1348, 449)


def test_images_are_float32_in_the_unit_interval():
    images = load_dataset(DataSpec(max=50)).images(slice(None))
    assert images.dtype == np.float32
    assert images.shape == (50, 1, 8, 8)
    assert images.min() == 0
    assert images.max() == 1


def test_rows_in_any_order():
    data = load_dataset(DataSpec(max=5))
    assert np.array_equal(data.images([3, 1]), data.images(slice(None))[[3, 1]])


def test_unknown_split():
    with pytest.raises(DatasetError, match="train and test"):
        load_dataset(DataSpec(split="val"))


def test_size_is_for_folders():
    with pytest.raises(DatasetError, match="size"):
        load_dataset(DataSpec(size=16))
