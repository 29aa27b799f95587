import pytest
import torch
from torch import nn

from irs_core.approx import applied, compress
from irs_core.errors import ApproximationError
from irs_core.models import build
from irs_core.spec.compressions import Int8Dynamic


def test_only_linear_layers_change():
    network = build("digits_resnet", 10)
    small = compress(network, Int8Dynamic())
    changed = {name for name, module in small.named_modules() if "quantized" in str(type(module))}
    assert {name.partition(".")[0] for name in changed} == {"fc"}
    assert torch.equal(small.conv1.weight, network.conv1.weight)


def test_report_says_that_convolutions_are_not_int8():
    report = applied(build("digits_resnet", 10), Int8Dynamic()).report
    assert report.touched == ("fc",)
    assert "6 convolutions are not" in report.note


def test_one_byte_per_linear_weight():
    assert (
        applied(nn.Sequential(nn.Linear(30, 5)), Int8Dynamic()).report.size_bytes
        == 150 + 4 * 5 + 16
    )


def test_a_model_without_linear_layers():
    with pytest.raises(ApproximationError, match="linear"):
        compress(nn.Conv2d(1, 1, 1), Int8Dynamic())


def test_each_image_has_the_scores_of_a_batch_of_one():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    images = torch.randn(20, 1, 8, 8) * torch.logspace(-2, 2, 20)[:, None, None, None]
    whole = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    alone = torch.cat([whole(one[None]) for one in images])
    assert not torch.equal(whole(images), alone)
    assert torch.equal(compress(model, Int8Dynamic())(images), alone)
