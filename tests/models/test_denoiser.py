"""The denoiser as a network and as files."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from denoisers import made
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from irs_core.errors import CheckpointError, SpecError, UnknownKeyError
from irs_core.models import read_card, shipped_cards, shipped_names
from irs_core.models.denoised import (
    from_bytes,
    load_denoiser,
    load_denoiser_network,
)
from irs_core.models.denoiser import DenoiserShape, denoiser_bytes, new_denoiser
from irs_core.models.denoiser_onnx import onnx_bytes
from irs_core.models.shipping import network_path


def test_an_untrained_one_takes_nothing_away():
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(new_denoiser(DenoiserShape())(images), images)


def test_the_usual_size_is_small_and_cheap():
    network = new_denoiser(DenoiserShape())
    with FlopCounterMode(display=False) as counter:
        network(torch.rand(1, 3, 32, 32))
    assert counter.get_total_flops() <= 60e6
    assert sum(one.numel() for one in network.parameters()) == 345_900


def test_the_seed_decides_and_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    first, same, other = (new_denoiser(DenoiserShape(), seed=one) for one in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.stem.weight, same.stem.weight)
    assert not torch.equal(first.stem.weight, other.stem.weight)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_its_onnx_form_computes_the_same(channels, levels):
    network = made(DenoiserShape(channels, 8, levels))
    images = torch.rand(3, channels, 16, 24)
    content = onnx_bytes(network)
    assert content == onnx_bytes(network)
    session = onnxruntime.InferenceSession(content)
    (found,) = session.run(None, {"noisy": images.numpy()})
    with torch.no_grad():
        expected = network(images).numpy()
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 6, 8), (1, 8, 10)])
def test_images_that_do_not_fit_are_refused(shape):
    with pytest.raises(SpecError, match=r"denoiser"):
        DenoiserShape(1, 8, 2).check_image(shape)


@pytest.mark.parametrize("sizes", [{"channels": 2}, {"width": 1}, {"levels": 0}, {"levels": 9}])
def test_sizes_have_limits(sizes):
    with pytest.raises(SpecError):
        DenoiserShape(**sizes)


def test_bytes_read_back_as_the_same_network():
    network = made()
    again = from_bytes(denoiser_bytes(network, dtype=torch.float32))
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_a_file_says_which_noise_it_was_trained_under(tmp_path):
    (tmp_path / "d.safetensors").write_bytes(denoiser_bytes(made(), sigma=(0.25, 0.5)))
    found = load_denoiser(str(tmp_path / "d.safetensors"))
    assert found.sigma == (0.25, 0.5)
    assert found.parameters == sum(one.numel() for one in made().parameters())


@pytest.mark.parametrize(
    ("metadata", "state", "said"),
    [
        ({}, {"a": torch.zeros(1)}, "no denoiser"),
        ({"arch": "cifar_resnet20"}, {"a": torch.zeros(1)}, "cifar_resnet20"),
        ({"arch": "denoiser"}, {"a": torch.zeros(1)}, "does not fit"),
        (
            {"arch": "denoiser", "channels": 1, "width": 10**9, "levels": 2},
            {"a": torch.zeros(1)},
            "width",
        ),
        (
            {"arch": "denoiser", "channels": 1, "width": 8, "levels": 2},
            {"a": torch.zeros(1)},
            "does not fit",
        ),
    ],
)
def test_other_files_end_in_a_sentence(metadata, state, said, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file(state, path, {key: json.dumps(value) for key, value in metadata.items()})
    with pytest.raises(CheckpointError, match=said):
        load_denoiser_network(str(path))


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = made()
    with torch.no_grad():
        network.head.bias[0] = float("nan")
    (tmp_path / "d.safetensors").write_bytes(denoiser_bytes(network))
    with pytest.raises(CheckpointError, match="finite"):
        load_denoiser_network(str(tmp_path / "d.safetensors"))


def test_missing_files_end_in_a_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="cannot read"):
        load_denoiser(str(tmp_path / "none.safetensors"))
    (tmp_path / "other.onnx").write_text("x")
    with pytest.raises(CheckpointError, match=r"other\.onnx is no denoiser in a safetensors file"):
        load_denoiser_network(str(tmp_path / "other.onnx"))
    with pytest.raises(UnknownKeyError, match="shipped denoiser"):
        load_denoiser("shipped:none")


@pytest.mark.parametrize("name", shipped_names("denoiser"))
def test_shipped_ones_are_small_and_read(name):
    found = load_denoiser(f"shipped:{name}")
    assert found.parameters < 400_000
    path = network_path("denoiser", f"shipped:{name}")
    card = read_card(path.with_suffix(".json"))
    assert card["digest"] == found.digest
    assert card["parameters"] == found.parameters
    assert card["file_bytes"] == path.stat().st_size
    assert tuple(card["sigma"]) == found.sigma
    classifier = card["objective"].removeprefix("answers of ").removesuffix(" to the clean images")
    assert f"--against shipped:{classifier} " in card["command"]
    assert classifier in shipped_cards("model")
