"""Speedups and their intervals, against the same computed one resampled set at a time."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core import metrics
from irs_core.analysis import speedup
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import COSTS
from irs_core.analysis.tally import tally_study
from irs_core.spec.settings import Settings
from irs_core.store import Library

METHODS = ("irs", "iss", "cirs")


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("speedup"))
    record = synthetic_study(library)
    return Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("method", METHODS)
def test_value_is_the_ratio_of_areas_under_the_curves(analysis, method, cost):
    comparison = analysis.compare("fp16")
    curves = [
        metrics.Curve(
            np.array([point.acr.value for point in points]),
            np.array([float(getattr(point, cost)) for point in points]),
        )
        for points in (comparison.points("rs"), comparison.points(method))
    ]
    assert comparison.speedup(method, cost).value == pytest.approx(metrics.area_speedup(*curves))


@pytest.mark.parametrize("cost", COSTS)
def test_interval_is_that_of_sets_resampled_one_by_one(analysis, monkeypatch, cost):
    monkeypatch.setattr(speedup, "_RESAMPLES", 60)
    curves = [replace(analysis.per_input("fp16", one)) for one in ("rs", "cirs")]
    found = speedup.speedup_interval(*curves, cost)
    inputs = len(curves[0].radii)
    rows = np.random.default_rng(speedup._SEED).integers(inputs, size=(60, inputs))
    literal = [
        metrics.area_speedup(
            *(
                metrics.Curve(one.radii[row].mean(axis=0), getattr(one, cost)[row].sum(axis=0))
                for one in curves
            )
        )
        for row in rows
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(literal, [0.025, 0.975])))
    assert found.low < found.value < found.high


@pytest.mark.parametrize("method", METHODS)
def test_points_are_those_asked_for_one_by_one(analysis, method):
    curve = analysis.per_input("prune:0.1", method).points
    for budget in (-1, -2, -3):
        one = analysis.point("prune:0.1", method, budget % 3)
        assert curve[budget] == one


def test_a_method_is_as_fast_as_itself(analysis):
    baseline = analysis.per_input("fp16", "rs")
    interval = speedup.speedup_interval(baseline, baseline, "draws")
    assert (interval.value, interval.low, interval.high) == (1.0, 1.0, 1.0)


def test_curves_that_share_no_radius_have_no_speedup(analysis):
    baseline = analysis.per_input("fp16", "rs")
    far = replace(baseline, radii=baseline.radii + 10)
    interval = speedup.speedup_interval(baseline, far, "draws")
    assert np.isnan([interval.value, interval.low, interval.high]).all()


def test_a_study_without_the_baseline_has_no_speedup(tmp_path):
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec(n=500, n_p=(100,)))
    tally = tally_study(library.open(record.id))
    tally.compressed["fp16"].scratch_hits[:] = -1
    comparison = Analysis(tally, Settings.of(record.spec)).compare("fp16")
    assert list(comparison.curves) == ["irs", "iss", "cirs"]
    assert dict(comparison.speedups) == {}
    assert np.isnan(comparison.speedup("irs", "draws").value)
