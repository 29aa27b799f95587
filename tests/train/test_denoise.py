"""A denoiser learns from images alone, and goes on where it was stopped."""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from graph_files import export_onnx
from PIL import Image
from safetensors.torch import load_file

import irs_core
from irs_core.cli.denoiser import add_denoiser, denoiser_from_args
from irs_core.cli.main import main
from irs_core.data import load_dataset
from irs_core.errors import CheckpointError, DatasetError, SpecError
from irs_core.models import build, load_model, read_card
from irs_core.models.denoised import load_denoiser
from irs_core.models.gradients import check_flow, frozen_classifier
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train.denoise import add_mixed_noise, train_denoiser
from irs_core.train.denoiser_finish import denoiser_command, named
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.progress import progress_path

SHIPPED = "shipped:digits-0.50"
MODELS = Path(irs_core.__file__).parent / "models" / "shipped"


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
    return Path(spec.out).with_suffix(".partial.pt")


def test_state_of_other_settings_is_refused(spec):
    with pytest.raises(_KilledError):
        train_denoiser(spec, on_epoch=_stop_after(1))
    with pytest.raises(SpecError, match="other settings"):
        train_denoiser(replace(spec, sigma=(0.25,)))


def test_it_takes_noise_away(spec):
    (measured,) = train_denoiser(replace(spec, epochs=12, lr=3e-3, max_images=None)).measured
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


def scripted(path, shape=(1, 8, 8)):
    """A TorchScript program that answers as the shipped network."""
    module = load_model(ModelSpec(SHIPPED)).module
    program = torch.jit.trace(module, torch.zeros(1, *shape), check_trace=False)
    torch.jit.save(program, str(path))
    return str(path)


def test_a_torchscript_program_may_be_what_answers_where_somebody_names_it(spec, tmp_path):
    spec = replace(spec, against=scripted(tmp_path / "c.pt"))
    with pytest.raises(CheckpointError, match="name it there"):
        train_denoiser(spec)
    made = load_file(train_denoiser(spec, programs=True).weights)
    same = replace(spec, against=SHIPPED, out=str(tmp_path / "same.safetensors"))
    known = load_file(train_denoiser(same).weights)
    for name, value in known.items():
        assert torch.allclose(made[name], value, atol=1e-3), name


def test_a_classifier_that_lets_no_gradient_through_is_refused(spec, tmp_path):
    module = load_model(ModelSpec(SHIPPED)).module

    class Detached(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = module

        def forward(self, images):
            return self.network(images.detach())

    path = tmp_path / "c.pt"
    traced = torch.jit.trace(Detached().eval(), torch.zeros(1, 1, 8, 8), check_trace=False)
    torch.jit.save(traced, str(path))
    with pytest.raises(CheckpointError, match="no gradient flows"):
        train_denoiser(replace(spec, against=str(path)), programs=True)


def test_images_that_do_not_fit_the_classifier_are_said_to(spec):
    with pytest.raises(SpecError, match=r"takes images of shape \(3, 32, 32\); these have \(1, 8"):
        train_denoiser(replace(spec, against="shipped:cifar10-resnet20-clean"))
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(100, 10))
    with pytest.raises(CheckpointError, match=r"does not take images of shape \(1, 8, 8\)"):
        check_flow(module, np.zeros((1, 1, 8, 8), np.float32))


def written(folder, start=0, count=60):
    """Digits as image files, at several depths."""
    digits = load_dataset(DataSpec(split="train", start=start, max=count))
    for row, pixels in enumerate(digits.pixels):
        place = folder / ("a" if row % 2 else "a/b/c")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels[0] * 15).astype(np.uint8)).save(place / f"{row:03}.png")
    return str(folder)


def test_what_a_run_reads_counts_by_content_wherever_it_lies(spec, tmp_path):
    weights = tmp_path / "c.safetensors"
    shutil.copy(MODELS / "digits-0.50.safetensors", weights)
    first = str(train_denoiser(replace(spec, out=str(tmp_path / "f.safetensors"))).weights)
    spec = replace(
        spec,
        images=written(tmp_path / "images"),
        max_images=None,
        start=first,
        against=str(weights),
    )
    with pytest.raises(_KilledError):
        train_denoiser(spec, on_epoch=_stop_after(1))
    other_images = replace(spec, images=written(tmp_path / "others", start=100))
    shutil.copy(MODELS / "digits-0.25.safetensors", tmp_path / "e.safetensors")
    other_classifier = replace(spec, against=str(tmp_path / "e.safetensors"))
    trained_longer = replace(spec, start=None, against=None, images="digits", max_images=50)
    out = str(tmp_path / "g.safetensors")
    other_start = replace(spec, start=str(train_denoiser(replace(trained_longer, out=out)).weights))
    for other in (other_images, other_classifier, other_start):
        with pytest.raises(SpecError, match="other settings, images or weights"):
            train_denoiser(other)
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("images", "c.safetensors", "f.safetensors"):
        shutil.move(tmp_path / name, moved / name)
    again = replace(
        spec,
        images=str(moved / "images"),
        start=str(moved / "f.safetensors"),
        against=str(moved / "c.safetensors"),
    )
    seen = []
    train_denoiser(again, on_epoch=seen.append)
    assert [one.epoch for one in seen] == [1, 2, 3]


def test_images_at_any_depth_without_labels(spec, tmp_path):
    written(tmp_path / "images")
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


def test_one_image_is_too_few(spec, tmp_path):
    folder = written(tmp_path / "images", count=1)
    with pytest.raises(DatasetError, match="at least 2 images"):
        train_denoiser(replace(spec, images=folder, max_images=None))


def test_a_folder_of_splits_is_not_read_as_one(spec, tmp_path):
    for split in ("train", "test"):
        written(tmp_path / "data" / split)
    with pytest.raises(DatasetError, match=r"train and test.*name .*/data/train"):
        train_denoiser(replace(spec, images=str(tmp_path / "data")))


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


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_it_learns_from_the_answers_of_the_order_that_is_named(tmp_path, monkeypatch, order):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 32, 32, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x_train=images, y_train=np.arange(8) % 2)
    torch.save(build("cifar_resnet8", 2, 3, seed=0).state_dict(), tmp_path / "net.pt")
    asked = []
    monkeypatch.setattr(
        "irs_core.train.denoise.frozen_classifier",
        lambda model: asked.append(model.digest) or frozen_classifier(model),
    )
    words = ["denoiser", "train", f"npz:{tmp_path / 'a.npz'}", "--sigma", "0.5", "--width", "4"]
    words += ["--epochs", "1", "--levels", "1", "--arch", "cifar_resnet8"]
    words += ["--against", str(tmp_path / "net.pt"), "--channel-order", order]
    assert main([*words, "--out", str(tmp_path / "d.safetensors")]) == 0
    model = ModelSpec(str(tmp_path / "net.pt"), "cifar_resnet8", channel_order=order)
    assert asked == [load_model(model).digest]


def test_a_denoiser_that_diverges_leaves_the_file_that_is_there(tmp_path):
    out = tmp_path / "d.safetensors"
    out.write_bytes(b"what was there")
    spec = DenoiserSpec("digits", str(out), (0.5,), epochs=50, lr=1e30, max_images=128, width=4)
    with pytest.raises(SpecError, match="diverged in epoch"):
        train_denoiser(spec)
    assert out.read_bytes() == b"what was there"
    assert not progress_path(out).exists()
