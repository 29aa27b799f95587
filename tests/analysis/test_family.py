"""Candidates of several studies: the numbers of one study, and nothing that does not fit."""

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision, study_routes
from irs_core.analysis.family import candidates_of, check_family, chosen, hold_together
from irs_core.analysis.tally import count_study, tally_study
from irs_core.analysis.together import family_together, study_together
from irs_core.decide import holm_levels, p_value_holds
from irs_core.errors import SpecError, UnknownKeyError
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, NoiseSpec
from irs_core.store import BASE, Library

SHIPPED = Path(__file__).parents[2] / "cached_results"
FIRST = ("fp16", "bf16", "int8")
ASKED = replace(preset_requirement(0.5), confidence=0.95)


def part_of(study, names):
    """A study that holds some of the compressed models of another."""
    record = study.record
    spec = record.spec
    kept = tuple(one for one in spec.compressions if str(one) in names)
    models = tuple(one for one in record.models if one.name in (BASE, *names))
    part = replace(record, spec=replace(spec, compressions=kept), models=models)
    return part, Analysis(count_study(replace(study, record=part)), Settings.of(spec))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    studies = Library(tmp_path_factory.mktemp("none"), SHIPPED).studies()
    study = next(one for one in studies if one.record.id.startswith("f6529b"))
    rest = tuple(one.name for one in study.record.compressed if one.name not in FIRST)
    return study, part_of(study, FIRST), part_of(study, rest)


def test_seven_candidates_of_two_studies_are_those_of_one(shipped):
    study, first, rest = shipped
    whole = Analysis(tally_study(study), Settings.of(study.record.spec))
    family = candidates_of([first, rest])
    assert [one.name for one in family] == list(whole.tally.compressed)
    short = [one.record.id[:6] for one in family]
    assert [one.key for one in family] == [
        f"{i}:{one.name}" for i, one in zip(short, family, strict=True)
    ]
    assert len(set(short)) == 2
    alone = study_together(study.record, whole, ASKED)
    found = family_together(family, ASKED)
    assert found.candidates == 7
    assert found.stated == alone.stated == pytest.approx(0.35)
    assert tuple(key.split(":", 1)[1] for key in found.holds) == alone.holds
    assert alone.holds == ("fp16", "bf16", "int8", "prune:0.05", "prune:0.1")
    assert found.inputs_needed == alone.inputs_needed
    dear = preset_requirement(0.5)
    assert family_together(family, dear).holds == ()
    needed = study_together(study.record, whole, dear).inputs_needed
    assert family_together(family, dear).inputs_needed == needed


def test_every_model_of_the_family_costs_its_share(shipped):
    """In its study alone int8 holds among three; the other study's models raise the price."""
    _, first, rest = shipped
    asked = replace(preset_requirement(0.5), confidence=0.975)
    few, many = candidates_of([first]), candidates_of([first, rest])
    alone = hold_together(few, asked)
    joint = hold_together(many, asked)
    for decisions, members in ((alone, few), (joint, many)):
        values = {}
        for one in members:
            routes = study_routes(one.analysis, one.name, asked)
            may = int(routes.may_lose.sum())
            values[one.key] = p_value_holds(may, 500, max_share=0.01, level=routes.level)
        expected = set(holm_levels(values, asked.beta))
        assert {key for key, one in decisions.items() if one.verdict == "holds"} == expected
    int8 = next(one for one in many if one.name == "int8")
    assert alone["int8"].verdict == "holds"
    assert joint[int8.key].verdict == "undecided"
    assert study_decision(*first, "int8", asked).verdict == "holds"
    assert (alone["int8"].candidates, joint[int8.key].candidates) == (3, 7)
    assert f"int8 (study {int8.record.id[:6]})" in joint[int8.key].sentence
    # With seven candidates, bounds get a seventh each.
    assert joint[int8.key].loss.upper > alone["int8"].loss.upper


def test_a_name_is_that_of_one_model(shipped):
    _, first, rest = shipped
    family = candidates_of([first, rest])
    (one,) = chosen(family, ["int8"])
    assert chosen(family, [one.key, "int8"]) == (one,)
    assert chosen(family, None) == family
    with pytest.raises(UnknownKeyError, match="got 'int9'"):
        chosen(family, ["int9"])


@pytest.fixture
def two(tmp_path):
    library = Library(tmp_path, tmp_path / "none")

    def made(**changes):
        record = synthetic_study(library, synthetic_spec(**changes))
        return record, Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))

    return made


def test_a_name_in_two_studies_has_to_be_told_apart(two):
    spec = synthetic_spec()
    first, other = two(), two(compressions=spec.compressions[:1])
    family = candidates_of([first, other])
    assert [one.name for one in family] == ["fp16", "prune:0.1", "fp16"]
    keys = [one.key for one in family if one.name == "fp16"]
    with pytest.raises(UnknownKeyError, match=f"write {keys[0]} or {keys[1]}"):
        chosen(family, ["fp16"])
    assert [one.key for one in chosen(family, [keys[1]])] == [keys[1]]
    # The same model twice is two candidates: the union is never too small.
    assert family_together(family, ASKED).candidates == 3


def test_what_is_not_shared_is_refused_in_a_sentence(two):
    record, analysis = two()
    other, noise = two(noise=NoiseSpec(0.5, seed=8)), two(noise=NoiseSpec(0.25, seed=7))
    short = record.id[:6]
    for found, told in (
        (other, "they draw other noise (seed 7 against 8)"),
        (noise, "they draw other noise (sigma 0.5 against 0.25)"),
        (two(data=DataSpec(max=20, holdout=20)), "they report other inputs"),
    ):
        with pytest.raises(SpecError) as error:
            candidates_of([(record, analysis), found])
        assert "need one original, one set of inputs and one noise" in str(error.value)
        assert f"studies {short} and {found[0].id[:6]} differ" in str(error.value)
        assert told in str(error.value)
    base = replace(record.base, digest="other" * 4)
    another = replace(other[0], spec=record.spec, models=(base, *record.models[1:]))
    another = replace(another, spec=replace(record.spec, n=3000))
    with pytest.raises(SpecError, match="they have other originals \\(base"):
        check_family([record, another])
    elsewhere = replace(another, models=(replace(record.base, execution="x"), *record.models[1:]))
    with pytest.raises(SpecError, match="other originals"):
        check_family([record, elsewhere])
    labels = tuple(reversed(record.data.labels))
    relabelled = replace(another, models=record.models, data=replace(record.data, labels=labels))
    with pytest.raises(SpecError, match="not the true classes"):
        check_family([record, relabelled])
    with pytest.raises(SpecError, match=f"each study is named once; got {short} again"):
        check_family([record, other[0], record])
    # The third is held against its neighbour, hence against all.
    with pytest.raises(SpecError, match="differ"):
        check_family([record, replace(another, models=record.models), noise[0]])


def test_inputs_that_share_noise_are_not_judged_together(two):
    record, analysis = two(noise=NoiseSpec(0.5, seed=7, group=2))
    family = candidates_of([(record, analysis)])
    assert family_together(family, ASKED).holds is None
    with pytest.raises(SpecError, match="share noise"):
        hold_together(family, ASKED)
