import codecs
import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from irs_core.data import load_dataset
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec


@pytest.fixture
def write(tmp_path):
    """Writes a test batch and gives its specification."""

    def _write(content, protocol=2):
        folder = tmp_path / "cifar-10-batches-py"
        folder.mkdir(exist_ok=True)
        (folder / "test_batch").write_bytes(pickle.dumps(content, protocol=protocol))
        return DataSpec("cifar10", str(tmp_path))

    return _write


def batch(count=5):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 3072), dtype=np.uint8)
    return {
        b"data": pixels,
        b"labels": [index % 10 for index in range(count)],
        b"batch_label": b"test",
    }


def test_pixels_and_labels(write):
    data = load_dataset(write(batch()))
    assert data.labels.tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(data.pixels, batch()[b"data"].reshape(-1, 3, 32, 32))


def test_class_names(write):
    assert load_dataset(write(batch())).classes[3] == "cat"


class _Payload:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return (self.call[0], self.call[1:])


def test_other_objects_are_refused_and_not_run(write, tmp_path):
    marker = tmp_path / "ran"
    with pytest.raises(DatasetError, match=r"test_batch.*open"):
        load_dataset(write({**batch(), b"extra": _Payload(open, str(marker), "w")}))
    assert not marker.exists()


def test_a_small_file_cannot_take_much_memory(write, tmp_path):
    spec = write(batch())
    path = tmp_path / "cifar-10-batches-py" / "test_batch"
    # An empty dictionary that is to be remembered as number 2^26.
    path.write_bytes(b"\x80\x02}r" + struct.pack("<I", 1 << 26) + b".")
    tracemalloc.start()
    with pytest.raises(DatasetError, match="data"):
        load_dataset(spec)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_bytes_are_written_in_one_way_only(write):
    with pytest.raises(DatasetError, match="encodes as 'hex'"):
        load_dataset(write({**batch(), b"extra": _Payload(codecs.encode, b"abc", "hex")}))


def test_shape_is_checked(write):
    with pytest.raises(DatasetError, match="3072"):
        load_dataset(write({**batch(), b"labels": [1]}))


def test_labels_are_checked(write):
    with pytest.raises(DatasetError, match="labels in"):
        load_dataset(write({**batch(1), b"labels": [10]}))


def test_missing_data_says_where_to_put_it(tmp_path):
    with pytest.raises(DatasetError, match=r"cifar-10-python\.tar\.gz"):
        load_dataset(DataSpec("cifar10", str(tmp_path)))
