"""Studies from before there was a choice of generator, and those that are begun."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from irs_core.analysis.sharing import repeats, same_subject, shares
from irs_core.errors import SpecError
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.fields import stable_id
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.spec.study_file import parse_study, study_text
from irs_core.store import EvidenceKey, Library

SPEC = StudySpec(
    model=ModelSpec("shipped:digits-0.50"),
    data=DataSpec(max=3),
    noise=NoiseSpec.chosen(0.5, 3, "rounded"),
    compressions=(parse_compression("prune:0.5"),),
    n0=20,
    n=600,
    n_p=(100,),
)
BEFORE = replace(SPEC, noise=NoiseSpec(0.5, 3, "rounded"))
HERE = RunOptions(backend="torch")


def answers(record, library, draws):
    return {
        (model.name, stream): library.open(record.id).evidence(name).read(draws)
        for model in record.models
        for stream, name in model.evidence.items()
    }


def test_rounded_and_discrete_studies_begin_by_counter_and_gaussian_ones_do_not():
    kinds = {kind: NoiseSpec.chosen(0.5, kind=kind).generator for kind in ("rounded", "discrete")}
    assert kinds == {"rounded": "philox", "discrete": "philox"}
    assert NoiseSpec.chosen(0.5).generator == NoiseSpec(0.5, kind="rounded").generator == "sfc64"
    assert NoiseSpec.chosen(0.5, kind="rounded", generator="sfc64") == NoiseSpec(0.5, 0, "rounded")


@pytest.mark.parametrize("options", [{}, {"kind": "rounded", "generator": "mt19937"}])
def test_generators_that_make_no_such_noise_are_refused(options):
    with pytest.raises(SpecError, match="generator"):
        NoiseSpec(0.5, **{"generator": "philox", **options})


def test_descriptions_without_a_generator_keep_their_ids():
    described = BEFORE.to_dict()
    assert described["noise"] == {"sigma": 0.5, "seed": 3, "kind": "rounded", "group": 1}
    assert StudySpec.from_dict(described) == BEFORE
    key = EvidenceKey("m", "d", BEFORE.noise, "estimate", "torch cpu fp32")
    plain = asdict(key)
    del plain["noise"]["generator"]
    assert key.id == stable_id(plain)
    assert replace(key, noise=SPEC.noise).id != key.id
    assert StudySpec.from_dict(SPEC.to_dict()) == SPEC
    assert SPEC.id != BEFORE.id


def test_study_files_name_the_generator_where_there_was_a_choice():
    assert "generator: philox" in study_text(SPEC)
    assert parse_study(study_text(SPEC)).spec == SPEC
    assert "generator" not in study_text(BEFORE)
    assert parse_study(study_text(BEFORE)).spec == BEFORE


def test_shipped_studies_are_read_under_their_own_generator():
    shipped = [one.record for one in Library().studies() if one.shipped]
    rounded = [one for one in shipped if one.spec.noise.kind == "rounded"]
    assert rounded
    for record in shipped:
        assert record.spec.noise.generator == "sfc64"
        assert record.spec.id == record.id
        for model in record.models:
            for stream, name in model.evidence.items():
                key = EvidenceKey(
                    model.digest, record.data.digest, record.spec.noise, stream, model.execution
                )
                assert key.id == name


@pytest.mark.parametrize("spec", [BEFORE, SPEC])
def test_evidence_of_either_generator_is_extended(spec, tmp_path):
    few, own = replace(spec, n=100, n_p=(50,)), Library(tmp_path / "own")
    first = answers(run_study(few, own, options=HERE), own, 50)
    extended = run_study(spec, own, options=HERE)
    whole = Library(tmp_path / "whole")
    record = run_study(spec, whole, options=HERE)
    assert record.digests == extended.digests
    later = answers(extended, own, 50)
    assert all(np.array_equal(first[key], later[key]) for key in first)


def test_the_same_seed_under_another_generator_is_a_repetition_on_other_draws(tmp_path):
    assert same_subject(SPEC, BEFORE)
    assert repeats(SPEC, BEFORE)
    record = run_study(replace(BEFORE, n=100), Library(tmp_path), options=HERE)
    assert shares(record, replace(BEFORE, n=200))
    assert not shares(record, replace(SPEC, n=200))
