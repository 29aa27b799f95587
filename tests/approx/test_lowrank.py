import pytest
import torch
from torch import nn

from irs_core.approx import applied, compress
from irs_core.approx.lowrank import least_rank
from irs_core.errors import ApproximationError
from irs_core.models import build
from irs_core.spec.compressions import LowRank


def rank_two_convolution(**settings):
    """A convolution whose weight has rank 2, and is therefore worth factorising."""
    layer = nn.Conv2d(12, 16, 3, **settings)
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(size, generator=generator) for size in ((16, 2), (2, 108)))
    layer.weight.data.copy_((left @ right).view_as(layer.weight) / 10)
    return layer


def test_all_energy_keeps_the_function():
    network, images = build("digits_resnet", 10).eval(), torch.rand(4, 1, 8, 8)
    small = compress(network, LowRank(1.0))
    assert torch.allclose(small(images), network(images), atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stride": 2, "padding": 1},
        {"dilation": 2, "bias": False},
        {"padding": "same", "padding_mode": "circular"},
    ],
)
def test_a_convolution_of_low_rank_is_split_exactly(settings):
    layer, images = rank_two_convolution(**settings), torch.rand(2, 12, 9, 9)
    small = compress(layer, LowRank(0.999999))
    assert isinstance(small, nn.Sequential)
    assert small[0].out_channels == 2
    assert torch.allclose(small(images), layer(images), atol=1e-5)


def test_a_linear_layer_of_low_rank_is_split_exactly():
    layer = nn.Linear(20, 10)
    layer.weight.data.copy_(torch.outer(torch.arange(10.0), torch.linspace(-1, 1, 20)))
    small = compress(layer, LowRank(0.99))
    assert small[0].out_features == 1
    assert torch.allclose(small(torch.ones(1, 20)), layer(torch.ones(1, 20)), atol=1e-5)


@pytest.mark.parametrize(("energy", "rank"), [(0.5, 1), (0.64, 1), (0.65, 2), (0.99, 2), (1.0, 2)])
def test_least_rank_that_keeps_the_energy(energy, rank):
    assert least_rank(torch.tensor([4.0, 3.0, 0.0]), energy) == rank


def test_layers_that_would_not_shrink_are_reported():
    report = applied(nn.Linear(4, 4), LowRank(1.0)).report
    assert (report.touched, report.untouched) == ((), ("",))
    assert "0 of 1" in report.note


def test_grouped_convolutions_stay():
    assert isinstance(compress(nn.Conv2d(8, 8, 3, groups=8), LowRank(0.1)), nn.Conv2d)


def test_fewer_parameters():
    network = build("digits_resnet", 10)
    report = applied(network, LowRank(0.5)).report
    assert report.nonzero_parameters < sum(p.numel() for p in network.parameters())


def test_a_model_without_layers_is_refused():
    with pytest.raises(ApproximationError, match="found none"):
        compress(nn.Flatten(), LowRank(0.9))
