"""The composition against a literal one: the classifier on what the denoiser gives."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from denoisers import made
from graph_files import export_onnx, save_ir
from onnx import TensorProto, helper, numpy_helper

from irs_core.backends.choose import make_predictor
from irs_core.errors import CheckpointError, SpecError
from irs_core.graphs.denoising import DENOISER_STARTS
from irs_core.models import build, load_model
from irs_core.models.denoised import DenoisedModule, composed, load_denoiser
from irs_core.models.denoiser import DenoiserShape, denoiser_bytes
from irs_core.models.denoiser_onnx import onnx_bytes
from irs_core.models.graph import GraphModule
from irs_core.models.objects import adopt
from irs_core.spec.study import ModelSpec

SHIPPED = "shipped:digits-0.50"
SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same denoiser and the same classifier, each as weights and as ONNX."""
    folder = tmp_path_factory.mktemp("parts")
    network = made()
    (folder / "d.safetensors").write_bytes(denoiser_bytes(network))
    # Weights are stored in 16 bits; the ONNX form gets the numbers that are read back.
    stored = load_denoiser(str(folder / "d.safetensors")).network
    (folder / "d.onnx").write_bytes(onnx_bytes(stored))
    export_onnx(load_model(ModelSpec(SHIPPED)).module, SHAPE, folder / "c.onnx")
    return folder


@pytest.fixture(scope="module")
def images():
    generator = torch.Generator().manual_seed(3)
    return torch.rand(64, *SHAPE, generator=generator) + 0.3 * torch.randn(
        64, *SHAPE, generator=generator
    )


def literal(files, images):
    """Scores by hand: PyTorch's denoiser, then PyTorch's classifier."""
    denoiser = load_denoiser(str(files / "d.safetensors")).network
    with torch.no_grad():
        return load_model(ModelSpec(SHIPPED)).module(denoiser(images)).numpy()


@pytest.mark.parametrize("backend", ["openvino", "torch", "onnxruntime"])
@pytest.mark.parametrize("denoiser", ["d.safetensors", "d.onnx"])
@pytest.mark.parametrize("classifier", ["weights", "c.onnx"])
def test_every_pair_on_every_backend_is_the_literal_composition(
    files, images, classifier, denoiser, backend
):
    weights = SHIPPED if classifier == "weights" else str(files / classifier)
    found = load_model(ModelSpec(weights, denoiser=str(files / denoiser)))
    if backend == "torch" and not isinstance(found.module, DenoisedModule):
        pytest.skip("a graph file is not run by PyTorch")
    predictor = make_predictor(found.module, classes=10, input_shape=SHAPE, backend=backend)
    expected = literal(files, images)
    scores = predictor.scores(images.numpy())
    assert np.abs(scores - expected).max() < 1e-3 * np.abs(expected).max()
    assert np.array_equal(predictor(images.numpy()), expected.argmax(1))


def test_it_is_not_the_classifier_alone(files, images):
    with torch.no_grad():
        alone = load_model(ModelSpec(SHIPPED)).module(images).numpy()
    assert (alone.argmax(1) != literal(files, images).argmax(1)).mean() > 0.2


@pytest.mark.parametrize("as_onnx", [False, True])
def test_the_normalisation_comes_between(as_onnx, tmp_path):
    shape, mean, std = (3, 16, 16), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    network = build("cifar_resnet8", 10, 3).eval()
    denoiser = made(DenoiserShape(3, 8, 2))
    (tmp_path / "d.safetensors").write_bytes(denoiser_bytes(denoiser, dtype=torch.float32))
    if as_onnx:
        weights, arch = str(export_onnx(network, shape, tmp_path / "c.onnx")), None
    else:
        weights, arch = str(tmp_path / "c.pt"), "cifar_resnet8"
        torch.save(network.state_dict(), weights)
    spec = ModelSpec(weights, arch, mean=mean, std=std, denoiser=str(tmp_path / "d.safetensors"))
    images = torch.rand(20, *shape)
    with torch.no_grad():
        middle = torch.tensor(mean).view(1, 3, 1, 1), torch.tensor(std).view(1, 3, 1, 1)
        expected = network((denoiser(images) - middle[0]) / middle[1]).numpy()
    if as_onnx:
        predictor = make_predictor(load_model(spec).module, classes=10, input_shape=shape)
        scores = predictor.scores(images.numpy())
    else:
        with torch.no_grad():
            scores = load_model(spec).module(images).numpy()
    assert np.abs(scores - expected).max() < 1e-3 * np.abs(expected).max()


def test_a_callable_denoises_first(files, images):
    classifier = load_model(ModelSpec(SHIPPED)).module

    def answer(batch):
        with torch.no_grad():
            return classifier(torch.from_numpy(batch)).numpy()

    text = adopt(answer, name="denoised-callable")
    spec = ModelSpec(text, num_classes=10, denoiser=str(files / "d.safetensors"))
    found = make_predictor(load_model(spec).module, classes=10, input_shape=SHAPE)
    assert np.array_equal(found(images.numpy()), literal(files, images).argmax(1))


def test_the_digest_is_another_one_whenever_either_part_is(files, tmp_path):
    (tmp_path / "other.safetensors").write_bytes(denoiser_bytes(made(seed=1)))
    (tmp_path / "same.safetensors").write_bytes((files / "d.safetensors").read_bytes())
    first, other, same = str(files / "d.safetensors"), "other", "same"
    other, same = (str(tmp_path / f"{one}.safetensors") for one in (other, same))

    def digest(weights, denoiser):
        return load_model(ModelSpec(weights, denoiser=denoiser)).digest

    whole = digest(SHIPPED, first)
    assert whole == digest(SHIPPED, same)
    others = {
        digest(SHIPPED, other),
        digest("shipped:digits-0.25", first),
        digest(SHIPPED, None),
        load_denoiser(first).digest,
    }
    assert len(others) == 4
    assert whole not in others


def test_both_parts_count(files):
    whole = load_model(ModelSpec(SHIPPED, denoiser=str(files / "d.safetensors")))
    assert whole.parts is not None
    first, then = whole.parts.denoiser, whole.classifier
    assert whole.parameters == first.parameters + then.parameters
    assert whole.size_bytes == first.size_bytes + then.size_bytes
    assert then.digest == load_model(ModelSpec(SHIPPED)).digest


def test_what_nothing_can_be_put_before_is_refused(files):
    save_ir(files / "c.onnx", files / "c.xml")
    denoiser = str(files / "d.safetensors")
    with pytest.raises(CheckpointError, match="OpenVINO IR"):
        load_model(ModelSpec(str(files / "c.xml"), denoiser=denoiser))
    integer = load_model(ModelSpec("shipped:cifar10-resnet20-0.25-integer"))
    network = load_denoiser(denoiser)
    with pytest.raises(CheckpointError, match="integer"):
        composed(network, replace(integer, input_shape=SHAPE))


def test_images_must_fit_the_denoiser(files):
    with pytest.raises(SpecError, match="1 channels"):
        load_model(
            ModelSpec("shipped:cifar10-resnet20-0.25", denoiser=str(files / "d.safetensors"))
        )


def test_a_file_that_gives_no_images_is_no_denoiser(files):
    with pytest.raises(CheckpointError, match="images of the shape"):
        load_denoiser(str(files / "c.onnx"))


def _with_input(path, kind, shape, *nodes):
    """A classifier that sums pixels, behind what turns its own kind of input into floats."""
    graph = helper.make_graph(
        [
            *nodes,
            helper.make_node("Flatten", ["floats"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
        ],
        "odd",
        [helper.make_tensor_value_info("images", kind, ["n", *shape])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
        [
            onnx.numpy_helper.from_array(
                np.random.default_rng(0).standard_normal((64 * 3, 3)).astype(np.float32), "weights"
            )
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_whole_pixels_and_channels_last_come_after_the_denoiser(tmp_path):
    cast = helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT)
    path = _with_input(tmp_path / "odd.onnx", TensorProto.UINT8, (8, 8, 3), cast)
    denoiser = made(DenoiserShape(3, 8, 2))
    (tmp_path / "d.safetensors").write_bytes(denoiser_bytes(denoiser, dtype=torch.float32))
    found = load_model(ModelSpec(str(path), denoiser=str(tmp_path / "d.safetensors")))
    images = torch.rand(8, 3, 8, 8)
    with torch.no_grad():
        pixels = (denoiser(images) * 255).numpy()
    rounded = np.clip(np.rint(pixels), 0, 255).transpose(0, 2, 3, 1)
    weights = np.random.default_rng(0).standard_normal((64 * 3, 3)).astype(np.float32)
    expected = rounded.reshape(8, -1) @ weights
    predictor = make_predictor(found.module, classes=3, input_shape=(3, 8, 8))
    # A pixel that lies between two whole numbers may be rounded either way.
    assert np.abs(predictor.scores(images.numpy()) - expected).max() < 0.02 * np.ptp(expected)


def test_older_operations_are_brought_up_to_the_denoisers(files, images, tmp_path):
    axes = {"images": {0: "n"}, "scores": {0: "n"}}
    torch.onnx.export(
        load_model(ModelSpec(SHIPPED)).module,
        (torch.zeros(2, *SHAPE),),
        str(tmp_path / "old.onnx"),
        dynamo=False,
        opset_version=12,
        input_names=["images"],
        output_names=["scores"],
        dynamic_axes=axes,
    )
    found = load_model(ModelSpec(str(tmp_path / "old.onnx"), denoiser=str(files / "d.safetensors")))
    predictor = make_predictor(found.module, classes=10, input_shape=SHAPE)
    assert np.array_equal(predictor(images.numpy()), literal(files, images).argmax(1))


def test_a_file_that_denoises_already_takes_another_denoiser(files, images, tmp_path):
    once = load_model(ModelSpec(str(files / "c.onnx"), denoiser=str(files / "d.onnx")))
    (tmp_path / "once.onnx").write_bytes(once.module.file.graph)
    twice = load_model(
        ModelSpec(str(tmp_path / "once.onnx"), denoiser=str(files / "d.safetensors"))
    )
    denoiser = load_denoiser(str(files / "d.safetensors")).network
    with torch.no_grad():
        expected = literal(files, denoiser(images))
    predictor = make_predictor(twice.module, classes=10, input_shape=SHAPE)
    assert np.array_equal(predictor(images.numpy()), expected.argmax(1))


def test_a_part_is_the_part_of_the_outer_composition(files):
    """A file that denoises already, behind a denoiser: its own denoiser is part of the file."""
    mean, std = (0.25,), (0.5,)
    denoiser = load_denoiser(str(files / "d.safetensors"))
    once = load_model(ModelSpec(str(files / "c.onnx"), denoiser=denoiser.name, mean=mean, std=std))
    inner = replace(once, parts=None, module=GraphModule(once.module.file, mean, std))
    twice = composed(denoiser, inner).module.file
    graph = onnx.load_model_from_string(twice.graph).graph
    of_denoiser = [one for one in graph.initializer if one.name.startswith(DENOISER_STARTS)]
    numbers = sum(numpy_helper.to_array(one).size for one in of_denoiser)
    assert numbers == denoiser.parameters
    made = [name for node in graph.node for name in node.output]
    assert len(made) == len(set(made))


def test_sizes_that_differ_are_refused(files, tmp_path):
    network = made(DenoiserShape(1, 8, 2))
    export_onnx(network, (1, 16, 16), tmp_path / "fixed.onnx")
    with pytest.raises(CheckpointError, match="denoiser gives images"):
        load_model(ModelSpec(str(files / "c.onnx"), denoiser=str(tmp_path / "fixed.onnx")))
