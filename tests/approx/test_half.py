import pytest
import torch
from torch import nn

from irs_core.approx import applied, compress
from irs_core.errors import ApproximationError
from irs_core.models import build
from irs_core.spec.compressions import HalfCompute, HalfWeights


@pytest.mark.parametrize("form", ["fp16", "bf16"])
def test_rounding_twice_is_rounding_once(form):
    once = compress(build("digits_resnet", 10), HalfWeights(form))
    twice = compress(once, HalfWeights(form)).state_dict()
    assert all(torch.equal(value, twice[name]) for name, value in once.state_dict().items())


def test_weights_are_those_of_the_format():
    weight = compress(build("digits_resnet", 10), HalfWeights("bf16")).conv1.weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, weight.bfloat16().float())


@pytest.mark.parametrize("config", [HalfWeights("fp16"), HalfCompute("fp16")])
def test_numbers_beyond_fp16_are_refused(config):
    layer = nn.Linear(2, 2)
    layer.weight.data[0, 0] = 1e5
    with pytest.raises(ApproximationError, match="100000 in weight"):
        compress(layer, config)


def test_numbers_beyond_fp16_fit_bf16():
    layer = nn.Linear(2, 2)
    layer.weight.data[0, 0] = 1e5
    assert torch.isfinite(compress(layer, HalfWeights("bf16")).weight).all()


def test_half_compute_computes_in_16_bits():
    model = compress(nn.Linear(2, 2), HalfCompute("bf16"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


def test_two_bytes_per_number():
    assert applied(nn.Linear(3, 5), HalfWeights("fp16")).report.size_bytes == 2 * (15 + 5)


@pytest.mark.parametrize("config", [HalfWeights("fp16"), HalfCompute("fp16")])
def test_a_model_without_weights_is_refused(config):
    with pytest.raises(ApproximationError, match="found none"):
        compress(nn.Flatten(), config)
