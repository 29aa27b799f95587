"""Times of layers are those of the kernels that layers were compiled to."""

from collections.abc import Sequence

import numpy as np
import pytest

from irs_core.models import load_model
from irs_core.spec.mixed import parse_treatment
from irs_core.spec.study import ModelSpec
from irs_core.tune import times
from irs_core.tune.changes import Change, every_change
from irs_core.tune.times import saved_seconds

MODEL = load_model(ModelSpec("shipped:digits-0.50"))
IMAGES = np.random.default_rng(0).random((8, 1, 8, 8), np.float32)


def _changes(*treatments: str, groups: bool = False) -> list[Change]:
    return every_change(MODEL.module, [parse_treatment(one) for one in treatments], groups=groups)


def _saved(changes: Sequence[Change]) -> dict[tuple[str, str], float | None]:
    found = saved_seconds(MODEL.module, changes, IMAGES, MODEL.num_classes)
    return {(one.name, str(one.treatment)): took for one, took in zip(changes, found, strict=True)}


@pytest.fixture
def a_second_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kernel of a layer takes a second."""

    def run(network: times._Network) -> None:
        network._passes.append(dict.fromkeys(network._layers, 1.0))

    monkeypatch.setattr(times._Network, "run", run)


@pytest.mark.usefixtures("a_second_each")
def test_every_convolution_is_one_kernel_and_factors_are_two() -> None:
    found = _saved(_changes("int8", "2:4", "lowrank:0.9"))
    whole = {name: took for (name, treatment), took in found.items() if treatment == "int8"}
    # The runtime adds the bias of a linear layer in int8 in the same kernel, or in one of its own.
    assert whole.pop("fc") in (0.0, -1.0)
    assert set(whole.values()) == {0.0}
    assert {took for (_, treatment), took in found.items() if treatment == "2:4"} == {0.0}
    # A first convolution of one channel, a shortcut and a last layer of ten scores have no factors.
    factored = [took for (_, treatment), took in found.items() if treatment == "lowrank:0.9"]
    assert factored == [-1.0] * 4


def test_the_reader_of_removed_channels_counts() -> None:
    change = next(one for one in _changes("channels:0.5") if one.name == "layer1.0.conv1")
    before, after = (
        {"layer1.0.conv1": 5.0, "layer1.0.conv2": 3.0},
        {"layer1.0.conv1": 4.0, "layer1.0.conv2": 1.0},
    )
    assert times._saved(change, before, after) == 3.0
    del after["layer1.0.conv2"]
    assert times._saved(change, before, after) is None


def test_a_block_saves_what_its_layers_save_and_emulated_ones_have_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)

    def run(network: times._Network) -> None:
        network._passes.append({one: float(rng.random()) for one in network._layers})

    monkeypatch.setattr(times._Network, "run", run)
    monkeypatch.setattr(times, "_WARM", 0)
    monkeypatch.setattr(times, "_PASSES", 1)
    found = _saved(_changes("int8", "int4", "bf16", groups=True))
    for (name, treatment), took in found.items():
        assert (took is None) == (treatment != "int8"), (name, treatment)
    block = [name for name, _ in found if name.endswith("layer1.0")]
    assert block
    parts = [
        took
        for (name, treatment), took in found.items()
        if treatment == "int8" and name.startswith(f"{block[0]}.")
    ]
    assert found[block[0], "int8"] == pytest.approx(sum(part or 0.0 for part in parts))
    assert any(parts)


def test_the_least_pass_after_the_first_ones_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "_WARM", 1)
    network = times._Network.__new__(times._Network)
    network._layers, network._made = {"a": "one", "b": "one", "c": "two"}, {"x": ["one", "two"]}
    network._passes = [
        {"a": 0.0, "b": 0.0, "c": 0.0},
        {"a": 3.0, "b": 1.0, "c": 7.0},
        {"a": 2.0, "b": 5.0, "c": 9.0},
    ]
    assert network.seconds() == {"x": 2.0 + 1.0 + 7.0}
