"""Damaged files of every kind end with one sentence, and leave the store as it was."""

import tempfile
import zipfile
from pathlib import Path

import hostile_corpus
import pytest
import torch
from hostile import Kind, attempt, damaged, make_kinds
from hostile_gate import send
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from irs_core.errors import CheckpointError, IrsError
from irs_core.models import load_model
from irs_core.spec.study import ModelSpec

NAMES = (
    "safetensors",
    "pt",
    "old pt",
    "wrapped pt",
    "scripted",
    "integer",
    "denoiser",
    "denoiser onnx",
    "onnx",
    "ir graph",
    "ir constants",
    "npz",
    "cifar10",
    "mnist",
    "image",
    "tsv",
    "bundle",
)


@pytest.fixture(scope="module")
def corpus(kinds):
    return {one.name: one for one in hostile_corpus.corpus(kinds)}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return make_kinds(tmp_path_factory.mktemp("kinds"))


def refused_or_read(kind: Kind, content: bytes) -> IrsError | None:
    """The sentence with which a file is refused; any other error comes through."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            attempt(kind, content, Path(folder))
        except IrsError as error:
            return error
    return None


@pytest.mark.parametrize("name", NAMES)
def test_the_sound_file_is_read(kinds, name):
    assert refused_or_read(kinds[name], kinds[name].content) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.95])
def test_cut_files_are_refused_in_one_sentence(kinds, name, share):
    content = kinds[name].content[: int(share * len(kinds[name].content))]
    error = refused_or_read(kinds[name], content)
    # A table is one after any whole line; an image without its end mark has all its pixels.
    if error is None:
        assert name in ("tsv", "image")
    else:
        assert "\n" not in str(error)


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
@example(seed=0)
def test_damage_is_refused_in_one_sentence(kinds, name, seed):
    error = refused_or_read(kinds[name], damaged(kinds[name].content, seed))
    if error is not None:
        assert "\n" not in str(error).strip()


# Found by scripts/fuzz: each ended with something else than a sentence once.
FOUND = [("onnx", 1030), ("cifar10", 1088)]


@pytest.mark.parametrize(("name", "seed"), FOUND)
def test_what_the_fuzzer_found(kinds, name, seed):
    error = refused_or_read(kinds[name], damaged(kinds[name].content, seed))
    assert error is not None
    assert "\n" not in str(error).strip()


def test_a_damaged_type_that_numpy_crashes_on_is_passed_by(kinds):
    # The fuzzer's: the damage is in the state of the array's type, which nothing here looks at.
    assert refused_or_read(kinds["cifar10"], damaged(kinds["cifar10"].content, 6672)) is None


def test_the_corpus_has_hundreds_of_files(corpus):
    # benchmarks/hostile_files.py sends all of them to a running app.
    assert len(corpus) >= 300


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("bundle: a file named '../../outside'", "may not hold a file named"),
        ("npz: shape (4611686018427387904,)", "must hold plain arrays"),
        ("npz: shape (True, 8, 8)", "no readable .npz file"),
        ("class list: giant number", "numbers no classes from 0 on"),
        ("npz: code in its head", "no readable .npz file"),
        ("onnx: constant of shape (1099511627776,)", "at most 268435456 numbers"),
        ("onnx: weights in '/etc/passwd'", "outside its folder, which are never read"),
        ("onnx: weights below a link", "behind a link"),
        ("ir: billion laughs, UTF-16", "document type"),
        ("ir: deep, no end", "is damaged"),
        ("image: PNG of 60000 pixels", "cannot decode image"),
        ("image: link to passwd", "leads out of the folders"),
        ("image: folder is a link", "leads out of the folders"),
        ("parquet: length of 2^31", "no readable table"),
        ("results: gzip bomb", "may unpack to at most"),
        ("class list: deep objects", "is no JSON"),
        ("study file: billion laughs", "s.yaml"),
    ],
)
def test_files_made_to_hurt_are_refused_by_the_gate(corpus, tmp_path, monkeypatch, name, sentence):
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "file"))
    monkeypatch.setenv("IRS_MODEL_DIRS", str(tmp_path / "file"))
    one = corpus[name]
    with pytest.raises(IrsError, match=sentence) as caught:
        send(one.send, one.place(tmp_path / "file"), tmp_path / "store")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("irs-hostile-ran"))


def test_a_graph_that_takes_for_ever_is_ended(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_FILE_SECONDS", "3")
    one = corpus["onnx: functions 2^30"]
    with pytest.raises(IrsError, match=r"took more than 3 s.*IRS_FILE_SECONDS"):
        send(one.send, one.place(tmp_path / "file"), tmp_path / "store")


def test_a_packed_checkpoint_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 50_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match="packed as PyTorch packs no file"):
        load_model(ModelSpec(str(path)))


def test_a_tensor_that_claims_to_be_gigantic_is_refused(tmp_path):
    # A view with stride 0 takes four bytes in the file.
    state = {"fc.weight": torch.zeros(1).expand(1 << 40), "fc.bias": torch.zeros(1).expand(1 << 40)}
    torch.save({"arch": "digits_resnet", "state_dict": state}, tmp_path / "big.pt")
    with pytest.raises(CheckpointError):
        load_model(ModelSpec(str(tmp_path / "big.pt")))
    state["fc.weight"] = torch.zeros(1).expand(1 << 40, 32)
    torch.save({"arch": "digits_resnet", "state_dict": state}, tmp_path / "big.pt")
    with pytest.raises(CheckpointError, match="number of classes"):
        load_model(ModelSpec(str(tmp_path / "big.pt")))
