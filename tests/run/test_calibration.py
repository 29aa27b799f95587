"""Calibration sees no draw that certifies, and reported images only where it may."""

import numpy as np
import pytest
from synthetic import synthetic_spec

from irs_core.data import load_dataset
from irs_core.errors import DatasetError
from irs_core.run import calibration
from irs_core.run.calibration import CALIBRATION_DRAWS, calibration_images
from irs_core.spec.study import DataSpec


@pytest.fixture(autouse=True)
def no_training_images(monkeypatch):
    def none(data):
        raise DatasetError("no such split")

    monkeypatch.setattr(calibration, "_training_images", none)


def spec(**data):
    return synthetic_spec(data=DataSpec(**data))


def test_noise_comes_from_a_stream_that_certifies_nothing(monkeypatch):
    streams = []
    blocks = calibration.noise_blocks

    def recorded(noise, stream, *rest, **named):
        streams.append(stream)
        return blocks(noise, stream, *rest, **named)

    monkeypatch.setattr(calibration, "noise_blocks", recorded)
    asked = spec(max=5, holdout=3)
    images, _ = calibration_images(asked, load_dataset(asked.data))
    assert set(streams) == {"pilot"}
    assert len(images) == 3 * CALIBRATION_DRAWS


def test_held_out_images_come_before_reported_ones(monkeypatch):
    asked = spec(max=5, holdout=3)
    dataset = load_dataset(asked.data)
    monkeypatch.setattr(calibration, "noisy", lambda image, *_, **__: image[None])
    images, source = calibration_images(asked, dataset)
    assert source == "3 held-out images"
    held = {one.tobytes() for one in dataset.images(np.flatnonzero(~dataset.reported))}
    assert {one.tobytes() for one in images} == held


def test_reported_images_are_refused_where_unseen_ones_are_needed():
    asked = spec(max=5)
    dataset = load_dataset(asked.data)
    _, source = calibration_images(asked, dataset)
    assert source == "5 of the reported images, without labels"
    with pytest.raises(DatasetError, match="hold some out"):
        calibration_images(asked, dataset, unseen=True)


@pytest.mark.parametrize("data", [{"max": 20}, {"max": 5, "holdout": 20}])
def test_of_many_images_those_from_all_over_are_taken(monkeypatch, data):
    """Folders are sorted by class."""
    asked = spec(**data)
    dataset = load_dataset(asked.data)
    rows = np.flatnonzero(~dataset.reported) if "holdout" in data else np.arange(20)
    monkeypatch.setattr(calibration, "CALIBRATION_IMAGES", 4)
    monkeypatch.setattr(calibration, "noisy", lambda image, *_, **__: image[None])
    images, _ = calibration_images(asked, dataset)
    taken = {one.tobytes() for one in images}
    assert len(taken) == 4
    for start in range(0, 20, 5):
        fifth = dataset.images(rows[start : start + 5])
        assert len({one.tobytes() for one in fifth} & taken) == 1
