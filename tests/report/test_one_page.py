"""The page that prints says what the decision says, names what is not known, and runs nothing."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision, study_flags
from irs_core.analysis.equal_draws import equal_draws
from irs_core.analysis.ledger import study_ledger
from irs_core.analysis.tally import tally_study
from irs_core.analysis.together import study_together
from irs_core.report.one_page import fitted, one_page
from irs_core.report.scatter import scatter
from irs_core.spec.settings import Settings
from irs_core.store import Library


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("none"))
    record = synthetic_study(library, synthetic_spec())
    return record, Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))


def page(record, analysis, **changes):
    asked = preset_requirement(0.5)
    decision = study_decision(record, analysis, "prune:0.1", asked)
    given = {
        "ledger": study_ledger(record.spec, analysis.settings),
        "flags": study_flags(record, analysis),
        "together": study_together(record, analysis, asked),
        "made": "2026-11-25",
    }
    return decision, one_page(record, analysis, "prune:0.1", decision, **(given | changes))


def test_it_says_what_was_asked_answered_and_left_open(study):
    decision, text = page(*study)
    assert decision.verdict == "undecided"
    assert "Not decided." in text
    assert "May prune 10% replace the original?" in text
    assert (
        "Withstands at least 0.45 wherever the original withstands 0.50, with at most 1% "
        "exceptions; confidence 99%." in text
    )
    assert "40 inputs of synthetic digits" in text
    assert "Not covered: other kinds of inputs" in text
    assert "Warning: " in text
    assert "All 2 verdicts are right together with 98%" in text
    assert "The level holds if n_p was chosen before the original&#x27;s draws were seen" in text
    assert "it decides zeta of IRS, the split of alpha of CIRS and the draws over which" in text
    assert "2026-11-25" in text
    for digest in (study[0].base.digest, study[0].models[2].digest, study[0].data.digest):
        assert digest in text


def test_it_needs_no_network_and_no_script(study):
    _, text = page(*study)
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert not re.search(r"""(src|href)\s*=|@import|url\(""", text)
    assert len(text) < 100_000


def test_what_others_reported_and_what_was_moved_is_said(study):
    record, analysis = study
    moved = Analysis(analysis.tally, replace(analysis.settings, alpha=0.05))
    ledger = study_ledger(record.spec, moved.settings)
    _, text = page(record, moved, ledger=ledger, banner="Reported by others.")
    assert "Reported by others." in text
    assert "Exploring: not proven at alpha = 0.05" in text


def test_names_are_text_not_code(study):
    record, analysis = study
    bad = '"><script>alert(1)</script>'
    models = tuple(replace(one, title=bad) for one in record.models)
    changed = replace(record, models=models, hardware=bad, spec=replace(record.spec, name=bad))
    _, text = page(changed, analysis)
    assert "<script" not in text


def test_the_picture_has_a_dot_or_a_cross_for_each_input(study):
    record, analysis = study
    decision, _ = page(record, analysis)
    found = equal_draws(analysis, "prune:0.1")
    picture = ElementTree.fromstring(scatter(found, decision, "#123456"))
    space = "{http://www.w3.org/2000/svg}"
    dots, crosses = picture.findall(f"{space}circle"), picture.findall(f"{space}path")
    assert len(crosses) == len(decision.may_lose) > 0
    assert len(dots) + len(crosses) == 40
    assert {dot.get("fill") for dot in dots} == {"#123456"}


def test_longer_texts_take_a_smaller_picture_and_then_smaller_letters():
    short, long = ["x" * 300] * 2, ["x" * 300] * 7
    assert fitted(short) == (9.5, 92)
    size, height = fitted(long)
    assert size == 9.5
    assert 40 <= height < 70
    size, height = fitted(long * 2)
    assert size < 9.5
    assert height >= 40
