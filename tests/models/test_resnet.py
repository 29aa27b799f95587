import pytest
import torch

from irs_core.models import build
from irs_core.models.resnet import cifar_resnet


def test_tensor_names_are_those_of_the_published_checkpoints():
    names = set(build("cifar_resnet20", 10).state_dict())
    assert {
        "conv1.weight",
        "bn1.running_mean",
        "layer1.0.conv1.weight",
        "layer2.0.downsample.0.weight",
        "layer2.0.downsample.1.running_var",
        "layer3.2.bn2.bias",
        "fc.bias",
    } <= names


def test_first_stage_has_no_convolution_in_its_shortcut():
    assert not any(name.startswith("layer1.0.down") for name in build("resnet20", 10).state_dict())


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (56, 0.85), (110, 1.73)])
def test_sizes_of_he_et_al_table_6(depth, millions):
    network = build(f"cifar_resnet{depth}", 10)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_depth_must_fit_the_stages():
    with pytest.raises(ValueError, match="6 n \\+ 2"):
        cifar_resnet(21, 10)


def test_digits_network_is_small():
    network = build("digits_resnet", 10).eval()
    assert 10_000 <= sum(p.numel() for p in network.parameters()) <= 40_000
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
