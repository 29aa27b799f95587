"""Studies of models that take blue, green, red: f and all forms of f^p see the same image."""

import numpy as np
import pytest
import torch
from graph_files import export_onnx, noisy, quantise_onnx
from safetensors.torch import save_file
from torch import nn

from irs_core.check import check_model
from irs_core.graphs import file_compression
from irs_core.models import build
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import Library

SHAPE = (3, 32, 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network of blue, green, red in several files, and images whose labels it gives."""
    place = tmp_path_factory.mktemp("colours")
    network = build("cifar_resnet8", 10, seed=1).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (12, 3, 1, 1), np.uint8)
    pixels = np.ascontiguousarray(np.broadcast_to(pixels, (12, *SHAPE)))
    with torch.no_grad():
        # Else nearly all images get one class.
        scores = network(torch.from_numpy(pixels[:, ::-1] / np.float32(255)))
        network.fc.bias -= scores.mean(0)
    save_file(network.state_dict(), place / "f.safetensors", {"arch": "cifar_resnet8"})
    # What reverses the channels itself, for images of red, green, blue.
    turned = nn.Sequential(Reversed(), network)
    plain = export_onnx(network, SHAPE, place / "f.onnx")
    export_onnx(turned, SHAPE, place / "rgb.onnx")
    quantise_onnx(plain, place / "int8.onnx", noisy(SHAPE, 64)[:, ::-1])
    with torch.no_grad():
        labels = turned(torch.from_numpy(pixels / np.float32(255))).argmax(1).numpy()
    assert len(set(labels)) > 2
    np.savez(place / "data.npz", images=pixels, labels=labels)
    return place


class Reversed(nn.Module):
    """Reverses channels."""

    def forward(self, images):
        return images.flip(1)


def spec(folder, model, *texts, max=4):
    made = [file_compression(one) or parse_compression(one) for one in texts]
    return StudySpec(
        model,
        DataSpec("npz", str(folder / "data.npz"), max=max),
        NoiseSpec(0.1),
        tuple(made),
        n0=10,
        n=100,
        n_p=(50,),
    )


@pytest.mark.parametrize("name", ["f.onnx", "f.safetensors"])
def test_the_original_answers_as_the_one_that_reverses_inside(folder, name):
    data = DataSpec("npz", str(folder / "data.npz"))
    model = ModelSpec(str(folder / name), channel_order="bgr")
    assert check_model(model, data, sigma=0.1, draws=5).rows[0].clean == 1.0
    plain = ModelSpec(str(folder / name))
    assert check_model(plain, data, sigma=0.1, draws=5).rows[0].clean < 0.9


@pytest.mark.parametrize("name", ["f.onnx", "f.safetensors"])
def test_compressed_models_take_the_originals_order(folder, name):
    data = DataSpec("npz", str(folder / "data.npz"))
    model = ModelSpec(str(folder / name), channel_order="bgr")
    texts = ["fp16", "prune:0.01", "int8", f"file:{folder / 'f.onnx'}", f"file:{folder / name}"]
    made = spec(folder, model, *dict.fromkeys([*texts, f"file:{folder / 'int8.onnx'}"]))
    rows = check_model(model, data, sigma=0.1, draws=5, compressions=made.compressions).rows
    assert all(row.agreement > 0.9 for row in rows), [(row.name, row.agreement) for row in rows]
    exact = [row for row in rows if "/f." in row.name]
    assert [row.agreement for row in exact] == [1.0] * len(exact)


@pytest.mark.parametrize("name", ["f.onnx", "f.safetensors"])
def test_another_process_runs_the_same(folder, tmp_path, name):
    model = ModelSpec(str(folder / name), channel_order="bgr")
    asked = spec(folder, model, "fp16", f"file:{folder / 'int8.onnx'}")
    here = run_study(asked, Library(tmp_path / "a", tmp_path))
    there = run_study(
        asked, Library(tmp_path / "b", tmp_path), options=RunOptions(engine="local:2")
    )
    assert here.digests == there.digests
    if name == "f.onnx":
        assert "channels reversed to blue, green, red" in here.base.note
