import numpy as np
import pytest
from torch import nn

from irs_core.approx import applied, compress
from irs_core.approx.prune import smallest
from irs_core.errors import ApproximationError
from irs_core.models import build
from irs_core.spec.compressions import MagnitudePrune


def layers(model):
    return [m.weight.detach() for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@pytest.mark.parametrize("ratio", [0.001, 0.1, 0.333, 0.9])
def test_exact_count_over_all_layers(ratio):
    weights = layers(compress(build("digits_resnet", 10), MagnitudePrune(ratio)))
    total = sum(weight.numel() for weight in weights)
    assert sum(int((weight == 0).sum()) for weight in weights) == round(ratio * total)


@pytest.mark.parametrize("ratio", [0.1, 0.5])
def test_exact_count_in_every_layer(ratio):
    for weight in layers(compress(build("digits_resnet", 10), MagnitudePrune(ratio, "layer"))):
        assert int((weight == 0).sum()) == round(ratio * weight.numel())


def test_the_smallest_go():
    network = build("digits_resnet", 10)
    before = layers(network)
    after = layers(compress(network, MagnitudePrune(0.4)))
    gone = max(float(b[a == 0].abs().max()) for a, b in zip(after, before, strict=True))
    kept = min(float(b[a != 0].abs().min()) for a, b in zip(after, before, strict=True))
    assert gone <= kept


def test_ties_go_in_order():
    assert smallest(np.float32([2, 1, 1, 1, 0]), 3).tolist() == [False, True, True, False, True]


def test_nothing_to_prune():
    assert not smallest(np.float32([1, 2]), 0).any()


def test_biases_and_normalisation_stay():
    network = build("digits_resnet", 10)
    pruned = compress(network, MagnitudePrune(0.9))
    assert pruned.bn1.weight.equal(network.bn1.weight)
    assert pruned.fc.bias.equal(network.fc.bias)


def test_size_is_values_and_mask():
    report = applied(nn.Linear(20, 5, bias=False), MagnitudePrune(0.5)).report
    assert report.size_bytes == 4 * 50 + 13
    assert report.nonzero_parameters == 50


def test_a_model_without_weights():
    with pytest.raises(ApproximationError, match="found none"):
        compress(nn.BatchNorm2d(3), MagnitudePrune(0.5))
