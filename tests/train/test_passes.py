"""Passes over the training images that nobody named."""

import argparse
import shlex
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from irs_core.cli.denoiser import add_denoiser, denoiser_from_args
from irs_core.cli.finetune import add_finetune, finetune_spec
from irs_core.data import load_dataset
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec
from irs_core.train.denoiser_finish import denoiser_command
from irs_core.train.denoiser_spec import DenoiserSpec

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


@pytest.mark.parametrize(
    ("more", "epochs"), [("", 100), ("--max-images 2000", 100), ("--epochs 7", 7)]
)
def test_denoisers_pass_small_folders_more_often(folder, monkeypatch, more, epochs):
    words = f"denoiser train {folder} --sigma 0.5 {more} --out d.safetensors"
    assert denoiser_from_args(parsed(add_denoiser, words)).epochs == epochs


def test_the_images_that_are_asked_for_count(folder, monkeypatch):
    # So that 1,000 images are many.
    monkeypatch.setattr("irs_core.train.passes._USUAL_IMAGES", 2000)
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
