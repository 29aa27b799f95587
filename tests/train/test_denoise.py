"""A denoiser learns from images alone, and goes on where it was stopped."""

import argparse
from dataclasses import replace

import numpy as np
import pytest
import torch
from graph_files import export_onnx
from PIL import Image
from safetensors.torch import load_file

from irs_core.cli.denoiser import add_denoiser, denoiser_from_args
from irs_core.data import load_dataset
from irs_core.errors import CheckpointError, DatasetError, SpecError
from irs_core.models import load_model, read_card
from irs_core.models.denoised import load_denoiser
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train.denoise import add_mixed_noise, train_denoiser
from irs_core.train.denoiser_finish import denoiser_command, named
from irs_core.train.denoiser_spec import DenoiserSpec

SHIPPED = "shipped:digits-0.50"


@pytest.fixture
def spec(tmp_path):
    return DenoiserSpec(
        "digits",
        str(tmp_path / "d.safetensors"),
        (0.5,),
        epochs=3,
        width=8,
        levels=2,
        max_images=200,
        batch=32,
    )


class _KilledError(Exception):
    pass


def _stop_after(epoch):
    def stop(report):
        if report.epoch == epoch:
            raise _KilledError

    return stop


@pytest.mark.parametrize("against", [None, SHIPPED])
def test_resumed_equals_uninterrupted(spec, tmp_path, against):
    spec = replace(spec, against=against)
    whole = load_file(train_denoiser(replace(spec, out=str(tmp_path / "a.safetensors"))).weights)
    with pytest.raises(_KilledError):
        train_denoiser(spec, on_epoch=_stop_after(2))
    seen = []
    resumed = load_file(train_denoiser(spec, on_epoch=seen.append).weights)
    assert [one.epoch for one in seen] == [1, 2, 3]
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert not spec_state(spec).exists()


def spec_state(spec):
    from pathlib import Path

    return Path(spec.out).with_suffix(".partial.pt")


def test_state_of_other_settings_is_refused(spec):
    with pytest.raises(_KilledError):
        train_denoiser(spec, on_epoch=_stop_after(1))
    with pytest.raises(SpecError, match="other settings"):
        train_denoiser(replace(spec, sigma=(0.25,)))


def test_it_takes_noise_away(spec):
    (measured,) = train_denoiser(replace(spec, epochs=40, max_images=None)).measured
    assert measured.denoised > measured.noisy + 3
    assert measured.agree_noisy is None


def test_against_a_classifier_its_answers_come_back_and_its_weights_stay(spec, tmp_path):
    before = load_model(ModelSpec("shipped:digits-0.25")).digest
    first = train_denoiser(replace(spec, epochs=30, max_images=None, sigma=(0.75,)))
    second = replace(
        spec,
        start=str(first.weights),
        against="shipped:digits-0.25",
        out=str(tmp_path / "second.safetensors"),
        epochs=30,
        max_images=None,
        sigma=(0.75,),
    )
    (measured,) = train_denoiser(second).measured
    assert measured.agree_denoised > measured.agree_noisy
    assert load_model(ModelSpec("shipped:digits-0.25")).digest == before


def test_the_classifier_is_normalised_as_told(spec, tmp_path):
    """A file without its normalisation, and the same network with it in its file."""
    state = load_model(ModelSpec(SHIPPED)).module.state_dict()
    torch.save(state, tmp_path / "c.pt")
    told = {"against": str(tmp_path / "c.pt"), "arch": "digits_resnet"}
    agreed = []
    for more in ({}, {"mean": (0.0,), "std": (1.0,)}, {"mean": (5.0,), "std": (0.01,)}):
        out = str(tmp_path / "n.safetensors")
        agreed.append(train_denoiser(replace(spec, epochs=1, out=out, **told, **more)).epochs[0])
    plain, same, other = (one.loss for one in agreed)
    assert plain == pytest.approx(same, rel=1e-3)
    assert other != pytest.approx(plain, rel=0.1)


def test_a_normalisation_needs_a_classifier(spec):
    with pytest.raises(SpecError, match="against"):
        replace(spec, mean=(0.5,), std=(0.5,))


@pytest.mark.parametrize("name", [SHIPPED, "digits-0.50.safetensors", "call:digits-0.50#a/b"])
def test_the_card_names_the_classifier_without_its_place(name):
    assert named(name).removeprefix("call:").removesuffix(".safetensors") == "digits-0.50"


def test_a_classifier_without_gradients_is_refused(spec, tmp_path):
    export_onnx(load_model(ModelSpec(SHIPPED)).module, (1, 8, 8), tmp_path / "c.onnx")
    with pytest.raises(CheckpointError, match="gradients"):
        train_denoiser(replace(spec, against=str(tmp_path / "c.onnx")))


def test_images_at_any_depth_without_labels(spec, tmp_path):
    digits = load_dataset(DataSpec(split="train", max=60))
    for row, pixels in enumerate(digits.pixels):
        folder = tmp_path / "images" / ("a" if row % 2 else "a/b/c")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels[0] * 15).astype(np.uint8)).save(folder / f"{row:03}.png")
    (tmp_path / "images" / "notes.txt").write_text("no image")
    result = train_denoiser(replace(spec, images=str(tmp_path / "images"), max_images=None))
    card = read_card(result.card)
    assert card["train_images"] + card["held_out_images"] == 60
    assert card["channels"] == 1


def test_folders_without_images_end_in_a_sentence(spec, tmp_path):
    with pytest.raises(DatasetError, match="no images below"):
        train_denoiser(replace(spec, images=str(tmp_path)))
    with pytest.raises(DatasetError, match="no folder"):
        train_denoiser(replace(spec, images=str(tmp_path / "none")))


def test_images_that_cannot_be_halved_are_refused(spec):
    with pytest.raises(SpecError, match="multiples of 16"):
        train_denoiser(replace(spec, levels=4))


def test_the_card_says_how_it_was_made(spec):
    result = train_denoiser(replace(spec, note="A sentence."))
    card = read_card(result.card)
    assert card["parameters"] == result.parameters == load_denoiser(str(result.weights)).parameters
    assert card["digest"] == load_denoiser(str(result.weights)).digest
    assert card["sigma"] == [0.5]
    assert card["note"] == "A sentence."
    assert card["command"] == denoiser_command(replace(spec, note="A sentence."))


def test_the_command_repeats_the_run(spec):
    spec = replace(spec, against=SHIPPED, start="x.safetensors", flip=False, bf16=True, arch="a")
    spec = replace(spec, mean=(0.4, 0.5, 0.25), std=(0.2, 0.3, 0.125))
    parser = argparse.ArgumentParser()
    add_denoiser(parser.add_subparsers())
    import shlex

    words = shlex.split(denoiser_command(spec))[3:]
    assert denoiser_from_args(parser.parse_args(words)) == spec


def test_each_image_gets_one_of_the_noise_levels():
    images = torch.zeros(400, 1, 8, 8)
    noisy = add_mixed_noise(images, (0.1, 1.0), torch.Generator().manual_seed(0))
    spread = noisy.std(dim=(1, 2, 3))
    assert ((spread < 0.2) | (spread > 0.6)).all()
    assert 120 < int((spread < 0.2).sum()) < 280


@pytest.mark.parametrize(
    "wrong", [{"sigma": ()}, {"sigma": (0.0,)}, {"epochs": 0}, {"lr": 0.0}, {"out": "d.pt"}]
)
def test_settings_have_limits(spec, wrong):
    with pytest.raises(SpecError):
        replace(spec, **wrong)
