"""Graph files as other programs write them: layouts, element types, outputs, precision."""

import logging
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import pytest
import torch
from graph_files import export_onnx, noisy, quantise_onnx, save_ir
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from torch import nn

from irs_core.backends.choose import make_predictor
from irs_core.errors import ApproximationError, CheckpointError, ModelOutputError
from irs_core.graphs import read_graph
from irs_core.models.graph import load_graph

SHAPE = (3, 8, 6)
BACKENDS = ("openvino", "onnxruntime")
IMAGES = noisy(SHAPE, 60)
WEIGHTS = np.random.default_rng(0).standard_normal((144, 5)).astype(np.float32)


def network(
    path: Path,
    *nodes: onnx.NodeProto,
    shape=("n", 3, 8, 6),
    kind: int = TensorProto.FLOAT,
    outputs=(("y", ("n", 5)),),
    weights=WEIGHTS,
    given=(),
    opset: int = 18,
) -> Path:
    """A linear network on flattened images `z`, which nodes make of `x`; scores `s` become `y`."""
    own = {name for one in nodes for name in one.output}
    first = [] if "z" in own else [helper.make_node("Identity", ["x"], ["z"])]
    last = [] if "y" in own else [helper.make_node("Identity", ["s"], ["y"])]
    middle = [
        helper.make_node("Flatten", ["z"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["s"]),
    ]
    before = [one for one in nodes if "s" not in one.input]
    after = [one for one in nodes if "s" in one.input or set(one.input) & own]
    before = [one for one in before if one not in after]
    float_kind = kind if kind != TensorProto.UINT8 else TensorProto.FLOAT
    made = helper.make_model(
        helper.make_graph(
            [*first, *before, *middle, *after, *last],
            "g",
            [helper.make_tensor_value_info("x", kind, shape)],
            [helper.make_tensor_value_info(name, float_kind, size) for name, size in outputs],
            [numpy_helper.from_array(weights, "w"), *given],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
    )
    made.ir_version = 10
    path.write_bytes(made.SerializeToString())
    return path


def scores(path: Path, backend: str = "auto", classes: int | None = None, **options):
    found = load_graph(path, num_classes=classes, **options)
    run = make_predictor(
        found.module, classes=found.num_classes, input_shape=SHAPE, backend=backend
    )
    return run.scores(IMAGES)


def close(found, expected):
    return np.allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def flat(images):
    return images.reshape(len(images), -1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("last", [3, 1])
def test_channels_last_is_transposed_and_said(tmp_path, backend, last):
    path = network(tmp_path / "n.onnx", shape=("n", 8, 6, 3))
    facts = read_graph(path).facts
    assert facts.input_shape == SHAPE
    assert facts.notes == ("images transposed to (N, height, width, channels)",)
    assert close(scores(path, backend), flat(IMAGES.transpose(0, 2, 3, 1)) @ WEIGHTS)


@pytest.mark.parametrize("backend", BACKENDS)
def test_normalisation_of_channels_last_is_per_channel(tmp_path, backend):
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    path = network(tmp_path / "n.onnx", shape=("n", 8, 6, 3))
    normal = (IMAGES - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    expected = flat(normal.transpose(0, 2, 3, 1)) @ WEIGHTS
    assert close(scores(path, backend, mean=mean, std=std), expected)


@pytest.mark.parametrize(
    ("shape", "last", "input_shape"),
    [
        ((1, 28, 28, 1), True, (1, 28, 28)),
        ((1, 1, 28, 28), False, (1, 28, 28)),
        (("n", "h", "w", 3), True, (3, None, None)),
        (("n", 3, "h", "w"), False, (3, None, None)),
        (("n", 3, 8, 3), False, (3, 8, 3)),
        (("n", 64, 8, 8), False, (64, 8, 8)),
        ((-1, 8, 8, 3), True, (3, 8, 8)),
    ],
)
def test_channels_are_found_by_their_number(tmp_path, shape, last, input_shape):
    facts = read_graph(network(tmp_path / "n.onnx", shape=shape, outputs=[("y", None)])).facts
    assert (facts.channels_last, facts.input_shape) == (last, input_shape)
    assert facts.batch == (1 if shape[0] == 1 else None)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("axes", "shape"),
    [([2, 3], ("n", 5, 1, 1)), ([1, 2], ("n", 1, 1, 5)), ([2], ("n", 5, 1)), ([1], None)],
)
def test_dimensions_of_one_are_dropped(tmp_path, backend, axes, shape):
    given = [numpy_helper.from_array(np.array(axes), "axes")]
    node = helper.make_node("Unsqueeze", ["s", "axes"], ["y"])
    path = network(tmp_path / "n.onnx", node, outputs=[("y", shape)], given=given)
    assert close(scores(path, backend), flat(IMAGES) @ WEIGHTS)


def test_a_map_of_scores_is_no_classifier(tmp_path):
    given = [numpy_helper.from_array(np.array([0, 5, 2, 2]), "size")]
    node = helper.make_node("Reshape", ["s", "size"], ["y"])
    weights = np.ones((144, 20), np.float32)
    outputs = [("y", ("n", 5, 2, 2))]
    with pytest.raises(CheckpointError, match=r"scores \(N, classes\).*5, 2, 2"):
        read_graph(
            network(tmp_path / "n.onnx", node, outputs=outputs, given=given, weights=weights)
        )


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_logit_is_two_classes_by_its_sign(tmp_path, backend):
    path = network(tmp_path / "n.onnx", outputs=[("y", ("n", 1))], weights=WEIGHTS[:, :1])
    found = scores(path, backend)
    logit = (flat(IMAGES) @ WEIGHTS[:, 0]) > 0
    assert 0 < logit.mean() < 1
    assert np.array_equal(found.argmax(axis=1), logit)
    assert "class 1 where it is above 0" in read_graph(path).facts.notes[0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("squeezed", [False, True])
def test_one_probability_is_two_classes_by_its_half(tmp_path, backend, squeezed):
    nodes = [helper.make_node("Sigmoid", ["s"], ["p"])]
    given, shape = [], ("n", 1)
    if squeezed:
        given, shape = [numpy_helper.from_array(np.array([1]), "axes")], ("n",)
        nodes.append(helper.make_node("Squeeze", ["p", "axes"], ["y"]))
    else:
        nodes.append(helper.make_node("Identity", ["p"], ["y"]))
    path = network(
        tmp_path / "n.onnx", *nodes, outputs=[("y", shape)], weights=WEIGHTS[:, :1], given=given
    )
    found = scores(path, backend)
    assert np.array_equal(found.argmax(axis=1), flat(IMAGES) @ WEIGHTS[:, 0] > 0)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert "class 1 where it is above 1/2" in read_graph(path).facts.notes[0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_scores_without_a_batch_axis(tmp_path, backend):
    given = [numpy_helper.from_array(np.array([0]), "axes")]
    node = helper.make_node("Squeeze", ["s", "axes"], ["y"])
    path = network(
        tmp_path / "n.onnx", node, shape=(1, 3, 8, 6), outputs=[("y", (5,))], given=given
    )
    assert close(scores(path, backend), flat(IMAGES) @ WEIGHTS)


def _two_heads(path: Path, *, second: int) -> Path:
    given = [numpy_helper.from_array(WEIGHTS[:, :second], "v")]
    nodes = [helper.make_node("Neg", ["s"], ["y"])]
    made = onnx.load(network(path, *nodes, given=given))
    made.graph.node.append(helper.make_node("MatMul", ["flat", "v"], ["other"]))
    made.graph.output.append(
        helper.make_tensor_value_info("other", TensorProto.FLOAT, ["n", second])
    )
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_output_is_chosen_by_name(tmp_path, backend):
    path = _two_heads(tmp_path / "n.onnx", second=4)
    assert close(scores(path, backend, output="other"), flat(IMAGES) @ WEIGHTS[:, :4])
    assert close(scores(path, backend, output="y"), -flat(IMAGES) @ WEIGHTS)
    digests = {load_graph(path, output=one).digest for one in ("y", "other")}
    assert len(digests) == 2


def test_an_output_is_chosen_by_the_number_of_classes(tmp_path):
    path = _two_heads(tmp_path / "n.onnx", second=4)
    assert load_graph(path, num_classes=4).module.file.facts.output.name == "other"


@pytest.mark.parametrize("classes", [None, 5, 7])
def test_several_outputs_are_never_chosen_from_in_silence(tmp_path, classes):
    path = _two_heads(tmp_path / "n.onnx", second=5)
    with pytest.raises(CheckpointError, match=r"'y' \(\?, 5\), 'other' \(\?, 5\).*--output NAME"):
        load_graph(path, num_classes=classes)


def test_an_output_that_is_not_there_lists_those_that_are(tmp_path):
    with pytest.raises(CheckpointError, match=r"no scores in 'z'; its outputs: 'y' \(\?, 5\)"):
        load_graph(network(tmp_path / "n.onnx"), output="z")


@pytest.mark.parametrize("backend", BACKENDS)
def test_whole_pixels_are_rounded_and_said(tmp_path, backend):
    cast = helper.make_node("Cast", ["x"], ["z"], to=TensorProto.FLOAT)
    path = network(tmp_path / "n.onnx", cast, kind=TensorProto.UINT8)
    pixels = np.clip(np.rint(IMAGES * np.float32(255)), 0, 255)
    assert close(scores(path, backend), flat(pixels) @ WEIGHTS)
    assert "whole numbers from 0 to 255" in read_graph(path).facts.notes[0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("kind", "number", "name"),
    [(TensorProto.FLOAT16, np.float16, "fp16"), (TensorProto.DOUBLE, np.float64, "fp64")],
)
def test_other_floats(tmp_path, backend, kind, number, name):
    path = network(tmp_path / "n.onnx", kind=kind, weights=WEIGHTS.astype(number))
    expected = flat(IMAGES) @ WEIGHTS
    found = scores(path, backend)
    assert np.allclose(found, expected, atol=0.02 * np.abs(expected).max())
    assert read_graph(path).facts.precision.name == name


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("backend", BACKENDS)
def test_fixed_batches(tmp_path, batch, backend):
    path = network(tmp_path / "n.onnx", shape=(batch, 3, 8, 6), outputs=[("y", (batch, 5))])
    assert close(scores(path, backend), flat(IMAGES) @ WEIGHTS)


def test_an_ir_is_read_in_the_same_way(tmp_path):
    sigmoid = helper.make_node("Sigmoid", ["s"], ["y"])
    path = network(
        tmp_path / "n.onnx",
        sigmoid,
        shape=("n", 8, 6, 3),
        outputs=[("y", ("n", 1))],
        weights=WEIGHTS[:, :1],
    )
    ir = save_ir(path, tmp_path / "n.xml")
    assert read_graph(ir).facts.notes == read_graph(path).facts.notes
    assert close(scores(ir), scores(path, "onnxruntime"))
    cast = helper.make_node("Cast", ["x"], ["z"], to=TensorProto.FLOAT)
    whole = network(tmp_path / "u.onnx", cast, kind=TensorProto.UINT8)
    assert close(scores(save_ir(whole, tmp_path / "u.xml")), scores(whole, "onnxruntime"))
    heads = save_ir(_two_heads(tmp_path / "h.onnx", second=4), tmp_path / "h.xml")
    assert close(scores(heads, output="other"), flat(IMAGES) @ WEIGHTS[:, :4])


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(384, 5))
    return export_onnx(module, SHAPE, tmp_path_factory.mktemp("plain") / "plain.onnx")


class _Calibration:
    def __init__(self):
        self.parts = iter(np.array_split(IMAGES, 4))

    def get_next(self):
        part = next(self.parts, None)
        return None if part is None else {"images": part}


def _quantised(plain, path, **options):
    quantize_static(plain, path, _Calibration(), **options)
    return path


def _operators(plain, path):
    return _quantised(plain, path, quant_format=QuantFormat.QOperator)


def test_what_openvino_lacks_runs_on_onnxruntime_with_one_sentence(plain, tmp_path, caplog):
    path = _operators(plain, tmp_path / "operators.onnx")
    found = load_graph(path)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        run = make_predictor(found.module, classes=5, input_shape=SHAPE)
    assert run.execution == "onnxruntime cpu int8"
    assert [one.getMessage() for one in caplog.records] == [
        "OpenVINO cannot run operators.onnx: No conversion rule found for operations: "
        "com.microsoft.QGemm; ONNX Runtime runs it instead"
    ]
    with pytest.raises(ApproximationError, match=r"operators\.onnx: No conversion rule"):
        make_predictor(found.module, classes=5, input_shape=SHAPE, backend="openvino")


def test_what_no_runtime_can_run_says_both_reasons(tmp_path):
    node = helper.make_node("NoSuch", ["x"], ["z"], domain="my.ops")
    path = network(tmp_path / "n.onnx", node, outputs=[("y", ("n", 5))])
    made = onnx.load(path)
    made.opset_import.append(helper.make_opsetid("my.ops", 1))
    path.write_bytes(made.SerializeToString())
    with pytest.raises(ApproximationError, match=r"my\.ops\.NoSuch; ONNX Runtime .*my\.ops:NoSuch"):
        scores(path)


def test_images_that_do_not_fit_are_told_in_words(plain):
    module = load_graph(plain).module
    for backend in BACKENDS:
        with pytest.raises((ApproximationError, ModelOutputError)) as caught:
            make_predictor(module, classes=5, input_shape=(3, 9, 9), backend=backend)
        assert "Exception from" not in str(caught.value)
        assert "src/" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "name", "execution"),
    [
        ({}, "int8", "openvino cpu int8"),
        ({"per_channel": True, "weight_type": QuantType.QInt8}, "int8", "openvino cpu int8"),
        (
            {"activation_type": QuantType.QInt16},
            "int16 activations, int8 weights",
            "openvino cpu int16 activations, int8 weights",
        ),
        (
            {"activation_type": QuantType.QUInt16, "weight_type": QuantType.QInt16},
            "int16",
            "openvino cpu int16",
        ),
    ],
)
def test_precision_is_named_as_it_is(plain, tmp_path, options, name, execution):
    path = _quantised(plain, tmp_path / "q.onnx", quant_format=QuantFormat.QDQ, **options)
    found = load_graph(path)
    assert found.module.file.facts.precision.name == name
    run = make_predictor(found.module, classes=5, input_shape=SHAPE)
    assert run.execution == execution


def test_weights_of_four_bits_are_named(tmp_path):
    packed = helper.make_tensor("q", TensorProto.INT4, WEIGHTS.shape, np.rint(WEIGHTS).ravel())
    held = numpy_helper.to_array(packed).astype(np.float32)
    scale = numpy_helper.from_array(np.float32(1), "scale")
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "scale"], ["v"]),
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("MatMul", ["f", "v"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SHAPE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        [packed, scale],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    made.ir_version = 10
    path = tmp_path / "n.onnx"
    path.write_bytes(made.SerializeToString())
    assert read_graph(path).facts.precision.name == "fp32 (int4 weights)"
    assert close(scores(path, "onnxruntime"), flat(IMAGES) @ held)


def test_an_ir_is_named_as_openvino_writes_it(plain, tmp_path):
    import nncf

    nncf.set_log_level(logging.ERROR)
    model = ov.convert_model(plain)
    ov.save_model(model, tmp_path / "half.xml")
    ov.save_model(nncf.compress_weights(model), tmp_path / "light.xml")
    quantised = quantise_onnx(plain, tmp_path / "q.onnx", IMAGES)
    ov.save_model(ov.convert_model(quantised), tmp_path / "q.xml")
    names = [read_graph(tmp_path / one).facts.precision.name for one in ("half.xml", "q.xml")]
    assert names == ["fp32 (fp16 weights)", "int8"]
    assert read_graph(tmp_path / "light.xml").facts.precision.name == "fp32 (int8 weights)"
