"""Weights of ONNX files rounded and pruned as those of the PyTorch network that they come from."""

import numpy as np
import onnx
import pytest
import torch
from graph_files import export_onnx, noisy, quantise_onnx, save_ir
from torch import nn

from irs_core.approx import compress
from irs_core.approx.graph_weights import compressed_graph
from irs_core.backends.choose import make_predictor
from irs_core.errors import ApproximationError
from irs_core.graphs import read_graph
from irs_core.models import GraphModule
from irs_core.spec.compression_kinds import parse_compression

SHAPE = (1, 8, 8)
IMAGES = noisy(SHAPE, 64)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    # No batch normalisation: exporters fold it into the weights.
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10)).eval()


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    return export_onnx(network, SHAPE, tmp_path_factory.mktemp("graph") / "net.onnx")


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("text", ["fp16", "bf16", "prune:0.3", "prune-layer:0.5"])
def test_it_scores_as_the_compressed_network(network, path, text, backend):
    compression = parse_compression(text)
    made = compressed_graph(read_graph(path), compression)
    predictor = make_predictor(
        GraphModule(made.file), classes=10, input_shape=SHAPE, backend=backend
    )
    with torch.no_grad():
        expected = compress(network, compression)(torch.from_numpy(IMAGES)).numpy()
        plain = network(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(predictor.scores(IMAGES), expected, atol=1e-5)
    assert np.abs(expected - plain).max() > 1e-4


def test_exactly_the_share_of_weights_is_zero(path):
    made = compressed_graph(read_graph(path), parse_compression("prune:0.25"))
    model = onnx.load_model_from_string(made.file.graph)
    weights = [one for one in model.graph.initializer if len(one.dims) > 1]
    arrays = [onnx.numpy_helper.to_array(one) for one in weights]
    assert sum(int((one == 0).sum()) for one in arrays) == round(0.25 * (36 + 1440))
    assert "369 of 1476" in made.note
    assert made.nonzero == 36 + 1440 - 369 + 14
    assert made.size_bytes == path.stat().st_size - 4 * 369 + 5 + 180


def test_the_digest_says_which_file_and_which_compression(path):
    file = read_graph(path)
    digests = {
        compressed_graph(file, parse_compression(text)).file.digest
        for text in ("fp16", "bf16", "prune:0.1", "prune-layer:0.1")
    }
    assert len({*digests, file.digest}) == 5


@pytest.mark.parametrize("text", ["lowrank:0.9", "int8-dynamic", "fp16-compute"])
def test_other_compressions_are_refused(path, text):
    with pytest.raises(ApproximationError, match="takes fp16, bf16, prune"):
        compressed_graph(read_graph(path), parse_compression(text))


def test_a_quantised_file_and_an_ir_are_refused(path, tmp_path):
    small = quantise_onnx(path, tmp_path / "int8.onnx", IMAGES)
    with pytest.raises(ApproximationError, match="quantised already"):
        compressed_graph(read_graph(small), parse_compression("prune:0.5"))
    ir = save_ir(path, tmp_path / "net.xml")
    with pytest.raises(ApproximationError, match="an OpenVINO IR int8 alone"):
        compressed_graph(read_graph(ir), parse_compression("fp16"))


def test_weights_too_large_for_the_format(tmp_path):
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    with torch.no_grad():
        network[1].weight[0, 0] = 1e6
    path = export_onnx(network, SHAPE, tmp_path / "large.onnx")
    with pytest.raises(ApproximationError, match="holds numbers up to 65504; got 1e\\+06"):
        compressed_graph(read_graph(path), parse_compression("fp16"))
