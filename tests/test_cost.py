"""What a model costs: by a clock of the test's own, kept in a study, used by limits."""

import json
from dataclasses import replace

import numpy as np
import pytest

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import study_decision
from irs_core.analysis.kept_tally import open_tally
from irs_core.api import certify, load
from irs_core.cli.main import main
from irs_core.cost import measure_speed
from irs_core.decide import Requirement
from irs_core.errors import ApproximationError, SpecError
from irs_core.run.study import run_study
from irs_core.spec.cost import ALONE, BATCHES, LayerBits, ModelCost, Size, Speed
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library
from irs_core.store.records import StudyRecord

QUICK = {"sigma": 0.5, "n": 200, "n0": 20, "n_p": [50]}
SPEED = Speed(2.0, 3.0, 200, 500.0, 50, "made up", "a machine")
COST = ModelCost(Size(1000, 4000, (LayerBits("conv", 1000, 8, 32),)), SPEED)


class Fake:
    """Takes 10 ms a call and 1 ms an image; every tenth call of one image takes 100 ms more."""

    execution = "made up"

    def __init__(self, now: list[float], batch: int = 4, *, fixed: bool = False) -> None:
        self.now, self.batch, self.fixed, self.calls = now, batch, fixed, 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.calls += 1
        slow = 0.1 if len(images) == 1 and self.calls % 10 == 0 else 0.0
        self.now[0] += 0.01 + 0.001 * len(images) + slow
        return np.zeros(len(images), np.int64)

    def with_batch(self, batch: int) -> "Fake":
        if self.fixed:
            raise ApproximationError("fixed")
        return Fake(self.now, batch)


def test_median_percentile_and_throughput_by_hand():
    now = [0.0]
    images = np.zeros((3, 1, 2, 2), np.float32)
    found = measure_speed(
        Fake(now), images, runs=100, warm_up=5, least_seconds=0.03, clock=lambda: now[0]
    )
    assert found.p50_ms == pytest.approx(11)
    assert found.p95_ms == pytest.approx(111)
    assert (found.runs, found.batch) == (100, 4)
    # Batches of 4, 8, 16 and 32 images take 14, 18, 26 and 42 ms: the last is long enough.
    assert found.per_second == pytest.approx(32 / 0.042)


def test_a_file_with_a_fixed_batch_runs_in_it():
    now = [0.0]
    images = np.zeros((1, 1, 2, 2), np.float32)
    found = measure_speed(
        Fake(now, fixed=True), images, runs=3, warm_up=0, least_seconds=0, clock=lambda: now[0]
    )
    assert found.p50_ms == pytest.approx(11)


def test_costs_are_read_back():
    assert ModelCost.from_json(json.loads(json.dumps(COST.to_json()))) == COST


@pytest.mark.parametrize(
    ("part", "name", "value", "said"),
    [
        ("speed", "p50_ms", -1, "p50_ms must be positive"),
        ("speed", "p95_ms", 1.0, "at least p50_ms"),
        ("speed", "runs", 0, "runs must be positive"),
        ("size", "packed_bytes", -1, "bytes must be"),
        ("size", "layers", 3, "not the cost"),
        ("size", "more", 3, "not the cost"),
    ],
)
def test_other_costs_are_refused(part, name, value, said):
    described = COST.to_json()
    described[part][name] = value
    with pytest.raises(SpecError, match=said):
        ModelCost.from_json(described)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def record(store):
    return certify(load("shipped:digits-0.50", max=4), ["fp16"], store=store, **QUICK).record


def decided(record: StudyRecord, store, **limits: float) -> str:
    library = Library(store)
    analysis = Analysis(open_tally(library.open(record.id), store), Settings.of(record.spec))
    asked = Requirement(0.5, max_loss=None, **limits)
    return study_decision(record, analysis, "fp16", asked).sentence


def test_limits_name_the_figure_that_they_use(record, store):
    assert f"ms for {BATCHES}, 1000 allowed" in decided(record, store, max_latency_ms=1000)
    assert "bytes (weights in the model's own format)" in decided(record, store, max_bytes=10**6)
    models = [replace(one, cost=COST) for one in record.models]
    slower = replace(COST, speed=replace(SPEED, p50_ms=1.0, p95_ms=2.0))
    kept = replace(record, models=(models[0], replace(models[1], cost=slower)))
    said = decided(kept, store, max_latency_ms=2.0, max_relative_latency=0.7, max_bytes=1000)
    assert said == (
        f"fp16 weights may ship: 2.00 ms for {ALONE}, median to 95th percentile, 2 allowed; 0.67 "
        f"times the original's time for {ALONE}, median to 95th percentile, 0.7 allowed; 1,000 "
        "bytes (packed, emulated here), 1,000 allowed."
    )
    assert "may not ship" in decided(kept, store, max_latency_ms=0.9)
    assert "undecided" in decided(kept, store, max_latency_ms=1.5)


def test_a_record_without_costs_stays_byte_for_byte(record):
    assert all("cost" not in one for one in record.to_dict()["models"])
    models = tuple(replace(one, cost=COST) for one in record.models)
    described = json.loads(json.dumps(replace(record, models=models).to_dict()))
    assert StudyRecord.from_dict(described).base.cost == COST


def test_the_command_keeps_costs_in_a_study(record, store, capsys):
    before = Library(store).open(record.id).record
    assert (
        main(["models", "cost", "--study", record.id[:8], "--runs", "2", "--store", str(store)])
        == 0
    )
    assert "bytes packed (emulated: 80,024 where it ran)" in capsys.readouterr().out
    after = Library(store).open(record.id).record
    assert (after.id, after.digests) == (before.id, before.digests)
    assert after.base.cost.size.packed_bytes == before.base.size_bytes
    assert after.compressed[0].cost.size.packed_bytes == before.compressed[0].size_bytes
    # Running the study again keeps what was measured.
    again = run_study(after.spec, Library(store))
    assert again.base.cost == after.base.cost


def test_the_command_prints_json(capsys):
    command = "models cost shipped:digits-0.50 --compress integer:4 --max 4 --runs 2 --json"
    assert main(command.split()) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["alone"] == ALONE
    assert [one["name"] for one in found["models"]] == [BASE, "integer:4"]
    size = found["models"][1]["cost"]["size"]
    assert size["packed_bytes"] == 20716 - 19408 // 2
    assert {one["bits"] for one in size["layers"]} == {4}


@pytest.mark.parametrize(
    "words", ["", "shipped:digits-0.50 --study abc", "shipped:digits-0.50 --runs 0"]
)
def test_what_cannot_be_measured_is_refused(words, capsys):
    assert main(["models", "cost", *words.split()]) == 2
    assert "error: " in capsys.readouterr().err


def test_a_bundle_is_never_written(tmp_path, capsys):
    assert main(["models", "cost", "--study", "f6529b", "--store", str(tmp_path)]) == 2
    assert "stays as it is" in capsys.readouterr().err
