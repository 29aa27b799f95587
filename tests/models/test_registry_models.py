import subprocess
import sys

import pytest
import torch

from irs_core.errors import SpecError, UnknownKeyError
from irs_core.models import (
    Architecture,
    build,
    canonical_name,
    find_architecture,
    known_architectures,
    load_model,
    register,
)
from irs_core.models.digits import digits_resnet
from irs_core.spec.study import ModelSpec


def test_a_miss_lists_the_known_names():
    with pytest.raises(UnknownKeyError, match="cifar_resnet110"):
        build("no_such_net", 10)


@pytest.mark.parametrize("name", ["digits_resnet", "resnet20", "resnet50"])
def test_no_name_is_taken_twice(name):
    with pytest.raises(SpecError, match="must be new"):
        register(Architecture(name=name, make=digits_resnet))


@pytest.mark.parametrize("name", ["resnet18", "torchvision:resnet18"])
def test_torchvision_classifiers_by_either_name(name):
    assert canonical_name(name) == "resnet18"
    assert build(name, 7)(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


def test_aliases_are_one_architecture():
    assert canonical_name("resnet110") == "cifar_resnet110"


def test_torchvision_models_are_listed():
    assert "torchvision:resnet50" in known_architectures()


def test_weights_depend_on_the_seed_alone():
    torch.rand(3)
    first = build("digits_resnet", 10, seed=1).state_dict()
    torch.rand(5)
    again = build("digits_resnet", 10, seed=1).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_global_generator_is_left_alone():
    before = torch.get_rng_state()
    build("digits_resnet", 10)
    assert torch.equal(before, torch.get_rng_state())


def test_channels_that_torchvision_does_not_take():
    with pytest.raises(SpecError, match="channels"):
        build("resnet18", 10, 1)


def test_timm_architectures_by_name(tmp_path):
    timm = pytest.importorskip("timm")
    network = timm.create_model("mobilenetv3_small_050", num_classes=5, in_chans=1).eval()
    torch.save(network.state_dict(), tmp_path / "t.pth")
    spec = ModelSpec(str(tmp_path / "t.pth"), arch="timm:mobilenetv3_small_050")
    loaded = load_model(spec)
    images = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert loaded.num_classes == 5
    assert torch.equal(loaded.module(images), network(images))


def test_an_unknown_timm_name_is_refused():
    pytest.importorskip("timm")
    with pytest.raises(UnknownKeyError, match="unknown architecture 'timm:none'"):
        find_architecture("timm:none")


def test_without_timm_its_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UnknownKeyError, match="pip install timm"):
        find_architecture("timm:resnet18")


def test_own_networks_do_not_wait_for_torchvision():
    code = (
        "import sys; from irs_core.models import build; build('resnet20', 10); "
        "import irs_core.run.study; "
        "sys.exit('torchvision' in sys.modules or 'sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
