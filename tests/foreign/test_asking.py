"""What the app asks of files of others: right answers, and one gate that none goes around."""

import ast
from pathlib import Path

import numpy as np
import pytest
from denoisers import made, saved
from graph_files import export_onnx
from synthetic import synthetic_spec, synthetic_study
from torch import nn

from irs_core.actions import Acting
from irs_core.actions.studies import upload_bundle
from irs_core.data import load_dataset
from irs_core.errors import CheckpointError, DatasetError, SandboxError
from irs_core.foreign import asking as foreign
from irs_core.foreign.answers import ModelFacts, ResultsRow, hexadecimal, row
from irs_core.graphs import read_graph
from irs_core.models import load_model
from irs_core.report import HEADER, import_cohen, imported_results
from irs_core.run.options import RunOptions
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def listed(tmp_path, monkeypatch):
    folder = tmp_path / "listed"
    folder.mkdir()
    monkeypatch.setenv("IRS_MODEL_DIRS", str(folder))
    monkeypatch.setenv("IRS_DATA_DIRS", str(folder))
    return folder


@pytest.fixture
def onnx(listed):
    return export_onnx(
        nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), (1, 8, 8), listed / "net.onnx"
    )


def test_a_model_is_what_it_is_in_this_process(onnx, tmp_path):
    found, known = (
        foreign.model_facts(ModelSpec(str(onnx)), tmp_path),
        load_model(ModelSpec(str(onnx))),
    )
    assert found.digest == known.digest
    assert found.input_shape == known.input_shape == (1, 8, 8)
    assert (found.num_classes, found.parameters) == (known.num_classes, known.parameters)
    compression = foreign.file_compression(f"file:{onnx}", tmp_path)
    assert compression.path == str(onnx)
    assert read_graph(onnx).digest.startswith(compression.digest)
    foreign.check_model_file(onnx)


def test_files_outside_the_listed_folders_are_not_read(onnx, tmp_path):
    outside = tmp_path / "net.onnx"
    outside.write_bytes(onnx.read_bytes())
    onnx.unlink()
    onnx.symlink_to(outside)
    for path in (outside, onnx):
        with pytest.raises(CheckpointError, match="leads out of the folders"):
            foreign.model_facts(ModelSpec(str(path)), tmp_path / "store")
        with pytest.raises(CheckpointError, match="leads out of the folders"):
            foreign.file_compression(f"file:{path}", tmp_path / "store")


def test_data_and_their_images(listed, tmp_path):
    path = listed / "mine.npz"
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8), np.uint8)
    np.savez(path, images=images, labels=np.arange(12) % 3)
    spec = DataSpec("npz", str(path), max=4, holdout=2)
    found = foreign.data_facts(spec, tmp_path)
    assert (found.total, found.classes, found.reported, found.held_out) == (12, 3, 4, 2)
    dataset = load_dataset(spec)
    pixels = foreign.read_images(spec, [1, 3], dataset.indices, dataset.labels, tmp_path)
    assert np.array_equal(pixels, dataset.images([1, 3]))
    with pytest.raises(DatasetError, match="other images"):
        foreign.check_images(spec, [0], [2], tmp_path)


def test_a_bundle_is_verified_and_kept(tmp_path):
    record = synthetic_study(Library(tmp_path / "a"), synthetic_spec(n=600, n_p=(50,)))
    Library(tmp_path / "a").export(record.id, tmp_path / "s.irs.zip")
    there = Acting(tmp_path / "b")
    assert upload_bundle(there, tmp_path / "s.irs.zip") == (record.id, record.title)
    assert Library(there.root, tmp_path / "none").open(record.id).origin == "imported"
    bad = tmp_path / "bad.irs.zip"
    bad.write_bytes((tmp_path / "s.irs.zip").read_bytes()[:-100])
    with pytest.raises(Exception, match="not a readable bundle"):
        upload_bundle(Acting(tmp_path / "c"), bad)
    assert not list((tmp_path / "c").rglob("*.zip"))


def test_what_was_not_verified_is_verified_in_a_child(tmp_path):
    record = synthetic_study(Library(tmp_path / "a"), synthetic_spec(n=600, n_p=(50,)))
    bundle = tmp_path / "b" / "bundles" / f"{record.id}.irs.zip"
    Library(tmp_path / "a").export(record.id, bundle)
    asked = []
    library = Library(tmp_path / "b", tmp_path / "none", asked.append)
    assert library.open(record.id).record == record
    assert library.open(record.id).record == record
    assert asked == [bundle]


def test_results_are_kept_and_told(tmp_path):
    path, store = tmp_path / "r.tsv", tmp_path / "store"
    path.write_text(f"{HEADER}\n0\t1\t1\t0.5\t1\t1.5\n1\t1\t2\t0.5\t0\t1.5\n")
    assert foreign.results(store) == []
    foreign.import_results(path, store)
    import_cohen(path, tmp_path / "other")
    (here,), (known,) = foreign.results(store), imported_results(tmp_path / "other")
    assert (here.name, here.inputs, here.acr) == ("r", 2, known.acr)
    assert here.digest == known.digest
    path.write_text("no results")
    with pytest.raises(DatasetError, match="must begin with the columns"):
        foreign.import_results(path, store)
    assert len(foreign.results(store)) == 1


def test_a_study_is_tried_before_a_job_runs_it(onnx, tmp_path):
    spec = synthetic_spec(model=ModelSpec(str(onnx)))
    foreign.check_runs(spec, RunOptions(), tmp_path)
    with pytest.raises(CheckpointError, match="leads out of the folders"):
        foreign.check_runs(
            synthetic_spec(model=ModelSpec(str(tmp_path / "net.onnx"))), RunOptions(), tmp_path
        )


def test_the_ways_out_of_a_file_without_gradients(onnx, tmp_path):
    model, data = ModelSpec(str(onnx)), DataSpec(max=10)
    found = foreign.ways(model, data, 0.5, tmp_path)
    as_is, denoised, tuned = found.rows
    assert (as_is.name, denoised.name, tuned.name) == ("as it is", "denoised", "fine-tuned")
    assert (found.radii, found.levels) == ((0.25, 0.5), 2)
    assert not denoised.refused
    assert denoised.seconds > 0
    assert len(denoised.certified) == 2
    assert "gradients must flow" in tuned.refused


def test_a_denoiser_is_told_from_a_classifier(onnx, listed):
    foreign.check_denoiser_file(Path(saved(listed / "d.safetensors")))
    with pytest.raises(CheckpointError, match="images of the shape that it takes"):
        foreign.check_denoiser_file(onnx)
    with pytest.raises(CheckpointError, match="outputs"):
        foreign.check_model_file(export_onnx(made(), (1, 8, 8), listed / "d.onnx"))


def test_answers_are_not_trusted():
    sound = {"name": "r", "inputs": 2, "accuracy": 1, "acr": 0.5, "rounded": True}
    whole = {**sound, "origin": "x" * 9000, "digest": "d", "more": 1}
    assert len(row(ResultsRow, whole).origin) == 2000
    for bad in ({}, [], {**whole, "inputs": "many"}, {**whole, "acr": [1]}, {**sound}):
        with pytest.raises(SandboxError, match="makes no sense"):
            row(ResultsRow, bad)
    facts = {"arch": "a", "num_classes": 2, "parameters": 1, "size_bytes": 1, "digest": "d"}
    assert row(ModelFacts, {**facts, "input_shape": [1, 8, 8]}).input_shape == (1, 8, 8)
    for bad in ("../../x", "", None, "A" * 16):
        with pytest.raises(SandboxError):
            hexadecimal(bad)


READERS = {"read_graph", "read_checkpoint", "load_file_model", "read_bundle", "import_cohen"}
# Files that come with the program, and models behind servers that the operator lists.
KNOWN = {"ui/shared/inventory.py", "ui/explore/certified.py"}


def test_pages_read_no_file_themselves():
    """Whoever adds an upload finds the gate, or finds this test."""
    found = set()
    for path in [*(ROOT / "ui").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]:
        names = {
            one.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom)
            for one in node.names
        }
        place = str(path.relative_to(ROOT))
        if names & READERS or ("load_model" in names and place not in KNOWN):
            found.add(place)
        if names & {"open_source", "load_dataset"} and place not in KNOWN:
            found.add(place)
        if "import_bundle" in path.read_text() and "foreign.import_bundle" not in path.read_text():
            found.add(place)
    assert not found


def test_a_dry_run_on_a_page_takes_images_of_every_class(listed, tmp_path):
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    nn.init.zeros_(module[1].weight)
    nn.init.zeros_(module[1].bias)  # The first class wins every tie.
    path = export_onnx(module, (1, 8, 8), listed / "first.onnx")
    # Sorted by class, as folders are: the first hundred have the first class alone.
    labels = np.repeat([0, 1], 100)
    np.savez(listed / "sorted.npz", images=np.zeros((200, 8, 8, 1), np.uint8), labels=labels)
    data = DataSpec("npz", str(listed / "sorted.npz"))
    report = foreign.dry_run(ModelSpec(str(path)), data, 0.1, (), tmp_path)
    assert report.data.endswith("50 images")
    assert report.rows[0].clean == 0.5


_DRY = {"rows": [], "warnings": [], "flags": [], "data": "10 images"}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        7,
        {**_DRY, "rows": {}},
        {**_DRY, "warnings": "x"},
        {**_DRY, "warnings": [{}]},
        {**_DRY, "flags": [{}]},
        {**_DRY, "flags": ["x"]},
        {**_DRY, "flags": [{"sentence": 7}]},
        {**_DRY, "data": 7},
        {**_DRY, "offers": [7]},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_one_sentence(answer, tmp_path, monkeypatch):
    monkeypatch.setattr(foreign, "in_child", lambda *_, **__: answer)
    model, data = ModelSpec("net.onnx"), DataSpec("npz", str(tmp_path / "x.npz"))
    asked = [
        lambda: foreign.dry_run(model, data, 0.5, (), tmp_path),
        lambda: foreign.read_images(data, [0], [0], [0], tmp_path),
        lambda: foreign.check_bundle(tmp_path / "x.irs.zip"),
        lambda: foreign.model_facts(model, tmp_path),
    ]
    (tmp_path / "results").mkdir()
    if answer != []:
        asked.append(lambda: foreign.results(tmp_path))
    for ask in asked:
        with pytest.raises(SandboxError, match="makes no sense"):
            ask()
