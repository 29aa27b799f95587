import numpy as np
import onnxruntime
import pytest

from irs_core.approx.integer_form import coarsened
from irs_core.cli.main import main
from irs_core.integer.files import read_network
from irs_core.integer.onnx_qdq import to_onnx
from irs_core.integer.reference import reference_scores
from irs_core.models import load_model
from irs_core.spec.study import ModelSpec


def runtime_scores(model, steps, *, fused):
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if fused else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"images": (steps / np.float32(16)).astype(np.float32)})[0]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("bits", [8, 4])
def test_onnx_runtime_agrees_on_noisy_draws(network, steps, fused, bits):
    made = coarsened(network, bits)
    expected = reference_scores(made, steps)
    scores = runtime_scores(to_onnx(made), steps, fused=fused)
    assert (scores.argmax(1) == expected.argmax(1)).mean() >= 0.999
    # Nearly all scores are even the same integers.
    assert (scores == expected).all(axis=1).mean() >= 0.99


def test_weights_are_stored_as_8_bit_integers(network):
    model = to_onnx(network)
    sizes = {one.data_type: 0 for one in model.graph.initializer}
    for one in model.graph.initializer:
        sizes[one.data_type] += int(np.prod(one.dims))
    int8 = 3
    assert sizes[int8] >= 0.9 * sum(sizes.values())
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("QuantizeLinear") == len(network.layers) - 1


def test_the_command_writes_both_forms(tmp_path, capsys):
    out, onnx_file = tmp_path / "net.safetensors", tmp_path / "net.onnx"
    words = ["--model", "shipped:digits-0.50", "--sigma", "0.5", "--max", "1"]
    assert main(["integer", *words, "--out", str(out), "--onnx", str(onnx_file)]) == 0
    network = read_network(out)
    assert network.digest in capsys.readouterr().out
    assert load_model(ModelSpec(str(out))).digest == network.digest
    again = main(["integer", "--model", str(out), "--max", "1", "--onnx", str(onnx_file)])
    assert again == 0
    assert load_model(ModelSpec(str(onnx_file))).num_classes == 10


def test_the_command_needs_a_file_to_write(capsys):
    assert main(["integer", "--model", "shipped:digits-0.50"]) == 2
    assert "--out or --onnx" in capsys.readouterr().err
