import numpy as np
import onnxruntime
import pytest
import torch
from graph_files import export_onnx, noisy, quantise_onnx, save_ir
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from irs_core.backends.choose import make_predictor
from irs_core.errors import ApproximationError, CheckpointError, ModelOutputError
from irs_core.graphs import read_graph
from irs_core.models import GraphModule, NormalizeLayer, load_model
from irs_core.sampling.fixed_function import held_fixed
from irs_core.spec.study import ModelSpec

SHAPE = (1, 8, 8)
MEAN, STD = (0.3,), (0.25,)


@pytest.fixture(scope="module")
def module():
    return load_model(ModelSpec("shipped:digits-0.50")).module


@pytest.fixture(scope="module")
def images():
    return noisy(SHAPE, 300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, module, images):
    place = tmp_path_factory.mktemp("graphs")
    plain = export_onnx(module, SHAPE, place / "plain.onnx")
    quantise_onnx(plain, place / "int8.onnx", images)
    save_ir(plain, place / "plain.xml")
    export_onnx(module, SHAPE, place / "one.onnx", batch=1)
    return place


def predictor(path, backend="auto", mean=None, std=None, classes=10):
    module = GraphModule(read_graph(path), mean, std)
    return make_predictor(module, classes=classes, input_shape=SHAPE, backend=backend)


def leads(scores, found):
    """How far the best score is ahead of the score of the class that was found."""
    return scores.max(axis=1) - scores[np.arange(len(scores)), found]


@pytest.mark.parametrize(
    ("name", "backend", "execution"),
    [
        ("plain.onnx", "auto", "openvino cpu fp32"),
        ("plain.xml", "auto", "openvino cpu fp32"),
        ("one.onnx", "auto", "openvino cpu fp32"),
        ("plain.onnx", "onnxruntime", "onnxruntime cpu fp32"),
        ("one.onnx", "onnxruntime", "onnxruntime cpu fp32"),
    ],
)
def test_a_file_predicts_what_its_module_predicts(folder, module, images, name, backend, execution):
    run = predictor(folder / name, backend)
    with torch.no_grad():
        scores = module(torch.from_numpy(images)).numpy()
    assert run.execution == execution
    assert leads(scores, run(images)).max() < 1e-4


def test_int8_on_onnxruntime_is_onnxruntimes_own_answer(folder, images):
    session = onnxruntime.InferenceSession(folder / "int8.onnx", providers=["CPUExecutionProvider"])
    scores = session.run(None, {"images": images})[0]
    run = predictor(folder / "int8.onnx", "onnxruntime")
    assert run.execution == "onnxruntime cpu int8"
    assert leads(scores, run(images)).max() < 1e-4


def test_int8_on_openvino_differs_by_rounding_only(folder, images):
    session = onnxruntime.InferenceSession(folder / "int8.onnx", providers=["CPUExecutionProvider"])
    scores = session.run(None, {"images": images})[0]
    run = predictor(folder / "int8.onnx")
    assert run.execution == "openvino cpu int8"
    assert np.mean(run(images) != scores.argmax(axis=1)) < 0.03


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_normalisation_comes_before_the_file(folder, module, images, backend):
    whole = nn.Sequential(NormalizeLayer(MEAN, STD), module)
    with torch.no_grad():
        scores = whole(torch.from_numpy(images)).numpy()
    run = predictor(folder / "plain.onnx", backend, MEAN, STD)
    assert leads(scores, run(images)).max() < 1e-4


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_16_bit_file_takes_converted_images(images, tmp_path, backend):
    weights = np.random.default_rng(0).standard_normal((64, 10)).astype(np.float16)
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["n", *SHAPE])
    scores = helper.make_tensor_value_info("y", TensorProto.FLOAT16, ["n", 10])
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    given = [numpy_helper.from_array(weights, "w")]
    model = helper.make_model(helper.make_graph(nodes, "g", [image], [scores], given))
    model.ir_version, model.opset_import[0].version = 10, 20
    (tmp_path / "half.onnx").write_bytes(model.SerializeToString())
    expected = images.reshape(-1, 64) @ weights.astype(np.float32)
    found = predictor(tmp_path / "half.onnx", backend)(images)
    assert leads(expected, found).max() < 0.1


class _Fixed(nn.Module):
    """Is made for two images: it swaps their scores."""

    def forward(self, images):
        return images.flatten(1)[:, :10].flip(0)


def test_a_file_that_mixes_images_is_run_as_it_was_written(tmp_path, images):
    path = export_onnx(_Fixed(), SHAPE, tmp_path / "two.onnx", batch=2)
    found = predictor(path)(images)
    swapped = images.reshape(-1, 2, 64)[:, ::-1].reshape(-1, 64)[:, :10]
    assert np.array_equal(found, swapped.argmax(axis=1))


def test_dynamic_quantisation_does_not_see_other_images(folder, tmp_path, images):
    from onnxruntime.quantization import quantize_dynamic

    quantize_dynamic(folder / "plain.onnx", tmp_path / "dynamic.onnx")
    run, found = held_fixed("d", predictor(tmp_path / "dynamic.onnx", "onnxruntime"), images[:16])
    assert found.one_by_one
    # A bright neighbour would change the range that all share.
    bright = np.concatenate([images[:20], 100 * images[20:40]])
    assert np.array_equal(run(bright)[:20], run(images[:20]))


def test_onnxruntime_does_not_run_ir(folder):
    with pytest.raises(ApproximationError, match=r"\.onnx files only"):
        predictor(folder / "plain.xml", "onnxruntime")


def test_pytorch_cannot_run_a_file(folder):
    with pytest.raises(CheckpointError, match="not as a PyTorch module"):
        GraphModule(read_graph(folder / "plain.onnx"))(torch.zeros(1, *SHAPE))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_nan_scores_are_refused(tmp_path, images, backend):
    class Odd(nn.Module):
        def forward(self, images):
            return torch.log(images.flatten(1)[:, :10] - 10)

    path = export_onnx(Odd(), SHAPE, tmp_path / "odd.onnx")
    with pytest.raises(ModelOutputError, match="NaN"):
        predictor(path, backend)(images)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_other_image_sizes_are_refused(tmp_path, module, backend):
    path = export_onnx(
        nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), SHAPE, tmp_path / "linear.onnx"
    )
    with pytest.raises((ApproximationError, ModelOutputError)):
        make_predictor(
            GraphModule(read_graph(path)), classes=10, input_shape=(1, 9, 9), backend=backend
        )
