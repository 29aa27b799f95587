"""Mixed compression: exactly what each layer is told, and sizes by hand."""

import copy

import pytest
import torch
from torch import nn

from irs_core.approx import applied, compress
from irs_core.approx.layers import weighted_layers
from irs_core.approx.mixed import (
    int8_layers,
    mixed_size,
    on_grid,
    remove_channels,
    reshaped,
    treatments,
    two_of_four,
)
from irs_core.errors import ApproximationError
from irs_core.models import build
from irs_core.models.resnet import BasicBlock
from irs_core.spec.mixed import parse_mixed


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return build("digits_resnet", 10, 1).eval()


def test_only_the_layers_that_are_named_change(network: nn.Module) -> None:
    made = compress(network, parse_mixed("mixed:fp32,fc=int4,layer1.0.conv1=prune:0.5"))
    before, after = weighted_layers(network), weighted_layers(made)
    changed = {name for name in before if not before[name].weight.equal(after[name].weight)}
    assert changed == {"fc", "layer1.0.conv1"}
    weight = after["layer1.0.conv1"].weight
    assert int((weight == 0).sum()) == round(0.5 * weight.numel())


def test_four_bits_are_fifteen_values_per_output() -> None:
    weight = torch.tensor([[0.7, -0.35, 0.1, 0.04], [14.0, 1.0, -6.9, 0.0]])
    found = on_grid(weight, 7)
    torch.testing.assert_close(found[0], torch.tensor([0.7, -0.4, 0.1, 0.0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(found[1], torch.tensor([14.0, 0.0, -6.0, 0.0]), atol=1e-6, rtol=0)
    assert on_grid(torch.zeros(1, 4), 7).equal(torch.zeros(1, 4))


def test_two_of_every_four_neighbours_stay() -> None:
    weight = torch.tensor([[1.0, -3.0, 2.0, 0.5, 1.0, 1.0, 1.0, 1.0, 9.0]])
    expected = torch.tensor([[0.0, -3.0, 2.0, 0.0, 1.0, 1.0, 0.0, 0.0, 9.0]])
    assert two_of_four(weight).equal(expected)


def test_a_removed_channel_is_one_that_nobody_reads() -> None:
    torch.manual_seed(1)
    block = BasicBlock(4, 8, 1).eval()
    block.bn1.running_mean.copy_(torch.randn(8))
    block.bn1.bias.data.copy_(torch.randn(8))
    # The two channels of least weight, made so.
    block.conv1.weight.data[[2, 5]] *= 1e-3
    unread = copy.deepcopy(block)
    unread.conv2.weight.data[:, [2, 5]] = 0
    remove_channels(block, 0.25)
    assert block.conv1.out_channels == block.conv2.in_channels == 6
    images = torch.randn(3, 4, 8, 8)
    torch.testing.assert_close(block(images), unread(images), atol=1e-5, rtol=1e-5)


def test_a_channel_of_no_gain_goes_before_one_of_small_weights() -> None:
    torch.manual_seed(1)
    block = BasicBlock(4, 4, 1).eval()
    block.bn1.weight.data[3] = 0
    first = block.conv1.weight.data[0].clone()
    remove_channels(block, 0.25)
    assert block.conv1.weight.data[0].equal(first)
    assert block.conv1.out_channels == 3


def test_channels_are_removed_only_where_a_block_has_one_reader(network: nn.Module) -> None:
    with pytest.raises(ApproximationError, match="first convolution of a residual block"):
        compress(network, parse_mixed("mixed:fp32,fc=channels:0.5"))
    wanted = treatments(network, parse_mixed("mixed:channels:0.5"))
    assert {name for name, one in wanted.items() if one.channels} == {
        "layer1.0.conv1",
        "layer2.0.conv1",
    }


def test_a_layer_that_is_not_there_is_refused_with_those_that_are(network: nn.Module) -> None:
    with pytest.raises(ApproximationError, match=r"nowhere .*conv1, layer1\.0\.conv1"):
        compress(network, parse_mixed("mixed:int4,nowhere=fp32"))


def test_int8_is_not_made_without_images(network: nn.Module) -> None:
    with pytest.raises(ApproximationError, match="calibration images"):
        compress(network, parse_mixed("mixed:int8,fc=fp32"))


def test_int8_layers_are_named_as_they_are_called_afterwards(network: nn.Module) -> None:
    config = parse_mixed("mixed:fp32,layer2.0.conv2=lowrank:0.5+int8,fc=int8")
    names = int8_layers(network, config)
    assert names == ("layer2.0.conv2.0", "layer2.0.conv2.1", "fc")
    assert set(names) <= set(weighted_layers(reshaped(copy.deepcopy(network), config)))


@pytest.mark.parametrize(
    ("text", "bits"),
    [("int8", 8), ("int4", 4), ("bf16", 16), ("2:4", 17), ("2:4+int8", 5), ("prune:0.5", 17)],
)
def test_sizes_by_hand(network: nn.Module, text: str, bits: int) -> None:
    config = parse_mixed(f"mixed:fp32,layer1.0.conv1={text}")
    made = reshaped(copy.deepcopy(network), config)
    found = mixed_size(network, made, config)
    weight = network.get_submodule("layer1.0.conv1").weight
    before = sum(value.nbytes for value in network.state_dict().values())
    scales = 4 * len(weight) if text.endswith(("int8", "int4")) else 0
    assert before - found.packed_bytes == weight.numel() * (32 - bits) // 8 - scales
    held = 3 * weight.numel() - scales if text.endswith("int8") else 0
    assert before - found.held_bytes == held


def test_the_note_says_what_is_emulated(network: nn.Module) -> None:
    report = applied(network, parse_mixed("mixed:fp32,fc=int4,conv1=2:4")).report
    assert "1 int4" in report.note
    assert "emulated" in report.note
    assert "no time is gained" in report.note
    assert report.touched == ("conv1", "fc")
    assert "emulated" not in applied(network, parse_mixed("mixed:bf16")).report.note
