"""Checkpoints as people bring them: wrappers, prefixes, normalisation, objects beside them."""

import argparse
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from irs_core.errors import CheckpointError
from irs_core.models import NormalizeLayer, build, load_model
from irs_core.models.registry import CIFAR_MEAN
from irs_core.spec.study import ModelSpec

ARCH = "cifar_resnet8"
MEAN, STD = (0.5, 0.4, 0.3), (0.25, 0.2, 0.15)


@pytest.fixture(scope="module")
def network():
    return build(ARCH, 10, seed=3).eval()


@pytest.fixture
def state(network):
    return dict(network.state_dict())


@pytest.fixture
def read(tmp_path):
    def load(content, **spec):
        path = tmp_path / "weights.pth"
        torch.save(content, path)
        return load_model(ModelSpec(str(path), **{"arch": ARCH, **spec}))

    return load


def images():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def prefixed(state, prefix):
    return {f"{prefix}{name}": value for name, value in state.items()}


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model.",
        "net.",
        "network.",
        "backbone.",
        "module.model.",
        "_fsdp_wrapped_module.",
        "some.thing.of.ours.",
    ],
)
def test_prefixes_are_taken_off(read, network, state, prefix):
    assert torch.equal(read(prefixed(state, prefix)).module(images()), network(images()))


@pytest.mark.parametrize(
    "name",
    [
        "state_dict",
        "model_state_dict",
        "model",
        "net",
        "params",
        "model_ema",
        "state_dict_ema",
        "ema",
    ],
)
def test_state_dicts_under_their_usual_names(read, network, state, name):
    content = {"epoch": 3, "best_acc": 0.5, name: state, "optimizer": {"state": {}, "lr": 0.1}}
    assert torch.equal(read(content).module(images()), network(images()))


def test_a_state_dict_in_another(read, network, state):
    content = {"model": {"state_dict": prefixed(state, "module.")}}
    assert torch.equal(read(content).module(images()), network(images()))


def test_counters_of_averaged_models_are_no_weights(read, network, state):
    content = {**prefixed(state, "module."), "n_averaged": torch.tensor(7)}
    assert torch.equal(read(content).module(images()), network(images()))


def test_plain_and_averaged_weights_that_differ_have_to_be_chosen(read, state):
    other = {**state, "fc.bias": state["fc.bias"] + 1}
    with pytest.raises(CheckpointError, match="'model' and 'model_ema'; save the one"):
        read({"model": state, "model_ema": other})


def test_plain_and_averaged_weights_that_are_equal(read, network, state):
    found = read({"model": state, "model_ema": {k: v.clone() for k, v in state.items()}})
    assert torch.equal(found.module(images()), network(images()))


def test_a_file_that_holds_itself_is_refused(read):
    content = {"model": {}}
    content["model"]["model"] = content
    with pytest.raises(CheckpointError, match="must hold a state dict"):
        read(content)


def test_an_architecture_whose_names_all_share_a_prefix_keeps_it(tmp_path):
    network = build("torchvision:squeezenet1_1", 5, seed=1)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    found = load_model(ModelSpec(str(tmp_path / "w.pth"), arch="torchvision:squeezenet1_1"))
    assert found.num_classes == 5


@pytest.mark.parametrize(
    ("first", "mean", "std", "second"),
    [
        ("normalize.", "mean", "std", "model."),
        ("normalizer.", "new_mean", "new_std", "model."),
        ("0.", "mean", "std", "1."),
        ("0.", "means", "sds", "1.module."),
        ("", "mean", "std", ""),
        ("", "mu", "sigma", ""),
        ("module.normalize.", "mean", "std", "module.model."),
        ("model.0.", "mean", "std", "model.1."),
    ],
)
def test_normalisation_is_read_with_its_numbers(read, network, state, first, mean, std, second):
    shape = (1, 3, 1, 1)
    content = {
        f"{first}{mean}": torch.tensor(MEAN).view(shape),
        f"{first}{std}": torch.tensor(STD).view(shape),
        **prefixed(state, second),
    }
    found = read(content)
    assert (found.mean, found.std) == (pytest.approx(MEAN), pytest.approx(STD))
    expected = network(NormalizeLayer(MEAN, STD)(images()))
    torch.testing.assert_close(found.module(images()), expected)


def test_one_number_for_all_channels(read, state):
    content = {"mean": torch.tensor([0.5]), "std": torch.tensor([0.25]), **state}
    assert read(content).mean == (0.5, 0.5, 0.5)


def test_a_first_layer_without_numbers_is_asked_for(read, state):
    with pytest.raises(CheckpointError, match="give its mean and std"):
        read(prefixed(state, "1."))
    assert read(prefixed(state, "1."), mean=MEAN, std=STD).mean == MEAN


def test_files_of_cohen_keep_the_numbers_of_their_family(read, state):
    content = {"epoch": 90, "arch": ARCH, "state_dict": prefixed(state, "1.module.")}
    assert read(content, arch=None).mean == CIFAR_MEAN


def test_a_mean_inside_the_network_is_no_normalisation(read, state):
    extra = {"layer1.0.mean": torch.zeros(3), "layer1.0.std": torch.ones(3)}
    with pytest.raises(CheckpointError, match=r"unexpected layer1\.0\.mean"):
        read({**state, **extra})


class Options:
    def __init__(self):
        self.lr = 0.1


@pytest.mark.parametrize("zipped", [True, False])
def test_numpy_scalars_beside_the_weights(tmp_path, network, state, zipped):
    path = tmp_path / "w.pth"
    content = {"model": state, "acc": np.float64(0.9), "args": argparse.Namespace(lr=0.1)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    found = load_model(ModelSpec(str(path), arch=ARCH))
    assert torch.equal(found.module(images()), network(images()))


def test_objects_beside_the_weights_are_passed_over(read, network, state):
    content = {"model": state, "options": Options(), "by": [Options(), np.zeros(3)]}
    assert torch.equal(read(content).module(images()), network(images()))


class Ran:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_code_beside_the_weights_is_not_run(read, state, tmp_path):
    read({"model": state, "other": Ran(str(tmp_path / "ran"))})
    assert not (tmp_path / "ran").exists()


def test_a_pickled_network_is_named(read):
    with pytest.raises(CheckpointError, match=r"object of .*Sequential.*save its state_dict"):
        read(nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(CheckpointError, match=r"under 'model' an object of .*Sequential"):
        read({"model": nn.Sequential(nn.Linear(2, 2)), "epoch": 1})


def test_what_holds_no_weights_says_what_it_holds(read):
    with pytest.raises(CheckpointError, match="it holds 'epoch', 'optimizer'"):
        read({"epoch": 3, "optimizer": {"lr": 0.1}})


def test_an_ordered_dict(read, network, state):
    assert torch.equal(read(OrderedDict(state)).module(images()), network(images()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(tmp_path, network, state, dtype):
    narrow = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
    save_file(narrow, tmp_path / "w.safetensors")
    found = load_model(ModelSpec(str(tmp_path / "w.safetensors"), arch=ARCH))
    assert torch.equal(found.module.fc.weight, narrow["fc.weight"].float())


def test_eight_bit_floats_are_weights_of_fewer_digits(tmp_path, state):
    narrow = {k: v.to(torch.float8_e4m3fn) if v.ndim == 4 else v for k, v in state.items()}
    save_file(narrow, tmp_path / "w.safetensors")
    found = load_model(ModelSpec(str(tmp_path / "w.safetensors"), arch=ARCH))
    assert torch.equal(found.module.conv1.weight, narrow["conv1.weight"].float())
    scaled = {**narrow, "conv1.weight_scale": torch.ones(1)}
    save_file(scaled, tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=r"quantised weights with scales.*weight_scale"):
        load_model(ModelSpec(str(tmp_path / "w.safetensors"), arch=ARCH))


def test_weights_that_are_objects_of_another_package_are_named(read, state):
    content = {**state, "fc.weight": Options()}
    with pytest.raises(CheckpointError, match=r"fc\.weight as an object of .*Options.*export"):
        read(content)


def test_quantised_tensors_are_named(read, state):
    small = torch.quantize_per_tensor(state["fc.weight"], 0.1, 0, torch.qint8)
    with pytest.raises(CheckpointError, match=r"fc\.weight is a quantised weight"):
        read({**state, "fc.weight": small})


def test_parts_of_a_training_beside_the_network(read, network, state):
    lightning = {**prefixed(state, "model."), "criterion.weight": torch.ones(10)}
    found = read({"state_dict": lightning, "hyper_parameters": {"lr": 0.1}})
    assert torch.equal(found.module(images()), network(images()))
    madry = {
        **prefixed(state, "module.model."),
        **prefixed(state, "module.attacker.model."),
        "module.normalizer.new_mean": torch.tensor(MEAN).view(3, 1, 1),
        "module.normalizer.new_std": torch.tensor(STD).view(3, 1, 1),
        "module.attacker.normalize.new_mean": torch.tensor(MEAN).view(3, 1, 1),
        "module.attacker.normalize.new_std": torch.tensor(STD).view(3, 1, 1),
    }
    found = read({"model": madry})
    assert (found.mean, found.std) == (pytest.approx(MEAN), pytest.approx(STD))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda weight: (100 * weight).to(torch.int8), "numbers of type int8"),
        (lambda weight: weight.to(torch.complex64), "numbers of type complex64"),
        (lambda weight: weight.to_sparse(), "is sparse or without content"),
        (lambda weight: weight.to("meta"), "is sparse or without content"),
    ],
)
def test_tensors_that_are_no_weights(read, state, change, sentence):
    with pytest.raises(CheckpointError, match=sentence):
        read({**state, "fc.weight": change(state["fc.weight"])})


@pytest.mark.parametrize(("mean", "std"), [(float("nan"), 1.0), (0.0, 0.0), (0.0, float("inf"))])
def test_normalisation_of_impossible_numbers(read, state, mean, std):
    numbers = {"mean": torch.full((3,), mean), "std": torch.full((3,), std)}
    with pytest.raises(CheckpointError, match="positive stds"):
        read({**numbers, **state})
