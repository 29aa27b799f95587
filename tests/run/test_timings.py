"""Predictions of time: what runs took is kept, and what was measured adds up."""

import json
from dataclasses import replace

import numpy as np
import pytest

from irs_core.run.estimate import estimate_study
from irs_core.run.forecast import measure_forecast
from irs_core.run.meter import Meter
from irs_core.run.options import Part, RunOptions
from irs_core.run.outlook import drawing_seconds, preparing
from irs_core.run.plan import study_draws
from irs_core.run.study import run_study
from irs_core.run.timings import Stopwatch, Timings, classifier_kind, read_timings, setup_kind
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import BASE, Library

SPEC = StudySpec(
    model=ModelSpec("shipped:digits-0.50"),
    data=DataSpec(max=3),
    noise=NoiseSpec(0.5, seed=3),
    compressions=(parse_compression("prune:0.5"),),
    n0=20,
    n=600,
    n_p=(100,),
)
INPUTS = 3
HERE = RunOptions()
KNOWN = Timings(
    rates={classifier_kind(SPEC, BASE, HERE): 0.01, classifier_kind(SPEC, "prune:0.5", HERE): 0.02},
    setups={setup_kind(SPEC, HERE, kept=False): 30.0, setup_kind(SPEC, HERE, kept=True): 2.0},
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("timings")
    seen = []
    run_study(SPEC, Library(root), on_progress=seen.append)
    return root, seen


def test_a_run_keeps_what_it_took(store):
    found = read_timings(store[0])
    assert set(found.rates) == {classifier_kind(SPEC, name, HERE) for name in (BASE, "prune:0.5")}
    assert all(0 < rate < 1 for rate in found.rates.values())
    assert set(found.setups) == {setup_kind(SPEC, HERE, kept=False)}
    assert found.closing > 0


def test_runs_of_kept_classifiers_are_timed_apart_and_those_without_draws_not_at_all(tmp_path):
    library = Library(tmp_path)
    run_study(SPEC, library)
    more = replace(SPEC, n0=40)
    for _ in range(2):
        run_study(more, library)
    first = read_timings(tmp_path)
    assert set(first.setups) == {setup_kind(more, HERE, kept=kept) for kept in (False, True)}
    run_study(more, library)
    assert read_timings(tmp_path) == first


def test_preparing_some_says_nothing_of_preparing_all(tmp_path):
    library = Library(tmp_path)
    run_study(SPEC, library)
    before = read_timings(tmp_path).setups
    run_study(replace(SPEC, compressions=(*SPEC.compressions, parse_compression("bf16"))), library)
    found = read_timings(tmp_path)
    assert found.setups == before
    assert found.closing > 0


def test_few_draws_replace_no_rate_of_many(tmp_path):
    for draws, seconds, rate in ((20, 10.0, 0.5), (500, 5.0, 0.01), (499, 300.0, 0.01)):
        watch = Stopwatch(tmp_path, SPEC, HERE, kept=False, since=0.0)
        watch.keep({BASE: (draws, seconds)}, draws)
        assert read_timings(tmp_path).rates == {classifier_kind(SPEC, BASE, HERE): rate}


@pytest.mark.parametrize(
    "change",
    [
        {"hardware": "another"},
        {"rates": {"a": -1.0}},
        {"rates": {"a": "fast"}},
        {"setups": 3},
        {"closing": "soon"},
    ],
)
def test_times_of_another_machine_and_damaged_ones_are_not_known(store, tmp_path, change):
    (tmp_path / "prepared").mkdir()
    path = tmp_path / "prepared" / "timings.json"
    told = json.loads((store[0] / "prepared" / "timings.json").read_text())
    path.write_text(json.dumps(told))
    assert read_timings(tmp_path) != Timings()
    path.write_text(json.dumps({**told, **change}))
    assert read_timings(tmp_path) == Timings()
    path.write_text("{")
    assert read_timings(tmp_path) == Timings()


def test_time_left_is_known_while_models_are_prepared_if_they_ran_before():
    draws = INPUTS * (SPEC.n0 + SPEC.n), INPUTS * (study_draws(SPEC, 1) - SPEC.n0 - SPEC.n)
    drawing = draws[0] * 0.01 + draws[1] * 0.02
    assert drawing_seconds(SPEC, INPUTS, KNOWN, HERE) == pytest.approx(drawing)
    progress = preparing(SPEC, INPUTS, KNOWN, HERE, passed=10.0)
    assert progress.seconds_left == pytest.approx(20.0 + drawing)
    assert preparing(SPEC, INPUTS, KNOWN, HERE, passed=40.0).seconds_left == pytest.approx(drawing)
    assert progress.total == study_draws(SPEC, INPUTS)
    assert preparing(SPEC, INPUTS, Timings(), HERE, passed=0.0).seconds_left is None


def test_a_compressed_model_that_was_never_run_is_taken_for_the_original():
    only = Timings(rates={classifier_kind(SPEC, BASE, HERE): 0.01})
    assert drawing_seconds(SPEC, INPUTS, only, HERE) == pytest.approx(
        study_draws(SPEC, INPUTS) * 0.01
    )


def test_a_run_says_that_it_prepares_and_knows_the_time_left_before_its_first_unit(store):
    seen = store[1]
    assert seen[0].stage == "preparing the models"
    first = next(one for one in seen if one.stage != "preparing the models")
    assert first.done == 0
    assert first.seconds_left > 0


def test_a_run_says_in_words_what_it_does(store):
    """The bar of the command line and the page Jobs show this text as it is."""
    assert list(dict.fromkeys(one.stage for one in store[1])) == [
        "preparing the models",
        "original: choosing the class",
        "original: counting",
        "prune 50%: baseline, counting",
        "prune 50%: baseline, choosing the class",
        "prune 50%: counting",
    ]


def test_expected_rates_count_until_a_unit_was_measured():
    meter = Meter()
    meter.plan([], [], [Part("a", "select", 0, 300), Part("b", "select", 100, 200)])
    assert meter.progress("s").seconds_left is None
    meter.expect("a", 100.0)
    # The other one is taken for the slowest that was timed.
    assert meter.progress("s").seconds_left == pytest.approx(300 / 100 + 100 / 100)
    meter.expect("b", 50.0)
    assert meter.progress("s").seconds_left == pytest.approx(300 / 100 + 100 / 50)


def test_an_estimate_counts_setting_up_and_prefers_what_whole_runs_took(tmp_path):
    found = estimate_study(SPEC, INPUTS, [], timings=KNOWN)
    assert found.setup == 2.0
    assert found.whole == pytest.approx(2.0 + drawing_seconds(SPEC, INPUTS, KNOWN, HERE))
    assert estimate_study(SPEC, INPUTS, [], timings=Timings()).whole is None


@pytest.mark.parametrize(
    "spec",
    [
        replace(SPEC, model=replace(SPEC.model, denoiser="shipped:digits")),
        replace(SPEC, noise=NoiseSpec(0.5, kind="rounded")),
        replace(SPEC, data=replace(SPEC.data, size=16)),
    ],
)
def test_times_of_other_networks_and_noise_are_not_those_of_this_one(spec):
    found = estimate_study(spec, INPUTS, [], timings=KNOWN)
    assert found.seconds is None
    assert drawing_seconds(spec, INPUTS, KNOWN, HERE) is None


@pytest.mark.parametrize("way", [{"backend": "torch"}, {"device": "cuda"}, {"engine": "local:4"}])
def test_times_of_another_way_to_run_are_not_those_of_this_one(way):
    found = estimate_study(SPEC, INPUTS, [], timings=KNOWN, options=RunOptions(**way))
    assert (found.seconds, found.setup) == (None, None)


def test_what_was_kept_for_one_noise_is_not_at_hand_for_another():
    other = replace(SPEC, noise=replace(SPEC.noise, seed=4))
    assert estimate_study(other, INPUTS, [], timings=KNOWN).setup == 30.0
    assert estimate_study(replace(SPEC, n_p=(50,)), INPUTS, [], timings=KNOWN).setup == 2.0


def test_a_forecast_adds_up_and_stores_no_draw(tmp_path, monkeypatch):
    monkeypatch.setattr("irs_core.run.forecast.MEASURED_SECONDS", 0.02)
    library = Library(tmp_path)
    found = measure_forecast(SPEC, library, RunOptions())
    assert (found.draws, found.stored) == (study_draws(SPEC, INPUTS), 0)
    assert set(found.rates) == {BASE, "prune:0.5"}
    assert found.seconds == found.setup + found.sampling + found.closing
    assert found.sampling >= sum(
        INPUTS * draws / found.rates[name] for name, draws in (("base", 620), ("prune:0.5", 120))
    )
    assert found.memory_mb > 10
    assert sorted(one.name for one in tmp_path.iterdir()) == ["prepared"]


def test_what_is_stored_is_not_forecast_again(store):
    found = measure_forecast(SPEC, Library(store[0]), RunOptions())
    assert found.stored == found.draws
    assert found.sampling == 0
    assert np.isfinite(found.seconds)
