import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.errors import MissingEvidenceError
from irs_core.store import Library
from irs_core.study.analysis import Analysis
from irs_core.study.results import Settings
from irs_core.study.speedup import speedup_interval
from irs_core.study.tally import tally_study


@pytest.fixture(scope="module")
def analysis(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("speedup"))
    record = synthetic_study(library)
    return Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))


@pytest.mark.parametrize("cost", ["seconds", "draws"])
def test_value_is_that_of_the_comparison(analysis, cost):
    interval = speedup_interval(analysis, "fp16", cost=cost)
    expected = getattr(analysis.compare("fp16"), f"speedup_{cost}")
    assert interval.value == pytest.approx(expected)
    assert np.isnan(interval.low) or interval.low < interval.value < interval.high


def test_a_method_is_as_fast_as_itself(analysis):
    interval = speedup_interval(analysis, "fp16", method="rs")
    assert (interval.value, interval.low, interval.high) == (1.0, 1.0, 1.0)


def test_a_study_without_the_baseline_has_no_speedup(tmp_path):
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec(n=500, n_p=(100,)))
    tally = tally_study(library.open(record.id))
    tally.compressed["fp16"].scratch_hits[:] = -1
    with pytest.raises(MissingEvidenceError):
        speedup_interval(Analysis(tally, Settings.of(record.spec)), "fp16")
