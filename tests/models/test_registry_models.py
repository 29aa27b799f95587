import pytest
import torch

from irs_core.errors import SpecError, UnknownKeyError
from irs_core.models import Architecture, build, canonical_name, known_architectures, register
from irs_core.models.digits import digits_resnet


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
