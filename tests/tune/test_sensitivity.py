"""Sensitivities against a literal recount with whole networks, and their intervals exactly."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from irs_core.approx.layers import weighted_layers
from irs_core.certify import build_cache_from_hits, certify_cache
from irs_core.errors import ApproximationError, CancelledError, SpecError, StoreError
from irs_core.models import LoadedModel, load_model
from irs_core.sampling.noise import noise_blocks
from irs_core.spec.mixed import parse_treatment
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.tune import record
from irs_core.tune.changes import (
    Change,
    EmulatedInt8,
    changed_layers,
    every_change,
    input_ranges,
)
from irs_core.tune.images import ApartImages, images_apart
from irs_core.tune.record import Sensitivity
from irs_core.tune.sensitivity import SELECTION, leave_interval, measure

NOISE, DRAWS, RADIUS = NoiseSpec(0.5, seed=3), 60, 0.2


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(ModelSpec("shipped:digits-0.50"))


@pytest.fixture(scope="module")
def images() -> ApartImages:
    return images_apart(DataSpec(max=20, holdout=60), 12)


@pytest.fixture(scope="module")
def found(model: LoadedModel, images: ApartImages) -> Sensitivity:
    treatments = [parse_treatment(one) for one in ("int4", "prune:0.6", "channels:0.5", "fp32")]
    changes = every_change(model.module, treatments, groups=True)
    return measure(model, images, changes, noise=NOISE, radius=RADIUS, draws=DRAWS)


def _noisy(images: ApartImages, row: int, stream: str, draws: int) -> torch.Tensor:
    image = images.pixels[row]
    (values,) = noise_blocks(NOISE, stream, row, 0, shape=image.shape, stop=draws, block=draws)
    return torch.from_numpy(image + values)


def _recount(
    model: LoadedModel, images: ApartImages, name: str, treatment: str
) -> tuple[list[int], int, int]:
    """Draws that leave, image by image; images lost and gained: by a whole second network."""
    whole = copy.deepcopy(model.module)
    for own, layer in changed_layers(model.module, name, parse_treatment(treatment), {}).items():
        whole.set_submodule(own, layer)
    left, certified = [], []
    with torch.no_grad():
        for row in range(len(images)):
            votes = model.module(_noisy(images, row, "select", SELECTION)).argmax(1)
            top = int(torch.bincount(votes).argmax())
            noisy = _noisy(images, row, "estimate", DRAWS)
            own, other = model.module(noisy).argmax(1), whole(noisy).argmax(1)
            left.append(int((own != other).sum()))
            pair = []
            for answers in (own, other):
                hits = np.array([int((answers == top).sum())])
                cache = build_cache_from_hits(
                    np.array([top]), hits, n0=SELECTION, n=DRAWS, alpha=0.001
                )
                pair.append(
                    top == images.labels[row]
                    and certify_cache(cache, sigma=NOISE.sigma).radius[0] >= RADIUS
                )
            certified.append(pair)
    lost = sum(bool(own and not other) for own, other in certified)
    gained = sum(bool(other and not own) for own, other in certified)
    return left, lost, gained


@pytest.mark.parametrize(
    ("name", "treatment"),
    [("conv1", "prune:0.6"), ("layer1.0.conv1", "channels:0.5"), ("fc", "int4")],
)
def test_counts_are_those_of_whole_networks(
    model: LoadedModel, images: ApartImages, found: Sensitivity, name: str, treatment: str
) -> None:
    (effect,) = (one for one in found.effects if (one.name, one.treatment) == (name, treatment))
    left, lost, gained = _recount(model, images, name, treatment)
    assert effect.left == sum(left)
    assert (effect.lost, effect.gained) == (lost, gained)
    worst = {one.index: one.left for one in effect.hurts}
    assert worst == {
        index: count for index, count in zip(images.indices, left, strict=True) if index in worst
    }
    assert max(left) in worst.values()


def test_something_is_lost_somewhere(found: Sensitivity) -> None:
    assert found.certified > 0
    assert any(one.lost for one in found.effects)


def test_a_layer_that_is_not_changed_changes_nothing(found: Sensitivity) -> None:
    for one in found.effects:
        if one.treatment == "fp32":
            assert (one.left, one.lost, one.gained, one.saved_bytes, one.hurts) == (0, 0, 0, 0, ())
            assert one.low == 0
            assert one.kl == pytest.approx(0, abs=1e-9)


def test_intervals_hold_together(found: Sensitivity) -> None:
    level = (1 - found.confidence) / len(found.effects) / 2
    total = len(found.indices) * DRAWS
    assert found.total == total
    for one in found.effects:
        assert (one.low, one.high) == leave_interval(one.left, total, 2 * level)
        if one.left > 1:
            assert one.low == float(binomial_lower_bound(one.left, total, level))
            assert one.high == float(binomial_upper_bound(one.left, total, level))


def test_one_trial_that_may_come_true_is_covered_as_well() -> None:
    draws, level = 20, 0.1
    # All of the mean lies in one trial, whose chance is just above half the level.
    chance = level / 2 * 1.001
    assert binomial_lower_bound(1, draws, level / 2) > chance / draws
    assert leave_interval(1, draws, level)[0] == level / 2 / draws < chance / draws
    assert leave_interval(draws - 1, draws, level)[1] == 1 - level / 2 / draws


@pytest.mark.parametrize("mean", [0.002, 0.02, 0.2])
def test_an_interval_covers_the_mean_of_unequal_rates(mean: float) -> None:
    """Exactly, by the distribution of the sum: half of the images never leave."""
    rates = np.repeat([0.0, 2 * mean], 40)
    chance = np.ones(1)
    for rate in rates:
        chance = np.convolve(chance, [1 - rate, rate])
    k, level = np.arange(len(chance)), 0.005
    low, high = np.transpose([leave_interval(one, len(rates), 2 * level) for one in k.tolist()])
    assert chance[low > mean].sum() <= level
    assert chance[high < mean].sum() <= level


def test_groups_are_blocks(model: LoadedModel, found: Sensitivity) -> None:
    groups = {one.name: one.layers for one in found.effects if one.group}
    assert groups["layer2.0"] == ("layer2.0.conv1", "layer2.0.conv2", "layer2.0.downsample.0")
    assert set(groups) == {"layer1.0", "layer2.0"}
    alone = {one.name: one for one in found.ranked("prune:0.6")}
    together = found.ranked("prune:0.6", groups=True)
    assert all(
        one.saved_bytes == sum(alone[name].saved_bytes for name in one.layers) for one in together
    )


def test_the_worst_comes_first(found: Sensitivity) -> None:
    ranked = found.ranked("int4")
    assert [one.left for one in ranked] == sorted((one.left for one in ranked), reverse=True)
    assert {one.treatment for one in ranked} == {"int4"}
    assert not any(one.group for one in ranked)


def test_it_can_be_repeated_and_stopped(model: LoadedModel, images: ApartImages) -> None:
    changes = [Change("fc", ("fc",), parse_treatment("int8"))]

    def again(**more: object) -> Sensitivity:
        return measure(model, images, changes, noise=NOISE, radius=RADIUS, draws=20, **more)

    assert again().effects == again().effects
    with pytest.raises(CancelledError):
        again(should_stop=lambda: True)
    # The network is as it was.
    assert all("forward" not in one.__dict__ for one in model.module.modules())


def test_what_cannot_be_measured_is_refused(model: LoadedModel, images: ApartImages) -> None:
    change = Change("fc", ("fc",), parse_treatment("int8"))
    for changes, noise in (
        ([], NOISE),
        ([change], replace(NOISE, group=2)),
        ([change], NoiseSpec(0.5, kind="rounded")),
    ):
        with pytest.raises(SpecError):
            measure(model, images, changes, noise=noise, radius=RADIUS, draws=20)
    odd = Change("fc", ("fc",), parse_treatment("channels:0.5"))
    with pytest.raises(ApproximationError, match="residual block"):
        measure(model, images, [odd], noise=NOISE, radius=RADIUS, draws=20)


def test_emulated_int8_rounds_inputs_to_256_steps_and_keeps_zero() -> None:
    layer = torch.nn.Linear(2, 2, bias=False)
    layer.weight.data.copy_(torch.eye(2))
    made = EmulatedInt8(layer, -1.0, 1.55)
    values = torch.tensor([[0.0, 0.004], [0.0151, -5.0], [9.0, 0.0]])
    expected = torch.tensor([[0.0, 0.0], [0.02, -1.0], [1.55, 0.0]])
    torch.testing.assert_close(made(values), expected, atol=1e-6, rtol=0)


def test_ranges_are_those_of_all_images(model: LoadedModel) -> None:
    batch = torch.rand(120, 1, 8, 8)
    found = input_ranges(model.module, batch)
    assert set(found) == set(weighted_layers(model.module))
    assert found["conv1"] == (float(batch.min()), float(batch.max()))
    assert not model.module.get_submodule("fc")._forward_pre_hooks


def test_images_are_held_out_or_of_another_split(images: ApartImages) -> None:
    assert images.words == "12 held-out images"
    none = images_apart(DataSpec(max=20), 12)
    assert "training" in none.words
    assert len(none) == 12


def test_records_read_back(found: Sensitivity, tmp_path: Path) -> None:
    path = record.save(tmp_path, found)
    assert record.read(path) == found
    assert record.kept(tmp_path) == [found]
    assert found.id == replace(found, seconds=1.0, hardware="other").id
    assert found.id != replace(found, draws=61).id
    path.write_text('{"schema": 1}')
    assert record.kept(tmp_path) == []
    with pytest.raises(StoreError, match="cannot read"):
        record.read(path)
