"""Which images a training takes, and how often."""

import argparse
import io
import shlex
from dataclasses import replace

import numpy as np
import pytest
from heard import listening
from PIL import Image

from irs_core.cli.denoiser import add_denoiser, denoiser_from_args
from irs_core.cli.finetune import add_finetune, finetune_spec
from irs_core.data import load_dataset, open_source, open_training
from irs_core.errors import DatasetError, SpecError
from irs_core.models import load_model
from irs_core.run.calibration import calibration_images
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.train import TrainSpec
from irs_core.train.denoiser_finish import denoiser_command
from irs_core.train.denoiser_spec import DenoiserSpec
from irs_core.train.images import training_images
from irs_core.train.loop import train
from irs_core.train.offers import offered
from irs_core.tune.images import images_apart
from irs_core.ways import Pilot, compare_ways

IMAGES = len(load_dataset(DataSpec("digits", split="train")).labels)


def parsed(add, words):
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers())
    return parser.parse_args(shlex.split(words))


@pytest.fixture
def folder(tmp_path):
    """1,000 images on two levels, and a file that is none."""
    (tmp_path / "deep").mkdir()
    for number in range(1000):
        below = tmp_path / ("deep" if number % 2 else ".")
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(below / f"{number}.png")
    (tmp_path / "notes.txt").write_text("none")
    return tmp_path


@pytest.mark.parametrize(
    ("more", "epochs"), [("", 100), ("--max-images 100", 100), ("--epochs 2", 2)]
)
def test_fine_tuning_passes_small_sets_more_often(more, epochs):
    words = f"finetune shipped:digits-0.50 --sigma 0.5 {more} --out t.safetensors"
    assert -(-3 * 50_000 // IMAGES) > 100
    assert finetune_spec(parsed(add_finetune, words)).epochs == epochs


@pytest.mark.parametrize(("more", "epochs"), [("", 100), ("--epochs 7", 7)])
def test_denoisers_pass_small_folders_more_often(folder, more, epochs):
    words = f"denoiser train {folder} --sigma 0.5 {more} --out d.safetensors"
    assert denoiser_from_args(parsed(add_denoiser, words)).epochs == epochs


def test_the_images_that_are_asked_for_count(folder, monkeypatch):
    # So that 1,000 images are many.
    monkeypatch.setattr("irs_core.train.images._USUAL_IMAGES", 2000)
    words = f"denoiser train {folder} --sigma 0.5 --out d.safetensors"
    assert denoiser_from_args(parsed(add_denoiser, words)).epochs == 8
    assert denoiser_from_args(parsed(add_denoiser, f"{words} --max-images 100")).epochs == 80
    tuned = "finetune shipped:digits-0.50 --sigma 0.5 --out t.safetensors"
    assert finetune_spec(parsed(add_finetune, tuned)).epochs == -(-6000 // IMAGES)
    assert finetune_spec(parsed(add_finetune, f"{tuned} --max-images 500")).epochs == 12


def test_folders_without_images_are_refused(tmp_path):
    words = f"denoiser train {tmp_path} --sigma 0.5 --out d.safetensors"
    with pytest.raises(DatasetError, match="no images below"):
        denoiser_from_args(parsed(add_denoiser, words))


@pytest.mark.parametrize("epochs", [1, 5, 100])
def test_the_command_that_repeats_a_denoiser_names_its_passes(epochs):
    spec = DenoiserSpec("digits", "d.safetensors", (0.5,), epochs=epochs, flip=False, width=8)
    command = denoiser_command(spec)
    assert f"--epochs {epochs} " in command
    words = shlex.join(shlex.split(command)[3:])
    assert denoiser_from_args(parsed(add_denoiser, words)) == spec
    several = replace(spec, sigma=(0.25, 0.5), mean=(0.5,), std=(0.25,), against="shipped:x")
    words = shlex.join(shlex.split(denoiser_command(several))[3:])
    assert denoiser_from_args(parsed(add_denoiser, words)) == several


def arrays(path, names, count=40):
    """An .npz of 8x8 images, a class per half of the grey values, under each pair of names."""
    rng = np.random.default_rng(0)
    made = {}
    for images, labels in names:
        made[labels] = np.arange(count) % 2
        low = 128 * made[labels][:, None, None, None]
        made[images] = (low + rng.integers(0, 128, (count, 8, 8, 1))).astype(np.uint8)
    np.savez(path, **made)
    return str(path)


WHOLE, SPLIT = [("images", "labels")], [("x_train", "y_train"), ("x_test", "y_test")]


@pytest.mark.parametrize(
    ("names", "apart"), [(WHOLE, False), ([("images", "y_train")], False), (SPLIT, True)]
)
def test_images_of_no_split_are_not_apart_from_those_that_are_certified(tmp_path, names, apart):
    data = DataSpec("npz", arrays(tmp_path / "a.npz", names), split="train")
    assert open_source(data).has_split is apart
    assert load_dataset(data).has_split is apart
    certified = replace(data, split="test")
    assert open_source(data).description == "arrays in a.npz" + (", train split" if apart else "")
    if apart:
        assert training_images(certified) == 40
    else:
        with pytest.raises(DatasetError, match="x_train and y_train"):
            open_training(certified)


def test_arrays_in_a_folder_have_splits_by_their_names(tmp_path):
    for name in ("images", "x_train"):
        np.save(tmp_path / f"{name}.npy", np.zeros((4, 8, 8), np.uint8))
    for name in ("labels", "y_train"):
        np.save(tmp_path / f"{name}.npy", np.arange(4))
    data = DataSpec("npz", str(tmp_path), split="train")
    assert not open_source(data).has_split
    (tmp_path / "images.npy").unlink()
    assert open_source(data).has_split


def test_a_table_of_no_split_is_not_apart_either(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    picture = io.BytesIO()
    Image.new("L", (8, 8)).save(picture, "png")
    table = pa.table({"image": [picture.getvalue()] * 4, "label": [0, 1, 0, 1]})
    for name in ("train", "test"):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert training_images(DataSpec("parquet", str(tmp_path))) == 4
    with pytest.raises(DatasetError, match=r"train\.parquet and test\.parquet"):
        training_images(DataSpec("parquet", str(tmp_path / "train.parquet")))


@pytest.mark.parametrize("data", [DataSpec(split="train"), DataSpec("parquet", "x", split="")])
def test_the_training_split_is_not_apart_from_itself(data):
    with pytest.raises(DatasetError, match="certify another one"):
        open_training(data)


@pytest.mark.parametrize(("train", "test"), [(np.uint8, np.uint16), (np.uint16, np.uint8)])
def test_the_depth_that_counts_is_that_of_the_training_images(tmp_path, train, test):
    images, labels = np.zeros((4, 8, 8)), np.arange(4) % 2
    np.savez(
        tmp_path / "a.npz",
        x_train=images.astype(train),
        y_train=labels,
        x_test=images.astype(test),
        y_test=labels,
    )
    data = DataSpec("npz", str(tmp_path / "a.npz"))
    if train == np.uint8:
        assert training_images(data) == 4
    else:
        with pytest.raises(DatasetError, match="training takes images of 8 bits"):
            training_images(data)


def test_whoever_names_images_of_no_split_trains_on_them_and_measures_nothing(tmp_path):
    spec = TrainSpec(
        "digits_resnet",
        str(tmp_path / "t.safetensors"),
        data="npz",
        root=arrays(tmp_path / "a.npz", WHOLE),
        epochs=1,
    )
    with listening() as heard:
        assert train(spec).accuracy is None
    assert "names no splits" in heard.text
    assert train(replace(spec, root=arrays(tmp_path / "b.npz", SPLIT))).accuracy is not None


def test_ranges_are_set_on_other_images_than_those_that_are_certified(tmp_path):
    path = arrays(tmp_path / "a.npz", WHOLE)
    model = ModelSpec("shipped:digits-0.50")
    spec = StudySpec(model, DataSpec("npz", path, max=10, holdout=20), NoiseSpec(0.5), ())
    _, source = calibration_images(spec, load_dataset(spec.data))
    assert source == "20 held-out images"


def folders(root, splits):
    """Image folders whose classes differ by their grey."""
    for split, names in splits.items():
        for name in names:
            (root / split / name).mkdir(parents=True)
            for number in range(8):
                grey = Image.new("L", (8, 8), 60 * "abcd".index(name) + number)
                grey.save(root / split / name / f"{number}.png")
    return str(root)


def of_folders(root, **settings):
    """A training on images in folders."""
    out = f"{root}.safetensors"
    return TrainSpec("digits_resnet", out, data="image-folder", root=root, **settings)


@pytest.mark.parametrize("tested", ["bc", "ac", "abc"])
def test_test_images_are_numbered_as_the_training_images(tmp_path, tested):
    root = folders(tmp_path / "data", {"train": "abc", "test": tested})
    # A class without images is none that had to be trained on.
    (tmp_path / "data" / "test" / "Z").mkdir()
    spec = of_folders(root, sigma=0.0, epochs=40, batch=24)
    assert train(spec).accuracy.clean == 1


def test_a_class_that_was_not_trained_on_cannot_be_measured(tmp_path):
    root = folders(tmp_path / "data", {"train": "abc", "test": "bd"})
    spec = of_folders(root, epochs=1)
    with listening() as heard:
        assert train(spec).accuracy is None
    assert "has the class 'd', which is not trained on" in heard.text


def test_ways_and_offers_do_not_train_on_what_is_certified(tmp_path):
    data = DataSpec("npz", arrays(tmp_path / "a.npz", WHOLE))
    model = ModelSpec("shipped:digits-clean")
    _, denoised, tuned = compare_ways(model, data, Pilot(0.5, (0.25,), images=20, draws=3))
    assert "no split for training" in denoised.refused
    assert "no split for training" in tuned.refused
    ways, said = offered(model, data, 0.5, load_model(model), load_dataset(data))
    assert ways == ("denoised", "fine-tuned")
    assert "./irs denoiser train FOLDER " in said[0]
    assert "no split for training" in said[1]
    assert "./irs finetune" not in said[1]


@pytest.mark.parametrize(("name", "data"), [("digits", "digits:"), ("npz", "npz:ROOT")])
def test_a_folder_that_is_named_as_a_kind_of_data_is_asked_about(tmp_path, monkeypatch, name, data):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    words = f"denoiser train {name} --sigma 0.5 --out d.safetensors"
    with pytest.raises(SpecError, match=f"say ./{name} for the folder") as error:
        denoiser_from_args(parsed(add_denoiser, words))
    assert data.removesuffix("ROOT") in str(error.value)
    with pytest.raises(DatasetError, match="no images below"):
        denoiser_from_args(parsed(add_denoiser, words.replace(name, f"./{name}", 1)))
    if name == "digits":
        assert denoiser_from_args(parsed(add_denoiser, words.replace(name, data, 1))).epochs == 100


def test_layers_are_not_ranked_on_the_images_that_are_certified(tmp_path):
    data = DataSpec("npz", arrays(tmp_path / "a.npz", WHOLE), max=10)
    with pytest.raises(DatasetError, match=r"--holdout N.*no split for training"):
        images_apart(data, 20)
    assert images_apart(replace(data, holdout=20), 20).words == "20 held-out images"
    split = DataSpec("npz", arrays(tmp_path / "b.npz", SPLIT), max=10)
    assert images_apart(split, 20).words == "20 training images"
