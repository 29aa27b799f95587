"""Three ways for a model that never saw noise, compared by a pilot on digits."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from denoisers import saved
from graph_files import export_onnx, save_ir

from irs_core.check import check_model
from irs_core.cli.main import main
from irs_core.data import load_dataset
from irs_core.models import build, load_model
from irs_core.models.objects import adopt
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train import TrainSpec
from irs_core.train.commands import (
    about,
    certify_command,
    denoiser_commands,
    finetune_command,
    ways_command,
)
from irs_core.train.denoise import train_denoiser
from irs_core.train.images import epochs_over
from irs_core.train.loop import train
from irs_core.train.offers import offered
from irs_core.train.task import Training, denoiser_training, finetuning
from irs_core.ways import Pilot, compare_ways


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tiny batches gain nothing from threads, and lose much where cores are shared."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A digits network that never saw noise."""
    out = tmp_path_factory.mktemp("clean") / "clean.safetensors"
    return str(
        train(TrainSpec("digits_resnet", str(out), sigma=0.0, epochs=15), max_test=1).weights
    )


@pytest.fixture(scope="module")
def ways(clean):
    pilot = Pilot(0.5, (0.25,), images=1300, draws=20)
    data = DataSpec(max=60)
    return compare_ways(ModelSpec(clean), data, pilot, width=8, levels=2)


def test_each_way_is_tried(ways):
    assert [one.name for one in ways] == ["as it is", "denoised", "fine-tuned"]
    assert not any(one.refused for one in ways)
    for one in ways:
        assert 0 <= one.certified[0] <= one.voted <= 1
        assert one.rate > 0


def test_only_what_trains_takes_time(ways):
    assert [one.seconds > 0 for one in ways] == [False, True, True]
    assert [len(one.commands) for one in ways] == [0, 2, 1]


def test_small_images_are_passed_more_often_in_a_pilot(ways):
    assert [one.trained for one in ways] == [
        "",
        "1,300 images, 10 passes of each objective",
        "1,300 images, 10 passes",
    ]


def test_the_predicted_time_is_that_of_the_commands(clean, monkeypatch):
    def at_pace(run):
        def paced(*arguments, **options):
            result = run(*arguments, **options)
            epochs = [replace(one, images_per_second=674.0) for one in result.epochs]
            return replace(result, epochs=tuple(epochs))

        return paced

    monkeypatch.setattr("irs_core.ways.train", at_pace(train))
    monkeypatch.setattr("irs_core.ways.train_denoiser", at_pace(train_denoiser))
    pilot = Pilot(0.5, (0.25,), images=64, draws=3)
    found = compare_ways(ModelSpec(clean), DataSpec(max=4), pilot, width=4, levels=1)
    # Each pass over the 1,348 images takes 2 s.
    assert [one.seconds for one in found] == [0.0, 2 * 100 * 2.0, 100 * 2.0]
    assert all("--epochs 100 " in command for one in found for command in one.commands)


def test_both_ways_out_help_a_model_that_never_saw_noise(ways):
    as_it_is, denoised, tuned = ways
    assert as_it_is.clean > 0.9
    assert as_it_is.noisy < 0.5
    assert denoised.noisy > as_it_is.noisy
    assert tuned.noisy > as_it_is.noisy


def test_a_denoiser_that_is_named_is_tried_as_it_is(clean, tmp_path):
    model = ModelSpec(clean, denoiser=saved(tmp_path / "d.safetensors"))
    pilot = Pilot(0.5, (0.25,), images=64, draws=5)
    _, denoised, _ = compare_ways(model, DataSpec(max=10), pilot)
    assert (denoised.seconds, denoised.trained) == (0.0, "")
    assert "--denoise" in denoised.commands[0]


def test_what_cannot_be_tried_says_why(clean, tmp_path, capsys):
    path = export_onnx(load_model(ModelSpec(clean)).module, (1, 8, 8), tmp_path / "c.onnx")
    words = ["ways", str(path), "--sigma", "0.5", "--max", "10", "--draws", "5", "--images", "64"]
    assert main([*words, "--width", "8", "--levels", "2"]) == 0
    said = capsys.readouterr().out
    assert "fine-tuned  not tried: gradients must flow" in said
    # Without gradients there is nothing to train the denoiser against.
    assert f"--against {path}" not in said


@pytest.mark.parametrize(("side", "levels"), [(28, 2), (27, 0)])
def test_a_denoiser_is_offered_where_one_fits(side, levels, tmp_path):
    rng = np.random.default_rng(0)
    made = {
        "images": rng.integers(0, 256, (80, side, side, 1), np.uint8),
        "labels": np.arange(80) % 2,
    }
    for split in ("train", "test"):
        made |= {f"x_{split}": made["images"], f"y_{split}": made["labels"]}
    np.savez(tmp_path / "a.npz", **{name: one for name, one in made.items() if "_" in name})
    module = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 2)
    )
    model = ModelSpec(adopt(module), num_classes=2)
    data = DataSpec("npz", str(tmp_path / "a.npz"))
    pilot = Pilot(0.5, (0.25,), images=64, draws=3)
    _, denoised, _ = compare_ways(model, data, pilot, most=6, width=4)
    ways, offers = offered(model, data, 0.5, load_model(model), load_dataset(data, 6))
    if levels:
        assert f"--levels {levels}" in denoised.commands[0]
        # 3 x 32 x 32 values would get 2 passes.
        assert denoised.trained == "64 images, 7 passes of each objective"
        assert f"--levels {levels}" in offers[0]
        assert ways == ("denoised", "fine-tuned")
    else:
        assert "sides have to be even" in denoised.refused
        assert ways == ("fine-tuned",)


def test_a_graph_file_is_told_what_its_weights_would_allow(clean, tmp_path):
    path = export_onnx(load_model(ModelSpec(clean)).module, (1, 8, 8), tmp_path / "c.onnx")
    report = check_model(ModelSpec(str(path)), DataSpec(max=40), sigma=0.5)
    assert report.ways == ("denoised",)
    assert any("Given as PyTorch weights" in one for one in report.offers)


def test_the_prediction_is_that_of_the_certificates(clean):
    """All copies right: the bound is alpha^(1/n), and so is the radius."""
    pilot = Pilot(0.001, (0.0, 0.001 * 3.0), n=1000, images=64, draws=5)
    as_it_is = compare_ways(ModelSpec(clean), DataSpec(max=20), pilot, width=8, levels=2)[0]
    # Phi(3) is above 0.001^(1/1000), which no certificate with 1,000 draws can exceed.
    assert as_it_is.certified == (as_it_is.clean, 0.0)
    assert math.isclose(as_it_is.voted, as_it_is.clean)


def test_the_dry_run_names_both_ways_with_commands(clean):
    said = "\n".join(check_model(ModelSpec(clean), DataSpec(max=40), sigma=0.5).offers)
    # As many steps as 3 passes over 50,000 images would be 112 passes.
    assert f"./irs finetune {clean} --sigma 0.5 --epochs 100 --data digits" in said
    assert "100 passes over 1,348 images" in said
    assert f"--against {clean}" in said
    assert f"./irs ways {clean} --sigma 0.5" in said


def test_a_model_that_was_trained_for_it_gets_no_advice():
    report = check_model(ModelSpec("shipped:digits-0.25"), DataSpec(max=40), sigma=0.25)
    assert (report.ways, report.offers, report.warnings) == ((), (), ())


def test_commands_name_what_the_file_does_not():
    model = ModelSpec("w.pt", arch="resnet20", mean=(0.5,), std=(0.25,))
    data = DataSpec("image-folder", "a folder")
    command = finetune_command(model, data, 0.25)
    assert "--root 'a folder' --arch resnet20 --mean 0.5 --std 0.25" in command
    _, second = denoiser_commands(model, data, 0.25, against=True)
    assert "'image-folder:a folder' --sigma 0.25" in second
    assert "--against w.pt --arch resnet20 --mean 0.5 --std 0.25" in second


@pytest.mark.parametrize(
    ("images", "epochs"), [(0, 3), (10**6, 3), (50_000, 3), (49_999, 4), (10_000, 15), (10, 100)]
)
def test_small_sets_are_passed_as_often_as_makes_the_usual_steps(images, epochs):
    assert epochs_over(images, 3) == epochs
    model, data = ModelSpec("w.pt"), DataSpec("npz", "d.npz")
    named = finetune_command(model, data, 0.5, images)
    # Where nobody knows the images, the command finds out itself.
    assert f"--epochs {epochs} " in named if images else "--epochs" not in named
    tuned = finetuning(model, data, 0.5, arch="resnet20", size_bytes=1, images=images)
    assert tuned.steps[0].epochs == epochs
    passes = epochs_over(images, 4)
    both = denoiser_training(model, data, 0.5, against=True, images=images).steps
    assert [one.epochs for one in both] == [passes, passes]
    for command in denoiser_commands(model, data, 0.5, against=True, images=images):
        assert f"--epochs {passes} " in command if images else "--epochs" not in command


def test_commands_train_and_certify_what_was_tried():
    model = ModelSpec("w.pt", num_classes=7, output="scores", mean=(0.5,), std=(0.25,))
    data = DataSpec("image-folder", "here", size=16, channels=3)
    first, second = denoiser_commands(model, data, 0.25, against=True, width=8, levels=2)
    assert "--size 16 --channels 3 --width 8 --levels 2" in first
    assert "--size 16 --channels 3" in second
    listed = replace(data, class_list="names.txt")
    assert "--size 16 --channels 3 --classes names.txt" in finetune_command(model, listed, 0.25)
    given = "--root here --size 16 --channels 3 --mean 0.5 --std 0.25 --classes 7 --output scores"
    assert ways_command(model, data, 0.25).endswith(given)
    elsewhere = ways_command(replace(model, denoiser="d.onnx"), replace(data, split="val"), 1 / 3)
    assert "--sigma 0.3333333333333333 " in elsewhere
    assert "--split val " in elsewhere
    assert "--denoise d.onnx" in elsewhere
    certify = certify_command(replace(model, denoiser="d.onnx"), data, 0.25)
    assert certify.startswith("./irs certify --model w.pt --sigma 0.25")
    assert certify.endswith(f"{given} --denoise d.onnx")


def test_the_commands_are_for_the_denoiser_that_was_tried(ways):
    assert "--width 8 --levels 2" in ways[1].commands[0]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "about 1 s"), (80, "about 80 s"), (600, "about 10 min")]
)
def test_times_in_words(seconds, words):
    assert about(seconds) == words
    assert about(7200) == "about 2.0 h"


def test_a_denoiser_is_not_offered_where_none_can_stand(clean, tmp_path, monkeypatch):
    path = export_onnx(load_model(ModelSpec(clean)).module, (1, 8, 8), tmp_path / "c.onnx")
    model, data = ModelSpec(str(save_ir(path, tmp_path / "c.xml"))), DataSpec(max=10)
    ways, said = offered(model, data, 0.5, load_model(model), load_dataset(data))
    assert ways == ()
    assert "c.xml is an OpenVINO IR: give the ONNX file it was made from" in said[0]
    assert "denoiser" not in said[1]
    # Known before anything is trained.
    monkeypatch.setattr("irs_core.ways.train_denoiser", lambda spec: pytest.fail("trained"))
    _, denoised, tuned = compare_ways(model, data, Pilot(0.5, (0.25,), images=64, draws=3))
    assert "c.xml is an OpenVINO IR" in denoised.refused
    assert "--against" not in tuned.refused


def test_a_model_of_blue_green_red_is_trained_and_trained_against_as_it_is(tmp_path):
    rng = np.random.default_rng(0)
    named = {
        f"x_{one}": rng.integers(0, 256, (24, 32, 32, 3), np.uint8) for one in ("train", "test")
    }
    named |= {f"y_{one}": np.arange(24) % 2 for one in ("train", "test")}
    np.savez(tmp_path / "a.npz", **named)
    torch.save(build("cifar_resnet8", 2, 3, seed=0).state_dict(), tmp_path / "net.pt")
    model = ModelSpec(str(tmp_path / "net.pt"), "cifar_resnet8", channel_order="bgr")
    data = DataSpec("npz", str(tmp_path / "a.npz"))
    pilot = Pilot(0.5, (0.25,), images=24, draws=3)
    _, denoised, tuned = compare_ways(model, data, pilot, most=6, width=4, levels=1)
    assert "--channel-order bgr" not in denoised.commands[0]
    assert "--channel-order bgr" in denoised.commands[1]
    assert "--channel-order bgr" in tuned.commands[0]
    assert denoiser_training(model, data, 0.5, against=True).steps[1].channel_order == "bgr"
    training = finetuning(model, data, 0.5, arch="cifar_resnet8", size_bytes=1)
    assert training.steps[0].channel_order == "bgr"
    assert Training.from_dict(training.to_dict()) == training


@pytest.mark.parametrize("draws", [0, -1])
def test_without_a_copy_there_is_no_trial(clean, draws, capsys):
    assert main(["ways", clean, "--sigma", "0.5", "--max", "5", "--draws", str(draws)]) == 2
    assert "draws must be at least 1" in capsys.readouterr().err


def test_the_command_says_on_what_to_decide(clean, capsys):
    words = ["ways", clean, "--sigma", "0.5", "--max", "5", "--draws", "3", "--images", "64"]
    assert main([*words, "--width", "4", "--levels", "1"]) == 0
    assert "what is chosen by these images is to be decided on others" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [np.float32, np.uint16])
def test_images_that_training_does_not_take_are_not_offered_to_it(clean, tmp_path, kind):
    rng = np.random.default_rng(0)
    images = rng.random((20, 8, 8), np.float32)
    images = images if kind == np.float32 else (images * 65535).astype(kind)
    labels = np.arange(20) % 2
    named = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(tmp_path / "a.npz", **named)
    model, data = ModelSpec(clean), DataSpec("npz", str(tmp_path / "a.npz"))
    _, denoised, tuned = compare_ways(model, data, Pilot(0.5, (0.25,), images=20, draws=3))
    for one in (denoised, tuned):
        assert "training takes images of 8 bits" in one.refused
    _, said = offered(model, data, 0.5, load_model(model), load_dataset(data))
    assert "training takes images of 8 bits" in said[1]
    assert "./irs finetune" not in said[1]
