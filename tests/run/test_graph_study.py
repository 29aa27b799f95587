"""Studies of graph files: what is certified is the file."""

import shutil
from dataclasses import replace

import onnx
import pytest
from graph_files import export_onnx, noisy, quantise_onnx
from onnx import numpy_helper

from irs_core.errors import ApproximationError, CheckpointError
from irs_core.graphs import file_compression, read_graph
from irs_core.models import load_model
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.compressions import FileModel, HalfWeights, Int8Static, LowRank, MagnitudePrune
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import Library

SHIPPED = ModelSpec("shipped:digits-0.50")
SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("graphs")
    plain = export_onnx(load_model(SHIPPED).module, SHAPE, place / "plain.onnx")
    quantise_onnx(plain, place / "int8.onnx", noisy(SHAPE, 64))
    return place


def spec(*compressions, model=SHIPPED):
    return StudySpec(
        model=model,
        data=DataSpec(max=6),
        noise=NoiseSpec(0.5),
        compressions=compressions,
        n0=20,
        n=200,
        n_p=(50, 100),
    )


def digests(record, name):
    model = next(one for one in record.models if one.name == name)
    return {stream: record.digests[key] for stream, key in model.evidence.items()}


def test_an_exported_file_is_certified_as_the_network_that_it_is(folder, tmp_path):
    library = Library(tmp_path, tmp_path)
    file = file_compression(f"file:{folder / 'plain.onnx'}")
    weights = run_study(spec(HalfWeights("fp16"), file), library)
    of_file = run_study(spec(file, model=ModelSpec(str(folder / "plain.onnx"))), library)
    # Same arithmetic, same noise: the same predictions, whatever the container.
    assert digests(weights, "base") == digests(of_file, "base")
    assert digests(weights, str(file)) == digests(of_file, str(file))
    assert read_graph(folder / "plain.onnx").digest in of_file.base.note


def test_another_process_runs_the_same_file(folder, tmp_path):
    file = file_compression(f"file:{folder / 'int8.onnx'}")
    model = ModelSpec(str(folder / "plain.onnx"))
    here = run_study(spec(file, model=model), Library(tmp_path / "a", tmp_path))
    there = run_study(
        spec(file, model=model),
        Library(tmp_path / "b", tmp_path),
        options=RunOptions(engine="local:2"),
    )
    assert here.digests == there.digests


def test_a_study_is_about_the_content_not_the_path(folder, tmp_path):
    (tmp_path / "moved.onnx").write_bytes((folder / "int8.onnx").read_bytes())
    first = file_compression(f"file:{folder / 'int8.onnx'}")
    second = file_compression(f"file:{tmp_path / 'moved.onnx'}")
    assert spec(first).id == spec(second).id
    assert spec(first).id != spec(file_compression(f"file:{folder / 'plain.onnx'}")).id


def test_a_file_that_changed_is_refused(folder, tmp_path):
    path = tmp_path / "changing.onnx"
    path.write_bytes((folder / "int8.onnx").read_bytes())
    described = file_compression(f"file:{path}")
    path.write_bytes((folder / "plain.onnx").read_bytes())
    with pytest.raises(CheckpointError, match="has changed"):
        run_study(spec(described), Library(tmp_path, tmp_path))


def test_int8_of_a_graph_file(folder, tmp_path):
    model = ModelSpec(str(folder / "plain.onnx"))
    record = run_study(spec(Int8Static(), model=model), Library(tmp_path, tmp_path))
    assert record.models[1].execution == "openvino cpu int8"
    assert record.models[1].size_bytes < record.base.size_bytes


def test_rounded_and_pruned_weights_of_a_graph_file(folder, tmp_path):
    model = ModelSpec(str(folder / "plain.onnx"))
    asked = spec(HalfWeights("fp16"), MagnitudePrune(0.3), model=model)
    here = run_study(asked, Library(tmp_path / "a", tmp_path))
    there = run_study(
        asked, Library(tmp_path / "b", tmp_path), options=RunOptions(engine="local:2")
    )
    assert there.digests == here.digests
    half, pruned = here.compressed
    assert half.size_bytes < here.base.size_bytes
    assert pruned.nonzero < half.nonzero
    assert here.base.nonzero >= half.nonzero


def test_a_compressed_graph_file_is_known_by_its_content(folder, tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    shutil.copy(folder / "plain.onnx", path)
    asked = spec(MagnitudePrune(0.3), model=ModelSpec(str(path)))
    first = run_study(asked, Library(tmp_path / "s", tmp_path)).compressed[0].digest
    again = run_study(asked, Library(tmp_path / "t", tmp_path)).compressed[0].digest
    assert again == first
    # The same recipe on other weights at the same path, and another outcome of the same recipe.
    changed = onnx.load(str(path))
    weights = changed.graph.initializer[0]
    weights.CopyFrom(numpy_helper.from_array(1.1 * numpy_helper.to_array(weights), weights.name))
    onnx.save(changed, str(path))
    other = run_study(asked, Library(tmp_path / "u", tmp_path)).compressed[0].digest
    monkeypatch.setattr("irs_core.approx.graph_weights.prune_together", lambda *_: None)
    outcome = run_study(asked, Library(tmp_path / "v", tmp_path)).compressed[0].digest
    assert len({first, other, outcome}) == 3


def test_other_compressions_need_pytorch_weights(folder, tmp_path):
    model = ModelSpec(str(folder / "plain.onnx"))
    with pytest.raises(ApproximationError, match="cannot be applied"):
        run_study(spec(LowRank(0.9), model=model), Library(tmp_path, tmp_path))


def test_the_originals_normalisation_can_come_first(folder, tmp_path):
    normal = replace(SHIPPED, mean=(0.0,), std=(1.0,))
    plain = file_compression(f"file-normalized:{folder / 'plain.onnx'}")
    record = run_study(spec(plain, model=normal), Library(tmp_path, tmp_path))
    assert "after the original's normalisation" in record.models[1].note
    with pytest.raises(CheckpointError, match="there is none"):
        run_study(spec(plain), Library(tmp_path, tmp_path))


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"arch": "cifar_resnet8"}, "its own architecture"),
        ({"num_classes": 7}, "has 10 classes"),
        ({"mean": (0.1, 0.2), "std": (1.0, 1.0)}, "takes 1 channels"),
    ],
)
def test_what_is_asked_for_must_fit_the_file(folder, changes, rule):
    with pytest.raises(CheckpointError, match=rule):
        load_model(replace(ModelSpec(str(folder / "plain.onnx")), **changes))


def test_digest_changes_with_the_normalisation(folder):
    plain = ModelSpec(str(folder / "plain.onnx"))
    assert load_model(plain).digest != load_model(replace(plain, mean=(0.1,), std=(1.0,))).digest


def test_a_name_and_a_title_for_people(folder):
    file = file_compression(f"file:{folder / 'int8.onnx'}")
    assert isinstance(file, FileModel)
    assert file.title == f"int8.onnx {read_graph(folder / 'int8.onnx').digest[:8]}"
