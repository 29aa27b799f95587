import numpy as np
import pytest
from synthetic import synthetic_spec, write_predictions

from irs_core.run.meter import RECENT, Meter
from irs_core.run.options import Part
from irs_core.run.plan import Need, plan_units
from irs_core.run.study import run_study
from irs_core.spec.study import NoiseSpec
from irs_core.store import EvidenceKey, Library
from irs_core.store.evidence import create_evidence

ALL = np.ones(40, bool)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def need(tmp_path, name, draws, stream="estimate", rows=ALL):
    key = EvidenceKey(name, "d", NoiseSpec(0.5), stream, "t")
    array = create_evidence(tmp_path, key, n_inputs=40, classes=10, pixels=64)
    return Need(name, stream, draws, array, rows)


def test_what_is_stored_already_counts_as_done_but_not_in_this_run(tmp_path):
    one = need(tmp_path, "a", 1000)
    write_predictions(one.array, np.zeros((40, 500), np.uint8))
    meter = Meter()
    meter.plan([one], plan_units([one]), [Part("b", "estimate", 0, 300)])
    progress = meter.progress("s")
    assert progress.parts == (Part("a", "estimate", 20_000, 40_000), Part("b", "estimate", 0, 300))
    assert (progress.done, progress.total) == (0, 20_300)
    assert (progress.rate, progress.seconds_left) == (0.0, None)


def test_rates_and_time_left_come_from_the_units_counted(tmp_path):
    clock = Clock()
    first, second = need(tmp_path, "a", 1000), need(tmp_path, "b", 1000)
    needs = [first, second]
    units = list(plan_units(needs))
    meter = Meter(clock)
    meter.plan(needs, units, [Part("a", "select", 0, 8000)])
    clock.now += 50  # loading and compiling are nobody's rate
    meter.start()
    clock.now += 4
    meter.count(units[:1])  # 32 rows of 500 draws for both
    progress = meter.progress("s")
    a = Part("a", "estimate", 16_000, 40_000, 4000.0)
    assert progress.parts[0] == a
    assert a.seconds_left == 6.0
    assert progress.rate == 8000.0
    # Both classifiers share their units; the other stream was not measured: 8000 at 8000 a second.
    assert progress.seconds_left == 6.0 + 1.0
    assert (progress.done, progress.total) == (32_000, 88_000)


def test_the_end_is_reached(tmp_path):
    clock = Clock()
    one = need(tmp_path, "a", 1000)
    units = list(plan_units([one]))
    meter = Meter(clock)
    meter.plan([one], units, [])
    for unit in units:
        clock.now += 1
        meter.count([unit])
    progress = meter.progress("s")
    assert progress.done == progress.total == progress.parts[0].done == 40_000
    assert progress.seconds_left == 0.0


def test_a_rate_follows_what_was_computed_last(tmp_path):
    clock = Clock()
    one = need(tmp_path, "a", 500 * RECENT)
    units = [unit for unit in plan_units([one]) if unit.at.tile == 0]
    meter = Meter(clock)
    meter.plan([one], units * 2, [])
    for seconds in (1.0, 2.0):
        for unit in units:
            clock.now += seconds
            meter.count([unit])
        assert meter.progress("s").rate == 16_000 / seconds
        assert meter.progress("s").parts[0].rate == 16_000 / seconds


def test_many_small_units_that_run_together_have_one_rate(tmp_path):
    clock = Clock()
    one = need(tmp_path, "a", 500 * 2 * RECENT)
    units = [unit for unit in plan_units([one]) if unit.at.tile == 0]
    meter = Meter(clock)
    meter.plan([one], units, [])
    clock.now += 4
    meter.count(units)
    progress = meter.progress("s")
    assert progress.rate == progress.parts[0].rate == 2 * RECENT * 16_000 / 4
    assert meter.spent == {"a": (2 * RECENT * 16_000, 4.0)}


def test_inputs_that_need_no_draws_have_no_row(tmp_path):
    one = need(tmp_path, "a", 100, rows=np.zeros(40, bool))
    meter = Meter()
    meter.plan([one], plan_units([one]), [])
    assert meter.progress("s").parts == ()


def test_a_part_without_a_rate_has_no_time_left():
    assert Part("a", "select", 0, 10).seconds_left is None
    assert Part("a", "select", 10, 10).seconds_left == 0.0


@pytest.mark.parametrize("baseline", [True, False])
def test_a_run_reports_every_model_and_stream_to_its_end(tmp_path, baseline):
    spec = synthetic_spec(n=600, n_p=(100,), n0=50, baseline=baseline)
    seen = []
    run_study(spec, Library(tmp_path), on_progress=seen.append)
    first, last = seen[0], seen[-1]
    assert sum(part.needed for part in first.parts) == first.total
    assert all(part.done == part.needed for part in last.parts)
    assert sum(part.done for part in last.parts) == last.done == last.total
    assert last.seconds_left == 0.0
    streams = {part.stream for part in last.parts if part.name != "base"}
    assert "estimate" in streams
    assert ("scratch-select" in streams) == baseline
    assert all(part.rate > 0 for part in last.parts)


def test_chosen_draws_count_once_and_as_what_they_are(tmp_path):
    whole = need(tmp_path, "a", 500)
    few = np.zeros((40, 500), bool)
    few[:30, 100:110] = True

    def chosen(at):
        return few[whole.array.rows(at.tile)]

    one = Need("a", "estimate", 500, whole.array, few.any(axis=1), chosen)
    units = list(plan_units([one]))
    meter = Meter(Clock())
    meter.plan([one], units, [])
    assert meter.progress("s").parts == (Part("a", "estimate", 0, 300),)
    for unit in units:
        meter.count([unit])
    progress = meter.progress("s")
    assert (progress.done, progress.total) == (300, 300)
    assert (progress.parts[0].done, progress.parts[0].needed) == (300, 300)
