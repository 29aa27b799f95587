"""Models that take blue, green, red: the same answers as those of the reversed image."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from graph_files import export_onnx, noisy, save_ir
from safetensors.torch import save_file
from torch import nn

from irs_core.backends.graph_files import graph_predictor
from irs_core.errors import CheckpointError, SpecError
from irs_core.models import build, load_model
from irs_core.models.channel_order import reverse_first_layer
from irs_core.models.registry import known_architectures
from irs_core.spec.study import ModelSpec

SHAPE = (3, 8, 8)
# Red, green, blue, in which mean and std are given whatever the order.
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


class Small(nn.Module):
    """Tells channels apart."""

    def __init__(self, last: bool = False):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 5))
        self.last = last

    def forward(self, images):
        return self.layers(images.permute(0, 3, 1, 2) if self.last else images)


def expected(module, images):
    """Scores of images that were normalised as red, green, blue and then reversed."""
    shape = (1, -1, 1, 1)
    given = (images - np.reshape(MEAN, shape)) / np.reshape(STD, shape)
    with torch.no_grad():
        return module(torch.from_numpy(np.ascontiguousarray(given[:, ::-1], np.float32))).numpy()


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("kind", ["first", "last", "ir"])
def test_graph_files_on_every_backend(tmp_path, backend, kind):
    if (backend, kind) == ("onnxruntime", "ir"):
        pytest.skip("OpenVINO alone reads IRs")
    module, shape = Small(kind == "last"), (8, 8, 3) if kind == "last" else SHAPE
    path = export_onnx(module, shape, tmp_path / "net.onnx")
    if kind == "ir":
        path = save_ir(path, tmp_path / "net.xml")
    spec = ModelSpec(str(path), mean=MEAN, std=STD, channel_order="bgr")
    found = load_model(spec)
    made = graph_predictor(found.module, classes=5, input_shape=SHAPE, backend=backend, batch=20)
    images = noisy(SHAPE, 60)
    module.last = False
    np.testing.assert_allclose(made.scores(images), expected(module, images), atol=1e-5)
    assert "channels reversed to blue, green, red" in found.module.file.facts.notes


def test_whole_numbers_are_reversed_too(tmp_path):
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Small()

        def forward(self, images):
            return self.inner(images / 255)

    path = export_onnx(Whole(), SHAPE, tmp_path / "net.onnx")
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    for node in model.graph.node:
        node.input[:] = ["cast" if one == "images" else one for one in node.input]
    cast = onnx.helper.make_node("Cast", ["images"], ["cast"], to=onnx.TensorProto.FLOAT)
    model.graph.node.insert(0, cast)
    onnx.save(model, path)
    images = np.random.default_rng(0).integers(0, 256, (20, *SHAPE)).astype(np.float32) / 255
    found = load_model(ModelSpec(str(path), channel_order="bgr")).module
    with torch.no_grad():
        right = Small()(torch.from_numpy(images[:, ::-1].copy())).numpy()
    for backend in ("openvino", "onnxruntime"):
        made = graph_predictor(found, classes=5, input_shape=SHAPE, backend=backend)
        np.testing.assert_allclose(made.scores(images), right, atol=1e-5)


def test_pytorch_weights(tmp_path):
    network = build("cifar_resnet8", 10, seed=1).eval()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    spec = ModelSpec(
        str(tmp_path / "w.safetensors"), "cifar_resnet8", mean=MEAN, std=STD, channel_order="bgr"
    )
    found = load_model(spec)
    images = torch.from_numpy(noisy((3, 32, 32), 10))
    right = expected(network, images.numpy())
    np.testing.assert_allclose(found.module(images).detach().numpy(), right, atol=1e-4)
    assert (found.mean, found.std) == (MEAN, STD)
    assert found.digest != load_model(replace(spec, channel_order="rgb")).digest


def test_a_normalisation_in_the_file_is_in_the_files_order(tmp_path):
    network = build("cifar_resnet8", 10, seed=1).eval()
    state = {f"1.{name}": value for name, value in network.state_dict().items()}
    state |= {"0.mean": torch.tensor(MEAN[::-1]), "0.std": torch.tensor(STD[::-1])}
    torch.save({"arch": "cifar_resnet8", "state_dict": state}, tmp_path / "w.pth")
    found = load_model(ModelSpec(str(tmp_path / "w.pth"), channel_order="bgr"))
    np.testing.assert_allclose([found.mean, found.std], [MEAN, STD])


def test_torchscript(tmp_path):
    module = Small().eval()
    torch.jit.save(torch.jit.trace(module, torch.zeros(2, *SHAPE)), tmp_path / "net.pt")
    spec = ModelSpec(
        str(tmp_path / "net.pt"), num_classes=5, mean=MEAN, std=STD, channel_order="bgr"
    )
    found = load_model(spec, programs=True)
    images = noisy(SHAPE, 10)
    made = found.module(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(made, expected(module, images), atol=1e-5)
    plain = replace(spec, channel_order="rgb")
    assert found.digest != load_model(plain, programs=True).digest


def test_every_architecture_of_three_channels_can_be_turned():
    for name in known_architectures():
        if name.startswith("torchvision:regnet") and not name.endswith("y_400mf"):
            # All are built of the same stem, and take long to fill.
            continue
        if name == "digits_resnet":
            continue
        with torch.device("meta" if "regnet" not in name else "cpu"):
            network = build(name, 10)
        reverse_first_layer(network, name)


def test_what_has_no_order_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="digits_resnet has 0 convolutions of three channels"):
        load_model(ModelSpec("shipped:digits-0.50", channel_order="bgr"))
    grey = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    path = export_onnx(grey, (1, 8, 8), tmp_path / "grey.onnx")
    with pytest.raises(CheckpointError, match=r"grey\.onnx takes 1 channels, and only three"):
        load_model(ModelSpec(str(path), channel_order="bgr"))
    with pytest.raises(SpecError, match="channel_order must be one of rgb, bgr; got 'gbr'"):
        ModelSpec("net.onnx", channel_order="gbr")


def test_a_denoiser_sees_red_green_blue(tmp_path):
    path = export_onnx(Small(), SHAPE, tmp_path / "net.onnx")
    halves = nn.Sequential(nn.Conv2d(3, 3, 1, groups=3, bias=False))
    with torch.no_grad():
        halves[0].weight.copy_(torch.tensor([0.5, 1.0, 2.0]).view(3, 1, 1, 1))
    denoiser = export_onnx(halves, SHAPE, tmp_path / "denoiser.onnx")
    spec = ModelSpec(str(path), mean=MEAN, std=STD, denoiser=str(denoiser), channel_order="bgr")
    module, images = load_model(spec).module, noisy(SHAPE, 20)
    denoised = images * np.reshape(np.float32([0.5, 1, 2]), (1, 3, 1, 1))
    for backend in ("openvino", "onnxruntime"):
        made = graph_predictor(module, classes=5, input_shape=SHAPE, backend=backend)
        np.testing.assert_allclose(made.scores(images), expected(Small(), denoised), atol=1e-4)


def test_the_order_is_part_of_the_digest_and_other_digests_stay(tmp_path):
    path = export_onnx(Small(), SHAPE, tmp_path / "net.onnx")
    plain, turned = (ModelSpec(str(path), channel_order=one) for one in ("rgb", "bgr"))
    assert load_model(plain).digest != load_model(turned).digest
