"""The winner as a file: the same layers in int8, the same answers, lists that name the rest."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from irs_core.approx.layers import weighted_layers
from irs_core.approx.mixed import reshaped
from irs_core.data import load_dataset
from irs_core.errors import ApproximationError
from irs_core.graphs import file_compression
from irs_core.models import LoadedModel, load_model
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.mixed import parse_mixed
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.tune.export import as_mixed, node_names, precision_lists, to_onnx

SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(ModelSpec("shipped:digits-0.50"))


def _noisy(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.random((count, *SHAPE), np.float32)
    return values + np.float32(0.5) * rng.standard_normal(values.shape, np.float32)


@pytest.fixture(scope="module")
def written(model: LoadedModel) -> tuple[bytes, dict[str, str]]:
    config = parse_mixed("mixed:int8,conv1=fp32,fc=int4")
    return to_onnx(model.module, config, input_shape=SHAPE, calibration=_noisy(100, 0))


def _int8_nodes(graph: onnx.GraphProto) -> set[str]:
    """Convolutions and products whose inputs both come out of 8 bits."""
    made = {output: node.op_type for node in graph.node for output in node.output}
    return {
        node.name
        for node in graph.node
        if node.op_type in ("Conv", "Gemm", "MatMul")
        and all(made.get(one) == "DequantizeLinear" for one in node.input[:2])
    }


def test_exactly_the_int8_layers_lie_between_quantisers(
    model: LoadedModel, written: tuple[bytes, dict[str, str]]
) -> None:
    content, nodes = written
    graph = onnx.load_model_from_string(content).graph
    assert set(nodes) == set(weighted_layers(model.module))
    wanted = {own for name, own in nodes.items() if name not in ("conv1", "fc")}
    assert _int8_nodes(graph) == wanted


def test_the_file_answers_as_the_network(
    model: LoadedModel, written: tuple[bytes, dict[str, str]], tmp_path: Path
) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(written[0], providers=["CPUExecutionProvider"])
    dataset = load_dataset(DataSpec(max=150))
    noise = np.random.default_rng(1).standard_normal((150, *SHAPE), np.float32)
    images = dataset.images(np.arange(150)) + np.float32(0.25) * noise
    (scores,) = session.run(None, {"images": images})
    with torch.no_grad():
        original = model.module(torch.from_numpy(images)).numpy()
    assert scores.shape == original.shape
    assert (scores.argmax(1) == original.argmax(1)).mean() > 0.9
    path = tmp_path / "w.onnx"
    path.write_bytes(written[0])
    assert file_compression(f"file:{path}") is not None


def test_without_int8_the_weights_alone_are_changed(model: LoadedModel) -> None:
    config = parse_mixed("mixed:fp32,layer1.0.conv1=channels:0.25,fc=2:4")
    content, nodes = to_onnx(model.module, config, input_shape=SHAPE, calibration=_noisy(4, 0))
    made = onnx.load_model_from_string(content)
    assert not _int8_nodes(made.graph)
    assert len(nodes) == len(weighted_layers(model.module))


def test_layers_are_found_by_their_weights_through_folding(model: LoadedModel) -> None:
    config = parse_mixed("mixed:fp32,conv1=prune:0.9")
    content, nodes = to_onnx(model.module, config, input_shape=SHAPE, calibration=_noisy(4, 0))
    for name in ("conv1", "layer2.0.downsample.0", "fc"):
        path = name.split(".")
        assert any(part in nodes[name] for part in (path[-1], ".".join(path[-2:]))), nodes[name]
    shaped = reshaped(load_model(ModelSpec("shipped:digits-0.50")).module, config)
    assert node_names(onnx.load_model_from_string(content), shaped) == nodes


def test_lists_name_the_layers_that_stay_out_of_int8(
    model: LoadedModel, written: tuple[bytes, dict[str, str]]
) -> None:
    _, nodes = written
    config = parse_mixed("mixed:int8,conv1=fp32,fc=int4")
    found = precision_lists(model.module, config, nodes)
    out = [nodes["conv1"], nodes["fc"]]
    assert found["onnxruntime"]["nodes_to_exclude"] == out
    assert found["nncf"]["ignored_scope"]["names"] == out
    assert found["modelopt"]["quant_cfg"]["conv1.weight_quantizer"] == {"enable": False}
    assert found["modelopt"]["quant_cfg"]["fc.weight_quantizer"]["num_bits"] == 4
    assert found["modelopt"]["quant_cfg"]["fc.input_quantizer"] == {"enable": False}
    assert "layer1.0.conv1.weight_quantizer" not in found["modelopt"]["quant_cfg"]
    assert found["treatments"]["layer1.0.conv1"] == "int8"


def test_lists_name_both_halves_of_a_layer_that_was_split(model: LoadedModel) -> None:
    config = parse_mixed("mixed:fp32,layer1.0.conv1=lowrank:0.5,layer2.0.conv1=lowrank:0.5")
    _, nodes = to_onnx(model.module, config, input_shape=SHAPE, calibration=_noisy(4, 0))
    halves = [f"layer{block}.0.conv1.{half}" for block in (1, 2) for half in (0, 1)]
    assert set(halves) < set(nodes)
    found = precision_lists(model.module, config, nodes)
    assert set(found["nncf"]["ignored_scope"]["names"]) == set(nodes.values())
    assert {f"{one}.weight_quantizer" for one in halves} < set(found["modelopt"]["quant_cfg"])
    assert "layer1.0.conv1.weight_quantizer" not in found["modelopt"]["quant_cfg"]


def test_the_product_s_own_int8_is_int8_everywhere() -> None:
    assert as_mixed(parse_compression("int8")) == parse_mixed("mixed:int8")
    with pytest.raises(ApproximationError, match="a way to run"):
        as_mixed(parse_compression("bf16-compute"))
