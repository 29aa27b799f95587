"""Decisions from stored evidence: right counts, fair comparison, the shipped answers."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import (
    preset_requirement,
    study_decision,
    study_decisions,
    study_flags,
)
from irs_core.analysis.equal_draws import equal_draws, study_gaps
from irs_core.analysis.tally import opened, tally_study
from irs_core.decide import UNKNOWN, Requirement
from irs_core.errors import UnknownKeyError
from irs_core.spec.settings import Settings
from irs_core.store import Library

SHIPPED = Path(__file__).parents[2] / "cached_results"


@pytest.fixture(scope="module")
def skewed(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("skewed"))
    record = synthetic_study(library, synthetic_spec(n=1500, n_p=(60, 300)), skewed=True)
    study = library.open(record.id)
    return study, Analysis(tally_study(study), Settings.of(record.spec))


@pytest.fixture(scope="module")
def shipped():
    """The shipped comparison at sigma 0.5."""
    with tempfile.TemporaryDirectory() as none:
        studies = Library(Path(none), SHIPPED).studies()
    (study,) = [
        one
        for one in studies
        if one.record.title == "CIFAR-10, ResNet-20, sigma 0.5" and one.record.compressed
    ]
    return study.record, Analysis(tally_study(study), Settings.of(study.record.spec))


def test_counts_behind_a_decision_by_hand(skewed):
    study, analysis = skewed
    record, tally = study.record, analysis.tally
    f = {stream: array.read(1500) for stream, array in opened(study, record.base).items()}
    g = {s: array.read(300) for s, array in opened(study, record.compressed[0]).items()}
    counts = tally.compressed["fp16"]
    for row, label in enumerate(tally.labels):
        candidate = tally.base.candidate[row]
        assert tally.base.label_hits[row] == sum(f["estimate"][row] == label)
        early = [sum(f["estimate"][row][:n] == candidate) for n in (60, 300)]
        assert tally.base.early_hits[row].tolist() == early
        pairs = list(zip(f["estimate"][row][:300], g["estimate"][row][:300], strict=True))
        assert counts.leavers[row] == sum(a == candidate != b for a, b in pairs)
        assert counts.paired_hits[row, 1] == sum(b == candidate for _, b in pairs)
        assert counts.label_hits[row] == sum(g["scratch-estimate"][row] == label)


def test_draws_on_which_f_misses_need_no_answer(tmp_path):
    library = Library(tmp_path)
    spec = synthetic_spec(n=600, n_p=(60,), methods=("cirs",), baseline=False)
    from irs_core.run.study import run_study

    record = run_study(spec, library)
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(spec))
    leavers = analysis.tally.compressed["fp16"].leavers[analysis.rows]
    assert (leavers != UNKNOWN).any()
    assert equal_draws(analysis, "fp16") is None
    assert study_gaps(analysis, "fp16") == ()
    assert set(study_decisions(record, analysis, preset_requirement(0.5))) == {
        one.name for one in record.compressed
    }


def test_the_shipped_answers(shipped):
    record, analysis = shipped
    strict = study_decisions(record, analysis, Requirement(0.5, 0.0, 0.01, 0.99))
    assert {name: len(strict[name].may_lose) for name in ("fp16", "int8", "prune:0.2")} == {
        "fp16": 14,
        "int8": 16,
        "prune:0.2": 21,
    }
    found = study_decisions(record, analysis, Requirement(0.5, 0.05, 0.01, 0.99))
    assert found["fp16"].verdict == found["int8"].verdict == "holds"
    assert found["int8"].loss.upper == pytest.approx(0.00920, abs=1e-4)
    assert found["prune:0.2"].verdict == "undecided"
    assert len(found["prune:0.2"].may_lose) > 0
    assert "none of these 500 inputs is an exception" in found["int8"].sentence


def test_no_model_is_blamed_for_its_draws(shipped):
    record, analysis = shipped
    for model in record.compressed:
        gap = study_gaps(analysis, model.name)[0]
        assert gap.fewer_draws.mean > 0.05
        assert abs(gap.compression.mean) < 0.01
        assert gap.full - gap.compressed == pytest.approx(
            gap.fewer_draws.mean + gap.compression.mean
        )
        assert gap.compression.sure_low <= 0 <= gap.compression.sure_high


def test_equal_draws_are_paired_on_the_same_noise(skewed):
    _, analysis = skewed
    found = equal_draws(analysis, "fp16")
    assert found.n_p == 300
    assert (found.equal <= found.full + 1e-12).mean() > 0.9
    assert found.equal.shape == found.compressed.shape == (40,)


def test_other_limits_are_measured(shipped):
    record, analysis = shipped
    size = record.compressed[0].size_bytes
    limits = {"max_loss": None, "max_bytes": size, "min_accuracy": 0.1}
    held = study_decision(record, analysis, record.compressed[0].name, Requirement(0.5, **limits))
    assert held.verdict == "holds"
    limits["max_bytes"] = size - 1
    failed = study_decision(record, analysis, record.compressed[0].name, Requirement(0.5, **limits))
    assert failed.verdict == "fails"
    assert "size-fails" in failed.codes


def test_flags_of_a_study_with_few_inputs(skewed):
    study, analysis = skewed
    assert [one.code for one in study_flags(study.record, analysis)] == ["few-inputs"]


def test_an_unknown_model_is_named(shipped):
    record, analysis = shipped
    with pytest.raises(UnknownKeyError, match="got 'other'"):
        study_decision(record, analysis, "other", preset_requirement(0.5))


def test_a_label_in_the_place_of_the_candidate_would_show(skewed):
    _, analysis = skewed
    base = analysis.tally.base
    assert np.mean(base.label_hits == base.hits) < 0.8
