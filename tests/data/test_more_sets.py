"""CIFAR-100, MNIST and .npz files, made here in the layouts of their publishers."""

import gzip
import io
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from irs_core.data import load_dataset
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

RNG = np.random.default_rng(0)


@pytest.fixture
def cifar100(tmp_path):
    def write(content=None, names=100, text=False):
        folder = tmp_path / "cifar-100-python"
        folder.mkdir(exist_ok=True)
        pixels = RNG.integers(0, 256, (4, 3072), dtype=np.uint8)
        content = content or {
            b"data": pixels,
            b"fine_labels": [0, 99, 5, 7],
            b"coarse_labels": [0, 1, 2, 3],
        }
        meta = {b"fine_label_names": [f"class {n}".encode() for n in range(names)]}
        if text:  # as the publishers' Python 2 files read with encoding latin1
            content = {key.decode(): value for key, value in content.items()}
            meta = {"fine_label_names": [f"class {n}" for n in range(names)]}
        (folder / "test").write_bytes(pickle.dumps(content))
        (folder / "meta").write_bytes(pickle.dumps(meta))
        return DataSpec("cifar100", str(tmp_path)), content

    return write


def test_cifar100_has_fine_labels_and_their_names(cifar100):
    spec, content = cifar100()
    data = load_dataset(spec)
    assert data.labels.tolist() == [0, 99, 5, 7]
    assert data.classes[99] == "class 99"
    assert np.array_equal(data.pixels, content[b"data"].reshape(-1, 3, 32, 32))


def test_cifar100_reads_as_torchvision_reads_it(cifar100, monkeypatch):
    from torchvision.datasets import CIFAR100

    spec, _ = cifar100(text=True)
    monkeypatch.setattr(CIFAR100, "_check_integrity", lambda self: True)
    monkeypatch.setattr(CIFAR100, "meta", {**CIFAR100.meta, "md5": None})
    theirs = CIFAR100(spec.root, train=False)
    data = load_dataset(spec)
    assert np.array_equal(data.pixels.transpose(0, 2, 3, 1), theirs.data)
    assert data.labels.tolist() == theirs.targets
    assert list(data.classes) == theirs.classes


class _Payload:
    def __reduce__(self):
        return (print, ("ran",))


@pytest.mark.parametrize("content", [_Payload(), {b"data": _Payload()}, {b"data": 1}, {"x": 1}])
def test_cifar100_batches_of_another_kind_are_refused(cifar100, content, capsys):
    spec, _ = cifar100(content)
    with pytest.raises(DatasetError, match="is no CIFAR-100 batch"):
        load_dataset(spec)
    assert capsys.readouterr().out == ""


def test_cifar100_needs_its_hundred_names(cifar100):
    spec, _ = cifar100(names=99)
    with pytest.raises(DatasetError, match="must name 100 classes; it names 99"):
        load_dataset(spec)


@pytest.fixture
def mnist(tmp_path):
    def write(images=None, labels=None, packed=True):
        folder = tmp_path / "MNIST" / "raw"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8)
        if images is None:
            images = struct.pack(">IIII", 2051, 3, 28, 28) + pixels.tobytes()
        if labels is None:
            labels = struct.pack(">II", 2049, 3) + bytes([5, 0, 9])
        for name, content in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"t10k-{name}-ubyte{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content) if packed else content)
        return DataSpec("mnist", str(tmp_path)), pixels

    return write


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_gzipped_or_not(mnist, packed):
    spec, pixels = mnist(packed=packed)
    data = load_dataset(spec)
    assert data.labels.tolist() == [5, 0, 9]
    assert np.array_equal(data.pixels[:, 0], pixels)


def test_mnist_reads_as_torchvision_reads_it(mnist):
    from torchvision.datasets import MNIST

    spec, _ = mnist(packed=False)
    theirs = MNIST.__new__(MNIST)
    theirs.root, theirs.train = spec.root, False
    data, targets = MNIST._load_data(theirs)
    assert np.array_equal(load_dataset(spec).pixels[:, 0], data.numpy())
    assert load_dataset(spec).labels.tolist() == targets.tolist()


@pytest.mark.parametrize(
    ("images", "rule"),
    [
        (b"", "no IDX file"),
        (struct.pack(">IIII", 2049, 3, 28, 28), "no IDX file"),
        (struct.pack(">IIII", 2051, 3, 28, 28), "must hold 2352 values"),
        (struct.pack(">IIII", 2051, 1, 2, 2) + b"12345", "must hold 4 values"),
        (struct.pack(">IIII", 2051, 2**32 - 1, 2**32 - 1, 9), "may hold"),
        (struct.pack(">IIII", 2051, 1, 2, 2) + b"1234", "1 images and 3 labels"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_damaged_mnist_is_refused(mnist, images, rule, packed):
    spec, _ = mnist(images=images, packed=packed)
    with pytest.raises(DatasetError, match=rule):
        load_dataset(spec)


def test_a_truncated_gzip_is_refused(mnist):
    spec, _ = mnist()
    path = next(Path(spec.root).rglob("*images*"))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match="cannot read"):
        load_dataset(spec)


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return DataSpec("npz", str(path))


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "labels"), ("x_test", "y_test"), ("test_images", "test_labels")],
)
@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6, 7, 3), (5, 3, 6, 7), (5, 6, 7, 1)])
def test_npz_names_and_shapes(tmp_path, images, labels, shape):
    pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
    spec = npz(tmp_path / "a.npz", **{images: pixels, labels: np.array([0, 1, 2, 1, 0])})
    data = load_dataset(spec)
    first = data.pixels[0]
    assert first.shape == (3 if 3 in shape[1:] else 1, 6, 7)
    assert (
        first[0].tolist()
        == (
            pixels[0] if len(shape) == 3 else pixels[0, 0] if shape[1] == 3 else pixels[0, ..., 0]
        ).tolist()
    )
    assert data.labels.tolist() == [0, 1, 2, 1, 0]


def test_a_column_of_labels_is_taken(tmp_path):
    spec = npz(
        tmp_path / "a.npz",
        test_images=np.zeros((3, 4, 4), np.uint8),
        test_labels=np.array([[0], [1], [2]], np.uint8),
    )
    assert load_dataset(spec).labels.tolist() == [0, 1, 2]


IMAGES = np.zeros((3, 4, 4), np.uint8)


@pytest.mark.parametrize(
    ("arrays", "rule"),
    [
        ({"images": IMAGES, "labels": np.array([0, 1, None])}, "plain arrays"),
        ({"images": IMAGES.astype(int), "labels": np.arange(3)}, "8 or 16 bits"),
        ({"images": IMAGES, "labels": np.arange(4)}, "one whole number per image"),
        ({"images": IMAGES, "labels": np.ones(3)}, "one whole number per image"),
        ({"images": IMAGES, "labels": -np.arange(3)}, "labels in"),
        ({"images": IMAGES[0], "labels": np.arange(4)}, "must hold images"),
        ({"pictures": IMAGES}, "needs an array named images or x_test or test_images"),
    ],
)
def test_npz_of_another_kind_is_refused(tmp_path, arrays, rule):
    with pytest.raises(DatasetError, match=rule):
        load_dataset(npz(tmp_path / "a.npz", **arrays))


def forged(tmp_path, shape, content=b"", method=zipfile.ZIP_DEFLATED):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        for name in ("images", "labels"):
            archive.writestr(f"{name}.npy", head.getvalue() + content, method)
    return DataSpec("npz", str(tmp_path / "f.npz"))


@pytest.mark.parametrize("shape", [(2**62, 8, 8), (2**33, 2**33), (10, 10**9)])
def test_gigantic_shapes_are_refused(tmp_path, shape):
    with pytest.raises(DatasetError, match="plain arrays"):
        load_dataset(forged(tmp_path, shape))


def test_other_packing_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="stored or deflated"):
        load_dataset(forged(tmp_path, (1, 2, 2), b"1234", zipfile.ZIP_LZMA))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04garbage", b"no zip at all"])
def test_files_that_are_no_npz_are_refused(tmp_path, content):
    (tmp_path / "b.npz").write_bytes(content)
    with pytest.raises(DatasetError, match=r"no readable \.npz file"):
        load_dataset(DataSpec("npz", str(tmp_path / "b.npz")))


@pytest.mark.parametrize("kind", ["cifar100", "mnist", "npz"])
def test_what_is_not_there_is_named(tmp_path, kind):
    with pytest.raises(DatasetError, match=str(tmp_path)):
        load_dataset(DataSpec(kind, str(tmp_path / "none")))


@pytest.mark.parametrize("kind", ["cifar100", "mnist"])
def test_splits_are_train_and_test(tmp_path, kind):
    with pytest.raises(DatasetError, match="splits train and test; got 'val'"):
        load_dataset(DataSpec(kind, str(tmp_path), split="val"))
