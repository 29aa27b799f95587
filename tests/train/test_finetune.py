"""Fine-tuning goes on from a network's own weights, whoever wrote its class."""

import argparse
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from graph_files import export_onnx
from heard import listening
from PIL import Image
from safetensors.torch import load_file
from torch import nn

import irs_core
from irs_core.check import check_model
from irs_core.cli.finetune import add_finetune, finetune_spec
from irs_core.cli.main import main
from irs_core.data import load_dataset
from irs_core.data.class_list import read_class_list, written
from irs_core.errors import CheckpointError, SpecError
from irs_core.models import build, load_model, read_card
from irs_core.models.loaded import with_normalisation
from irs_core.models.objects import adopt
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.train import TrainSpec
from irs_core.train.augment import _LAYERS, _seed
from irs_core.train.denoise import train_denoiser
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.finish import train_command
from irs_core.train.loop import train
from irs_core.train.measure import _MEASURE
from irs_core.train.pace import training_pace
from irs_core.train.progress import progress_path
from irs_core.train.spec import OWN_CLASS
from irs_core.train.task import finetuning
from irs_core.train.tune import _CALIBRATE

SHIPPED = "shipped:digits-0.25"
MODELS = Path(irs_core.__file__).parent / "models" / "shipped"


@pytest.fixture
def spec(tmp_path):
    return TrainSpec(
        "digits_resnet",
        str(tmp_path / "tuned.safetensors"),
        sigma=0.5,
        epochs=1,
        lr=0.001,
        max_images=128,
        start=SHIPPED,
    )


def test_it_starts_from_the_weights(spec):
    before = load_model(ModelSpec(SHIPPED)).module.state_dict()
    # So small a step leaves the weights nearly where they were.
    after = load_file(train(replace(spec, lr=1e-9), max_test=10).weights)
    for name, value in before.items():
        if value.is_floating_point() and "running" not in name:
            assert torch.allclose(value, after[name], atol=1e-6), name


def test_the_weights_move_and_the_original_stays(spec):
    digest = load_model(ModelSpec(SHIPPED)).digest
    result = train(spec, max_test=10)
    assert load_model(ModelSpec(str(result.weights))).digest != digest
    assert load_model(ModelSpec(SHIPPED)).digest == digest


def test_the_card_says_with_what_it_was_made_and_not_by_whom(spec):
    card = read_card(train(spec, max_test=5).card)
    assert card["trained_with"] == f"irs_core {irs_core.__version__}"
    assert "trained_by" not in card


class _StoppedError(Exception):
    pass


def test_a_run_goes_on_from_the_weights_that_it_began_with_alone(spec, tmp_path):
    def stop(report):
        raise _StoppedError

    begun = replace(spec, epochs=2, start=str(tmp_path / "start.safetensors"))
    shutil.copy(MODELS / "digits-0.25.safetensors", begun.start)
    with pytest.raises(_StoppedError):
        train(begun, on_epoch=stop)
    shutil.copy(MODELS / "digits-0.50.safetensors", begun.start)
    with pytest.raises(SpecError, match="other settings, images or weights"):
        train(begun)
    # Only where the weights lie has changed.
    assert len(train(replace(begun, start=SHIPPED), max_test=5).epochs) == 2


def test_channels_are_made_to_fit(tmp_path):
    for split in ("train", "test"):
        for row in range(4):
            folder = tmp_path / "data" / split / str(row % 2)
            folder.mkdir(parents=True, exist_ok=True)
            colours = np.full((8, 8, 3), 40 * row, np.uint8)
            Image.fromarray(colours).save(folder / f"{row}.png")
    start = TrainSpec(
        "digits_resnet",
        str(tmp_path / "grey.safetensors"),
        data="image-folder",
        root=str(tmp_path / "data"),
        channels=1,
        epochs=1,
    )
    weights = str(train(start).weights)
    words = ["finetune", weights, "--sigma", "0.5", "--epochs", "1", "--data", "image-folder"]
    words += ["--root", str(tmp_path / "data"), "--out", str(tmp_path / "tuned.safetensors")]
    assert main(words) == 2
    assert main([*words, "--channels", "1"]) == 0
    card = read_card(tmp_path / "tuned.json")
    assert card["input_shape"] == [1, 8, 8]
    assert "--channels 1" in card["command"]


def test_a_run_is_measured_on_as_many_images_as_asked(spec):
    assert read_card(train(spec, max_test=30).card)["test_images"] == 30


def test_without_noise_one_pass_measures_the_accuracy(spec):
    result = train(replace(spec, sigma=0.0), max_test=50)
    assert read_card(result.card)["noisy_draws"] == 1
    assert result.accuracy.clean == result.accuracy.noisy


def test_the_normalisation_stays_inside(tmp_path):
    torch.manual_seed(0)
    start = tmp_path / "start.pt"
    torch.save(load_model(ModelSpec(SHIPPED)).module.state_dict(), start)
    spec = TrainSpec(
        "digits_resnet",
        str(tmp_path / "tuned.safetensors"),
        epochs=1,
        max_images=64,
        start=str(start),
        mean=(0.3,),
        std=(0.4,),
    )
    loaded = load_model(ModelSpec(str(train(spec, max_test=5).weights)))
    assert (loaded.mean, loaded.std) == ((0.3,), (0.4,))


def test_labels_are_numbered_as_the_model_numbers_them(tmp_path):
    digits = load_dataset(DataSpec(split="train", max=200))
    for split in ("train", "test"):
        for name, wanted in (("a", 0), ("b", 1)):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for row in np.flatnonzero(digits.labels == wanted):
                grey = (digits.pixels[row, 0] * 15).astype(np.uint8)
                Image.fromarray(grey).save(folder / f"{row}.png")
    (tmp_path / "start.classes.txt").write_text("b\na\n")
    torch.save(build("digits_resnet", 2, 1, seed=0).state_dict(), tmp_path / "start.pt")
    words = ["finetune", str(tmp_path / "start.pt"), "--arch", "digits_resnet", "--sigma", "0.1"]
    words += ["--data", "image-folder", "--root", str(tmp_path / "data"), "--epochs", "1"]
    assert main([*words, "--batch", "8", "--out", str(tmp_path / "tuned.safetensors")]) == 0
    assert read_card(tmp_path / "tuned.json")["classes"] == ["b", "a"]


def test_models_without_gradients_are_refused(spec, tmp_path):
    export_onnx(load_model(ModelSpec(SHIPPED)).module, (1, 8, 8), tmp_path / "c.onnx")
    with pytest.raises(CheckpointError, match="gradients"):
        train(replace(spec, start=str(tmp_path / "c.onnx"), arch="object"))


class Auxiliary(nn.Module):
    """Scores alone once it is trained, as some networks with a second head."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 10)

    def forward(self, images):
        scores = self.linear(images.flatten(1))
        return (scores, scores) if self.training else scores


class Closed(Auxiliary):
    def forward(self, images):
        with torch.no_grad():
            return self.linear(images.flatten(1))


class Twice(nn.Module):
    """A layer under two names."""

    def __init__(self):
        super().__init__()
        self.one = self.other = nn.Linear(64, 64)
        self.last = nn.Linear(64, 10)

    def forward(self, images):
        return self.last(self.other(self.one(images.flatten(1))))


@pytest.mark.parametrize("kind", [Auxiliary, Closed])
def test_what_gives_no_scores_or_gradients_in_training_is_refused_before_it(spec, kind):
    start = adopt(kind())
    steps = []
    with pytest.raises(CheckpointError, match="cannot be trained"):
        train(replace(spec, start=start, arch=OWN_CLASS), on_images=lambda *_: steps.append(1))
    assert not steps
    # The dry run measures all else, and offers what is left.
    report = check_model(ModelSpec(start, num_classes=10), DataSpec(max=20), sigma=3.0, draws=3)
    assert "fine-tuned" not in report.ways


def test_a_layer_that_is_used_twice_is_written(spec):
    torch.manual_seed(0)
    made = train(replace(spec, start=adopt(Twice()), arch=OWN_CLASS, max_images=64))
    state = load_file(made.weights)
    assert torch.equal(state["one.weight"], state["other.weight"])


def test_data_without_a_test_split_are_trained_on_and_not_measured(tmp_path, capsys):
    digits = load_dataset(DataSpec(split="train", max=80))
    for row in range(80):
        folder = tmp_path / "data" / "train" / str(digits.labels[row])
        folder.mkdir(parents=True, exist_ok=True)
        grey = (digits.pixels[row, 0] * 15).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"{row}.png")
    words = ["finetune", SHIPPED, "--sigma", "0.5", "--epochs", "1", "--batch", "16"]
    words += ["--data", "image-folder", "--root", str(tmp_path / "data")]
    with listening() as heard:
        assert main([*words, "--out", str(tmp_path / "tuned.safetensors")]) == 0
    assert "accuracy not measured" in capsys.readouterr().out
    assert "accuracy will not be measured" in heard.text
    assert read_card(tmp_path / "tuned.json")["accuracy_noisy"] is None


def test_the_command_reads_the_weights_with_the_normalisation_that_it_is_given(tmp_path):
    module = with_normalisation(build("digits_resnet", 10, 1, seed=0), (0.3,), (0.4,))
    state = {f"1.{name}": one for name, one in module.get_submodule("network").state_dict().items()}
    torch.save(state, tmp_path / "start.pt")
    words = ["finetune", str(tmp_path / "start.pt"), "--arch", "digits_resnet", "--sigma", "0.1"]
    words += ["--mean", "0.3", "--std", "0.4", "--epochs", "1", "--max-images", "32"]
    assert main([*words, "--out", str(tmp_path / "tuned.safetensors")]) == 0
    assert load_model(ModelSpec(str(tmp_path / "tuned.safetensors"))).mean == (0.3,)


def test_a_note_decides_nothing_and_what_differs_is_named(spec):
    def stop(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(spec, epochs=2, note="one"), on_epoch=stop, max_test=1)
    with pytest.raises(SpecError, match=r"\(lr, seed\)"):
        train(replace(spec, epochs=2, seed=5, lr=0.002), max_test=1)
    assert len(train(replace(spec, epochs=2, note="two"), max_test=1).epochs) == 2


@pytest.mark.parametrize(("data", "flips"), [("digits", False), ("mnist", False), ("npz", True)])
def test_digits_are_not_mirrored(spec, data, flips):
    assert replace(spec, data=data).flips is flips
    assert DenoiserSpec(f"{data}:x", "d.safetensors", (0.5,)).flips is flips


def test_the_command_repeats_the_run_whatever_its_rate(spec):
    for rate in (0.1, 0.02, 0.001):
        words = shlex.split(train_command(replace(spec, lr=rate)))[3:]
        assert words[:2] == ["finetune", SHIPPED]
        parser = argparse.ArgumentParser()
        add_finetune(parser.add_subparsers())
        assert finetune_spec(parser.parse_args(words)) == replace(spec, lr=rate)


def test_settings_that_exclude_each_other_are_refused(spec):
    with pytest.raises(SpecError, match="qat_from"):
        replace(spec, qat_from=SHIPPED)
    with pytest.raises(SpecError, match="starts from"):
        replace(spec, start=None, mean=(0.5,), std=(0.5,))
    with pytest.raises(SpecError, match="starts from"):
        replace(spec, start=None, classes="classes.txt")


def test_the_command_takes_somebodys_own_class(tmp_path, monkeypatch, capsys):
    (tmp_path / "own_tuned_net.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ["finetune", "own_tuned_net:make", "--sigma", "0.5", "--epochs", "2"]
    assert main([*words, "--max-images", "200", "--out", "own.safetensors"]) == 0
    assert "under noise 0.5" in capsys.readouterr().out
    assert set(load_file("own.safetensors")) == {"1.weight", "1.bias"}
    card = read_card(tmp_path / "own.json")
    assert card["arch"] == nn.Sequential.__name__
    assert "finetune call:own_tuned_net:make" in card["command"]


def test_the_command_takes_a_shipped_model(tmp_path, capsys):
    out = str(tmp_path / "tuned.safetensors")
    words = ["finetune", SHIPPED, "--sigma", "0.5", "--epochs", "1", "--max-images", "100"]
    assert main([*words, "--out", out, "--json"]) == 0
    assert '"command": "finetune"' in capsys.readouterr().out
    assert load_model(ModelSpec(out)).arch == "digits_resnet"


class Dropping(nn.Module):
    """A network whose layers draw for themselves."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))

    def forward(self, images):
        return self.layers(images)


def test_layers_that_draw_draw_the_same_in_every_run(spec, tmp_path):
    def stop(report):
        if report.epoch == 1:
            raise _StoppedError

    own = replace(spec, start=adopt(Dropping()), arch=OWN_CLASS, epochs=2)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    whole = load_file(train(own, max_test=0).weights)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = replace(own, out=str(tmp_path / "again.safetensors"))
    with pytest.raises(_StoppedError):
        train(again, on_epoch=stop, max_test=0)
    torch.manual_seed(3)
    resumed = load_file(train(again, max_test=0).weights)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_timing_a_training_leaves_the_generator_of_the_process_alone():
    data = load_dataset(DataSpec(max=8))
    model = load_model(ModelSpec(adopt(Dropping()), num_classes=10))
    before = torch.get_rng_state()
    assert training_pace(model, data.images(slice(None)), data.labels)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("rate", [1e30, 1e4])
def test_a_run_that_diverges_ends_at_once_and_writes_nothing(spec, rate):
    out = Path(spec.out)
    out.write_bytes(b"what was there")
    with pytest.raises(SpecError, match=r"diverged in epoch \d+ .*smaller --lr"):
        train(replace(spec, lr=rate, epochs=50))
    assert out.read_bytes() == b"what was there"
    # A smaller rate begins anew.
    assert not progress_path(out).exists()
    assert train(spec, max_test=1).accuracy is not None


def test_a_program_is_told_from_a_network_without_being_run(tmp_path, capsys):
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    torch.jit.save(torch.jit.trace(module, torch.zeros(1, 1, 8, 8)), tmp_path / "program.pt")
    out = str(tmp_path / "tuned.safetensors")
    assert main(["finetune", str(tmp_path / "program.pt"), "--sigma", "0.5", "--out", out]) == 2
    said = capsys.readouterr().err
    assert "program.pt is a TorchScript program, which is run, not trained" in said
    assert "command line" not in said


@pytest.mark.parametrize("spelled", ["{0}/net.safetensors", "{0}/here/../net.safetensors", "link"])
@pytest.mark.parametrize("read", ["start", "qat_from", "against"])
def test_no_run_writes_over_what_it_reads(tmp_path, monkeypatch, spelled, read):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    (tmp_path / "net.safetensors").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "net.safetensors")
    whole = TrainSpec("digits_resnet", "net.safetensors")
    if read == "against":
        whole = DenoiserSpec("digits", "net.safetensors", (0.5,))
    named = replace(whole, **{read: spelled.format(tmp_path)})
    with pytest.raises(SpecError, match=f"another file than {read}"):
        named.check_files()
    with pytest.raises(SpecError, match=f"another file than {read}"):
        (train_denoiser if read == "against" else train)(named)


def test_what_was_tuned_knows_every_name_of_its_classes(tmp_path, capsys):
    synsets = {"n01440764": "tench, Tinca tinca", "n01443537": "goldfish, Carassius auratus"}
    for split in ("train", "test"):
        for name in synsets:
            (tmp_path / "data" / split / name).mkdir(parents=True)
            for number in range(4):
                grey = Image.new("L", (8, 8), 60 * number)
                grey.save(tmp_path / "data" / split / name / f"{number}.png")
    listed = "".join(f"{one} {words}\n" for one, words in synsets.items())
    (tmp_path / "start.classes.txt").write_text(listed)
    torch.save(build("digits_resnet", 2, 1, seed=0).state_dict(), tmp_path / "start.pt")
    data = ["--data", "image-folder", "--root", str(tmp_path / "data")]
    words = ["finetune", str(tmp_path / "start.pt"), "--arch", "digits_resnet", "--sigma", "0.1"]
    place = tmp_path / "elsewhere"
    out = str(place / "tuned.safetensors")
    assert main([*words, *data, "--epochs", "1", "--out", out]) == 0
    assert read_card(place / "tuned.json")["classes"] == listed.splitlines()
    store = ["--store", str(tmp_path / "store"), "--n", "10", "--n0", "5", "--np", "100%"]
    assert main(["certify", "--model", out, *data, "--sigma", "0.1", *store]) == 0
    assert "not among" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "entry",
    [
        ("cat",),
        ("tench, Tinca tinca", "n01440764", "tench", "Tinca tinca"),
        ("n01440764",),
        ("tench", "n01440764"),
        ("shown", "other"),
    ],
)
def test_names_of_a_class_are_read_back_as_they_were_written(tmp_path, entry):
    (tmp_path / "classes.json").write_text(json.dumps({"classes": [written(entry), "last"]}))
    assert read_class_list(tmp_path / "classes.json").entries == (entry, ("last",))


def test_a_network_of_blue_green_red_becomes_one_of_red_green_blue(tmp_path, capsys):
    rng = np.random.default_rng(0)
    images = {name: rng.integers(0, 256, (24, 32, 32, 3), np.uint8) for name in ("train", "test")}
    named = {f"x_{name}": one for name, one in images.items()}
    named |= {f"y_{name}": np.arange(24) % 2 for name in images}
    np.savez(tmp_path / "a.npz", **named)
    torch.save(build("cifar_resnet8", 2, 3, seed=0).state_dict(), tmp_path / "start.pt")
    words = ["finetune", str(tmp_path / "start.pt"), "--arch", "cifar_resnet8", "--sigma", "0.1"]
    words += ["--data", "npz", "--root", str(tmp_path / "a.npz"), "--epochs", "1", "--lr", "1e-9"]
    out = str(tmp_path / "tuned.safetensors")
    assert main([*words, "--channel-order", "bgr", "--out", out]) == 0
    assert "leave out --channel-order bgr" in capsys.readouterr().out
    told = ModelSpec(str(tmp_path / "start.pt"), "cifar_resnet8", channel_order="bgr")
    pair = (load_model(one).module.parameters() for one in (told, ModelSpec(out)))
    for before, after in zip(*pair, strict=True):
        assert torch.allclose(before, after, atol=1e-5)
    assert "--channel-order bgr" in read_card(tmp_path / "tuned.json")["command"]


def test_an_order_that_came_later_changes_no_id(spec):
    assert "channel_order" not in spec.to_dict()
    assert replace(spec, channel_order="bgr").to_dict()["channel_order"] == "bgr"
    with pytest.raises(SpecError, match="channel_order belong to weights"):
        replace(spec, start=None, channel_order="bgr")
    with pytest.raises(SpecError, match="channel_order belong to the classifier"):
        DenoiserSpec("digits", "d.safetensors", (0.5,), channel_order="bgr")


class Masked(Dropping):
    """A network with a constant that is not finite, as masks of attention have."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mask", torch.full((10, 10), -torch.inf).triu(1))

    def forward(self, images):
        return self.layers(images) @ self.mask.softmax(1)


def test_a_constant_that_is_not_finite_is_no_divergence(spec):
    assert train(replace(spec, start=adopt(Masked()), arch=OWN_CLASS, lr=0.01), max_test=0).weights


def test_no_two_streams_of_a_training_are_one():
    seeds = [_seed(0, 0), _seed(0, 0, _LAYERS), _seed(0, _MEASURE), _seed(0, _CALIBRATE)]
    assert len(set(seeds)) == len(seeds)


def test_a_name_that_is_only_a_placeholder_is_no_file(tmp_path, monkeypatch):
    """What the app trains gets its folder when it runs."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(MODELS / "digits-0.25.safetensors", tmp_path / "finetuned.safetensors")
    model = ModelSpec(str(tmp_path / "finetuned.safetensors"))
    training = finetuning(model, DataSpec(), 0.5, arch="digits_resnet", size_bytes=1)
    for step in training.in_folder(tmp_path / "work"):
        step.check_files()
