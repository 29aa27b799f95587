"""What a study does with classifiers that are no fixed functions, and that all others are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from graph_files import linear_graph, noisy
from onnx import helper
from synthetic import synthetic_spec

from irs_core.check import check_model
from irs_core.data import load_dataset
from irs_core.errors import ModelOutputError
from irs_core.graphs import file_compression
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare, prepare_fixed
from irs_core.run.prepared import as_fixed
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import KINDS, parse_compression
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec
from irs_core.store import EvidenceKey, Library, StudyRecord

SPEC = synthetic_spec(data=DataSpec(max=6, holdout=2), compressions=(), n0=20, n=200, n_p=(50,))
node = helper.make_node
MEAN = (
    node("ReduceMean", ["x", "rows"], ["m"], keepdims=1),
    node("Sub", ["x", "m"], ["z"]),
)
RANDOM = (node("RandomNormalLike", ["x"], ["r"]), node("Add", ["x", "r"], ["z"]))
ROOT = (node("Sqrt", ["x"], ["a"]), node("Relu", ["a"], ["z"]))


@pytest.fixture(scope="module")
def every():
    kinds = tuple(parse_compression(kind.example) for kind in KINDS.values())
    spec = replace(SPEC, compressions=kinds)
    dataset = load_dataset(spec.data)
    prepared = {one.name: one for one in prepare(spec, load_model(spec.model), dataset, OPTIONS)}
    return dataset, prepared


OPTIONS = RunOptions()
IMAGES = noisy((1, 8, 8), 400)


@pytest.mark.parametrize("name", ["base", *(kind.example for kind in KINDS.values())])
def test_answers_are_the_same_in_batches_of_every_size(every, name):
    predictor = every[1][str(parse_compression(name)) if name != "base" else name].predictor
    answers = predictor(IMAGES)
    for batch in (1, 3, 7, 200):
        np.testing.assert_array_equal(predictor.with_batch(batch)(IMAGES), answers)


@pytest.mark.parametrize("name", ["base", *(kind.example for kind in KINDS.values())])
def test_every_compression_is_found_to_be_fixed(every, name):
    dataset, prepared = every
    one = prepared[str(parse_compression(name)) if name != "base" else name]
    found = as_fixed(one, dataset, NoiseSpec(0.5))
    assert found.predictor is one.predictor
    assert found.fixed.startswith("The same answers to 16 noisy images")
    assert "differ" not in found.fixed


def test_dynamic_int8_gives_the_same_evidence_at_every_batch_size(tmp_path):
    spec = replace(SPEC, compressions=(parse_compression("int8-dynamic"),), data=DataSpec(max=2))
    found = [
        run_study(spec, Library(tmp_path / str(batch)), options=RunOptions(batch=batch))
        for batch in (1, 200)
    ]
    assert found[0].digests == found[1].digests


def file(tmp_path, *nodes):
    path = linear_graph(tmp_path / "g.onnx", *nodes)
    return replace(SPEC, compressions=(file_compression(f"file:{path}"),))


def test_a_file_that_sees_the_batch_has_one_evidence_at_every_batch_size(tmp_path):
    spec = file(tmp_path, *MEAN)
    records = [
        run_study(spec, Library(tmp_path / str(batch)), options=RunOptions(batch=batch))
        for batch in (1, 200)
    ]
    assert records[0].digests == records[1].digests
    model = records[0].compressed[0]
    assert model.execution == "openvino cpu fp32 one by one"
    assert "one image at a time" in model.note
    assert "depend on the batch" in model.fixed
    # What ran in batches is other evidence.
    batched = replace(model, execution="openvino cpu fp32")
    key = [
        EvidenceKey(model.digest, records[0].data.digest, spec.noise, "estimate", one.execution).id
        for one in (model, batched)
    ]
    assert model.evidence["estimate"] == key[0] != key[1]


def test_another_process_runs_it_one_by_one_too(tmp_path):
    spec = file(tmp_path, *MEAN)
    _, one = prepare_fixed(spec, load_model(spec.model), load_dataset(spec.data), OPTIONS)
    there = one.pack().predictor()
    assert there.execution == one.predictor.execution
    assert there.batch == 1
    assert np.array_equal(there(IMAGES[:40]), one.predictor(IMAGES[:40]))


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(("nodes", "rule"), [(RANDOM, "two runs"), (ROOT, "NaN")])
def test_what_is_random_or_hides_nan_leaves_no_study(tmp_path, backend, nodes, rule):
    spec, library = file(tmp_path, *nodes), Library(tmp_path / "store", tmp_path / "none")
    with pytest.raises(ModelOutputError, match=rule):
        run_study(spec, library, options=RunOptions(backend=backend))
    assert library.studies() == []
    with pytest.raises(ModelOutputError, match=rule):
        check_model(
            SPEC.model,
            SPEC.data,
            sigma=0.5,
            compressions=spec.compressions,
            draws=2,
            options=RunOptions(backend=backend),
        )


def test_an_original_is_measured_like_the_others(tmp_path):
    model = ModelSpec(str(linear_graph(tmp_path / "g.onnx", *RANDOM)))
    with pytest.raises(ModelOutputError, match="two runs"):
        run_study(replace(SPEC, model=model), Library(tmp_path / "store"))


def test_a_dry_run_says_what_runs_one_by_one(tmp_path):
    compressions = file(tmp_path, *MEAN).compressions
    report = check_model(SPEC.model, SPEC.data, sigma=0.5, compressions=compressions, draws=2)
    assert report.rows[0].fixed.startswith("The same answers")
    assert report.rows[1].execution.endswith("one by one")
    assert "depend on the batch" in report.rows[1].fixed


def test_integer_noise_is_measured_in_whole_steps():
    spec = replace(SPEC, noise=NoiseSpec(0.5, kind="rounded"))
    spec = replace(spec, compressions=(parse_compression("integer"),))
    found = list(prepare_fixed(spec, load_model(spec.model), load_dataset(spec.data), OPTIONS))
    assert all(one.fixed.startswith("The same answers") for one in found)


def test_what_was_measured_is_kept_and_older_records_stay_as_they_are(tmp_path):
    record = run_study(SPEC, Library(tmp_path))
    described = json.loads(json.dumps(record.to_dict()))
    assert described["models"][0]["fixed"] == record.base.fixed != ""
    assert StudyRecord.from_dict(described) == record
    del described["models"][0]["fixed"]
    older = StudyRecord.from_dict(described)
    assert older.base.fixed == ""
    assert json.loads(json.dumps(older.to_dict())) == described


def test_measuring_again_is_no_computation(tmp_path):
    library = Library(tmp_path)
    record = run_study(SPEC, library)
    older = replace(record, models=(replace(record.base, fixed=""),), hardware="another machine")
    library.save(older)
    again = run_study(SPEC, library)
    assert again.hardware == "another machine"
    assert again.base.fixed == record.base.fixed
