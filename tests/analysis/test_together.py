"""Joint statements: nobody is marked who does not hold at Holm's level, and the price is said."""

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision, study_routes
from irs_core.analysis.tally import tally_study
from irs_core.analysis.together import study_together
from irs_core.decide import holm_levels, p_value_holds
from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.store import Library

SHIPPED = Path(__file__).parents[2] / "cached_results"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    studies = Library(tmp_path_factory.mktemp("none"), SHIPPED).studies()
    study = next(one for one in studies if one.record.id.startswith("f6529b"))
    return study.record, Analysis(tally_study(study), Settings.of(study.record.spec))


def test_at_95_percent_those_without_an_open_input_hold_together(shipped):
    record, analysis = shipped
    asked = replace(preset_requirement(0.5), confidence=0.95)
    found = study_together(record, analysis, asked)
    values = {}
    for name in analysis.tally.compressed:
        routes = study_routes(analysis, name, asked)
        may = int(routes.may_lose.sum())
        values[name] = p_value_holds(may, 500, max_share=0.01, level=routes.level)
    assert set(found.holds) == set(holm_levels(values, 0.05))
    assert found.holds == ("fp16", "bf16", "int8", "prune:0.05", "prune:0.1")
    assert "5 hold: fp16 weights, bf16 weights, int8, prune 5%, prune 10%." in found.sentence
    assert found.inputs_needed is None


def test_at_99_percent_the_price_of_seven_candidates_is_said(shipped):
    record, analysis = shipped
    asked = preset_requirement(0.5)
    found = study_together(record, analysis, asked)
    assert study_decision(record, analysis, "int8", asked).verdict == "holds"
    assert found.holds == ()
    assert found.stated == pytest.approx(0.07)
    # ln(7 / 0.01) / -ln(1 - 0.01 (1 - a)): that many inputs with none open.
    assert 652 <= found.inputs_needed <= 660
    assert "All 7 verdicts are right together with 93%" in found.sentence


def test_one_candidate_named_beforehand_shares_with_nobody(shipped):
    record, analysis = shipped
    asked = preset_requirement(0.5)
    assert study_together(record, analysis, asked, ["int8"]) is None
    two = study_together(record, analysis, asked, ["int8", "fp16"])
    assert two.stated == pytest.approx(0.02)


def test_inputs_that_share_noise_have_no_joint_test(tmp_path):
    library = Library(tmp_path, tmp_path / "none")
    record = synthetic_study(library, synthetic_spec(noise=NoiseSpec(0.5, seed=7, group=2)))
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    found = study_together(record, analysis, preset_requirement(0.5))
    assert found.holds is None
    assert "Holm" not in found.sentence
