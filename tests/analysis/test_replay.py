"""Sequential certification replayed on stored draws: hardly any draws, as many certificates."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.replay import original_run, sequential_run
from irs_core.analysis.tally import opened, tally_study
from irs_core.errors import UnknownKeyError
from irs_core.methods.seq import TYPICAL_DRAWS
from irs_core.spec.settings import Settings
from irs_core.stats import binomial_lower_bound
from irs_core.stats.budget import split_alpha
from irs_core.stats.sequential import first_crossing, limit_q0
from irs_core.store import Library

SHIPPED = Path(__file__).parents[2] / "cached_results"


def test_the_shipped_study_needs_few_draws():
    with tempfile.TemporaryDirectory() as none:
        studies = Library(Path(none), SHIPPED).studies()
    study = next(one for one in studies if one.record.title == "CIFAR-10, ResNet-20, sigma 0.5")
    run = sequential_run(study, "int8", 0.5)
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    fixed = (analysis.certify("int8", "rs", len(study.record.spec.n_p) - 1).radius >= 0.5).sum()
    assert run.inputs == 500
    assert run.certified >= 0.99 * fixed
    assert run.draws < 1000 / 15


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("replay"))
    record = synthetic_study(library, synthetic_spec(n=1500, n_p=(300,)), skewed=True)
    return library.open(record.id)


def test_each_input_by_hand(study):
    spec, radius = study.record.spec, 0.2
    tally = tally_study(study)
    f = opened(study, study.record.base)["estimate"].read(300)
    g = opened(study, study.record.compressed[0])["estimate"].read(300)
    a1, a2 = split_alpha(spec.n, TYPICAL_DRAWS, 0.002)
    certified = 0
    for row in np.flatnonzero(tally.reported):
        lower = float(binomial_lower_bound(tally.base.hits[row], spec.n, a1))
        limit = float(limit_q0(lower, radius, 0.5))
        if limit <= 0:
            continue
        candidate = tally.base.candidate[row]
        left = [int(b != candidate) for a, b in zip(f[row], g[row], strict=True) if a == candidate]
        failures = np.cumsum(left)[None, :]
        draws = np.arange(1, len(left) + 1)
        certified += int(first_crossing(failures, draws, limit, a2)[0] >= 0)
    assert certified > 3
    assert sequential_run(study, "fp16", radius, block=1).certified == certified


def test_a_larger_radius_certifies_no_more(study):
    runs = [sequential_run(study, "fp16", radius) for radius in (0.05, 0.2, 0.5)]
    counts = [run.certified for run in runs]
    assert counts == sorted(counts, reverse=True)
    assert runs[-1].hopeless >= runs[0].hopeless


def test_an_unknown_model_is_named(study):
    with pytest.raises(UnknownKeyError, match="got 'int8'"):
        sequential_run(study, "int8", 0.5)


def test_the_original_from_scratch_takes_few_of_its_own_draws(study):
    spec, radius = study.record.spec, 0.2
    tally = tally_study(study)
    f = opened(study, study.record.base)["estimate"].read(spec.n)
    limit = float(limit_q0(1.0, radius, 0.5))
    certified = 0
    for row in np.flatnonzero(tally.reported):
        failures = np.cumsum(f[row] != tally.base.candidate[row])[None, :]
        draws = np.arange(1, spec.n + 1)
        certified += int(first_crossing(failures, draws, limit, spec.alpha)[0] >= 0)
    run = original_run(study, radius, block=1)
    # Some are given up that would have crossed later.
    assert 3 < run.certified <= certified
    assert run.certified >= certified - 2
    assert run.draws < spec.n / 3
    fixed = Analysis(tally, Settings.of(spec)).base.radius >= radius
    assert run.certified >= fixed.sum() - 3
