"""Weights in parts: right where PyTorch itself computes the same, refused by name elsewhere."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from irs_core.errors import CheckpointError
from irs_core.models import build, load_model
from irs_core.models.reparametrised import plain_weights
from irs_core.spec.study import ModelSpec

ARCH = "cifar_resnet8"


def masked(layer):
    return prune.l1_unstructured(layer, "weight", amount=0.3)


def twice(layer):
    masked(layer)
    return prune.ln_structured(layer, "weight", amount=0.2, n=2, dim=0)


KINDS = {
    "prune": masked,
    "prune twice": twice,
    "weight_norm": parametrizations.weight_norm,
    "weight_norm of all": lambda layer: parametrizations.weight_norm(layer, dim=None),
    "old weight_norm": nn.utils.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "old spectral_norm": nn.utils.spectral_norm,
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "make",
    [lambda: nn.Conv2d(3, 8, 3), lambda: nn.Linear(12, 5), lambda: nn.ConvTranspose2d(4, 6, 3)],
    ids=["conv", "linear", "transposed"],
)
def test_the_weight_is_that_of_pytorch(name, make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = KINDS[name](make())
        expected = make().state_dict()
        layer.train()
        inputs = torch.rand(2, layer.in_features) if hasattr(layer, "in_features") else None
        layer(torch.rand(2, layer.in_channels, 8, 8) if inputs is None else inputs)
        layer.eval()
        layer(torch.rand(2, layer.in_channels, 8, 8) if inputs is None else inputs)
    found = plain_weights(layer.state_dict(), expected)
    torch.testing.assert_close(found["weight"], layer.weight.detach())
    assert set(found) == set(expected)


def test_a_pruned_network_is_read_with_its_masks_applied(tmp_path):
    network = build(ARCH, 10, seed=3).eval()
    for part in (network.conv1, network.fc, network.layer1[0].conv2):
        prune.l1_unstructured(part, "weight", amount=0.5)
    torch.save({"model": network.state_dict()}, tmp_path / "pruned.pth")
    found = load_model(ModelSpec(str(tmp_path / "pruned.pth"), arch=ARCH))
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(found.module(images), network(images))
    assert int((found.module.conv1.weight == 0).sum()) == found.module.conv1.weight.numel() // 2


def test_a_network_that_has_parts_itself_keeps_them():
    layer = masked(nn.Linear(3, 2))
    state = layer.state_dict()
    assert set(plain_weights(state, state)) == set(state)


class Doubled(nn.Module):
    def forward(self, weight):
        return 2 * weight


def test_an_unknown_parametrization_is_refused_by_name():
    layer = nn.Sequential(nn.Linear(3, 2))
    expected = layer.state_dict()
    parametrize.register_parametrization(layer[0], "weight", Doubled())
    with pytest.raises(CheckpointError, match=r"0\.weight has a parametrization.*remove_param"):
        plain_weights(layer.state_dict(), expected)


def test_parts_that_do_not_fit_together_are_refused():
    state = {"weight_orig": torch.ones(3, 2), "weight_mask": torch.ones(5, 7)}
    with pytest.raises(CheckpointError, match=r"parts of weight do not fit.*\(3, 2\), \(5, 7\)"):
        plain_weights(state, {"weight": torch.ones(3, 2)})


def test_parts_that_claim_to_be_gigantic_are_refused():
    huge = torch.zeros(1).expand(1 << 40)
    with pytest.raises(CheckpointError, match="views of fewer numbers"):
        plain_weights({"weight_orig": huge, "weight_mask": huge}, {"weight": torch.ones(1)})


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("layer.qweight", "GPTQ"),
        ("layer.weight.absmax", "bitsandbytes"),
        ("layer.lora_A.weight", "LoRA"),
        ("layer.zero_point", "quantised by PyTorch"),
    ],
)
def test_weights_of_other_tools_are_named(name, what):
    with pytest.raises(CheckpointError, match=what):
        plain_weights({name: torch.ones(1)}, {"layer.weight": torch.ones(1)})


def test_a_quantised_state_dict_is_named(tmp_path):
    model = nn.Sequential(nn.Linear(4, 3)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    torch.save(small.state_dict(), tmp_path / "q.pth")
    with pytest.raises(CheckpointError, match="quantised by PyTorch"):
        load_model(ModelSpec(str(tmp_path / "q.pth"), arch=ARCH))
