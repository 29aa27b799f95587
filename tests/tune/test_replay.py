"""A changed copy run from its change on gives what the whole changed network gives."""

import copy

import pytest
import torch
from torch import Tensor, nn

from irs_core.approx.layers import weighted_layers
from irs_core.models import build
from irs_core.tune import replay
from irs_core.tune.replay import Replay, batch_within


class Awkward(nn.Module):
    """Writes into what its parts gave, uses one part twice and another one late."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.side = nn.Conv2d(1, 4, 1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.last = nn.Linear(4, 3)

    def forward(self, images: Tensor) -> Tensor:
        out = self.relu(self.first(images))
        out = self.second(out)
        out += self.side(images)
        return self.last(self.relu(out).mean(dim=(2, 3)))


def _networks() -> list[tuple[nn.Module, tuple[int, int, int]]]:
    torch.manual_seed(0)
    residual = build("digits_resnet", 10, 1)
    return [
        (nn.Sequential(nn.Identity(), residual), (1, 8, 8)),
        (Awkward(), (1, 8, 8)),
    ]


@pytest.mark.parametrize(("module", "shape"), _networks())
def test_every_layer_changed_alone_is_as_in_a_whole_pass(
    module: nn.Module, shape: tuple[int, int, int]
) -> None:
    module.eval()
    torch.manual_seed(1)
    batches = [torch.rand(5, *shape), torch.rand(5, *shape)]
    run = Replay(copy.deepcopy(module))
    for images in batches:
        assert run.record(images).equal(module(images))
        for name, layer in weighted_layers(module).items():
            changed = copy.deepcopy(layer)
            changed.weight.data.mul_(0.5)
            whole = copy.deepcopy(module)
            whole.set_submodule(name, copy.deepcopy(changed))
            assert run.changed(images, {name: changed}).equal(whole(images)), name
        # Nothing of a change stays.
        assert run.changed(images, {name: layer}).equal(module(images))


def test_several_layers_change_together() -> None:
    module, shape = _networks()[0]
    module.eval()
    images = torch.rand(4, *shape)
    run = Replay(copy.deepcopy(module))
    run.record(images)
    chosen = ["1.layer1.0.conv2", "1.fc"]
    whole, changes = copy.deepcopy(module), {}
    for name in chosen:
        changes[name] = copy.deepcopy(module.get_submodule(name))
        changes[name].weight.data.mul_(2)
        whole.set_submodule(name, copy.deepcopy(changes[name]))
    assert run.changed(images, changes).equal(whole(images))


def test_what_comes_before_the_change_is_not_run_again() -> None:
    module, shape = _networks()[0]
    calls: list[str] = []
    for name, layer in weighted_layers(module.eval()).items():
        forward = layer.forward
        layer.forward = lambda values, name=name, forward=forward: (
            calls.append(name) or forward(values)
        )
    run = Replay(module)
    images = torch.rand(2, *shape)
    run.record(images)
    assert calls[0] == "1.conv1"
    calls.clear()
    changed = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
    run.changed(images, {"1.layer2.0.conv1": changed})
    assert set(calls) <= {"1.layer2.0.conv2", "1.layer2.0.downsample.0", "1.fc"}
    assert calls[-1] == "1.fc"


def test_the_network_is_given_back() -> None:
    module, shape = _networks()[0]
    module.eval()
    before = copy.deepcopy(module)
    run = Replay(module)
    run.record(torch.rand(2, *shape))
    run.close()
    assert all("forward" not in one.__dict__ for one in module.modules())
    images = torch.rand(2, *shape)
    assert module(images).equal(before(images))


def test_the_batch_is_as_large_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    module, shape = _networks()[1]
    run = Replay(module)
    run.record(torch.rand(1, *shape))
    one = run.kept_bytes
    assert one > 0
    monkeypatch.setattr(replay, "KEPT_BYTES", 10 * one)
    assert batch_within(run, torch.rand(shape), 64) == 10
    assert batch_within(run, torch.rand(shape), 4) == 4
    monkeypatch.setattr(replay, "KEPT_BYTES", 1)
    assert batch_within(run, torch.rand(shape), 4) == 1
