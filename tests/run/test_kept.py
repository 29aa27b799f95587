"""Classifiers that were prepared before are those that would be made again."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from irs_core.backends import processor
from irs_core.backends.processor import exact_8_bit_sums
from irs_core.data import load_dataset
from irs_core.errors import CheckpointError
from irs_core.graphs.files import content_digest
from irs_core.run import kept, kept_keys
from irs_core.run.kept import KeptClassifiers, KeptPredictor
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import FileModel
from irs_core.spec.parts import PartOnly
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import BASE, Library

SPEC = StudySpec(
    model=ModelSpec("shipped:digits-0.50"),
    data=DataSpec(max=3),
    noise=NoiseSpec(0.5, seed=3),
    compressions=(parse_compression("int8"), parse_compression("prune:0.5")),
    n0=20,
    n=120,
    n_p=(50,),
)
OTHER = replace(SPEC, n_p=(50, 100))


def found(root, spec=SPEC, options=None):
    return KeptClassifiers(root, spec, load_dataset(spec.data), options or RunOptions()).all()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A store after one study, and what it holds after the next, prepared anew."""
    root, anew = tmp_path_factory.mktemp("kept"), tmp_path_factory.mktemp("anew")
    run_study(SPEC, Library(root))
    record = run_study(OTHER, Library(anew))
    return root, record


@pytest.fixture
def store(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "store")


def test_a_study_with_other_budgets_takes_what_is_kept_and_equals_one_that_does_not(
    finished, store, monkeypatch
):
    monkeypatch.setattr(kept, "_write", lambda *_: pytest.fail("prepared anew"))
    record = run_study(OTHER, Library(store))
    expected = finished[1]
    assert record.digests == expected.digests
    assert record.models == expected.models


def test_one_more_compression_is_all_that_is_prepared(store, tmp_path, monkeypatch):
    # Imports torch, which another test of this file counts on not to be.
    from irs_core.run import prepare

    more = replace(SPEC, compressions=(*SPEC.compressions, parse_compression("fp16")))
    expected = run_study(more, Library(tmp_path / "anew"))
    built, measured = [], []
    real, real_fixed = prepare._Builder.build, prepare.as_fixed
    monkeypatch.setattr(prepare._Builder, "base", lambda _: pytest.fail("prepared anew"))
    monkeypatch.setattr(
        prepare._Builder, "build", lambda self, one: built.append(str(one)) or real(self, one)
    )
    monkeypatch.setattr(
        prepare, "as_fixed", lambda one, *rest: measured.append(one.name) or real_fixed(one, *rest)
    )
    record = run_study(more, Library(store))
    assert built == measured == ["fp16"]
    assert record.models == expected.models
    assert record.digests == expected.digests
    assert [one.name for one in found(store, more)] == [BASE, "int8", "prune:0.5", "fp16"]


def test_nothing_is_compiled_that_is_not_sampled(store, monkeypatch):
    compiled = []
    real = KeptPredictor._predictor

    def counted(self):
        compiled.append(self._about.name)
        return real(self)

    monkeypatch.setattr(KeptPredictor, "_predictor", counted)
    run_study(OTHER, Library(store))
    assert set(compiled) == {"int8", "prune:0.5"}
    compiled.clear()
    run_study(OTHER, Library(store))
    assert compiled == []


def test_torch_is_not_imported_where_everything_is_kept(store):
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_kept import OTHER, run_study, Library
run_study(OTHER, Library(Path({str(store)!r})))
print([name for name in ("torch", "nncf", "sklearn", "pandas") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path.cwd(),
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "spec",
    [
        replace(SPEC, noise=replace(SPEC.noise, seed=4)),
        replace(SPEC, noise=replace(SPEC.noise, sigma=0.25)),
        replace(SPEC, data=DataSpec(max=4)),
        replace(SPEC, model=ModelSpec("shipped:digits-0.25")),
        replace(SPEC, compressions=(*SPEC.compressions, parse_compression("fp16"))),
    ],
)
def test_another_study_prepares_its_own(finished, spec):
    assert found(finished[0], spec) is None
    assert found(finished[0], replace(SPEC, n=99, n_p=(7,), alpha=0.01)) is not None


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(batch=7),
        RunOptions(backend="torch"),
        RunOptions(engine="local:2"),
        RunOptions(device="cuda"),
    ],
)
def test_another_way_to_run_prepares_its_own(finished, options):
    assert found(finished[0], options=options) is None


def test_another_file_under_the_same_name_is_not_taken_for_the_first(tmp_path):
    weights = tmp_path / "own.safetensors"
    source = kept_keys.weights_path("shipped:digits-0.50")
    shutil.copy(source, weights)
    spec = replace(SPEC, model=ModelSpec(str(weights)), compressions=())
    run_study(spec, Library(tmp_path / "store"))
    assert found(tmp_path / "store", spec) is not None
    shutil.copy(kept_keys.weights_path("shipped:digits-0.25"), weights)
    assert found(tmp_path / "store", spec) is None


def test_a_changed_program_and_another_machine_prepare_anew(finished, monkeypatch):
    for name in ("program_stamp", "describe_hardware"):
        with monkeypatch.context() as patched:
            patched.setattr(kept_keys, name, lambda: "another")
            assert found(finished[0]) is None
    assert found(finished[0]) is not None


@pytest.mark.parametrize("name", ["model.xml", "model.bin", "about.json"])
def test_what_is_damaged_is_made_again(store, name):
    for file in (store / "prepared").glob(f"*/{name}"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    assert found(store) is None
    record = run_study(OTHER, Library(store))
    assert record.finished
    assert found(store) is not None


def test_a_description_of_another_shape_counts_as_missing(store):
    for file in (store / "prepared").glob("*/about.json"):
        about = json.loads(file.read_text())
        del about["clean"]
        file.write_text(json.dumps(about))
    assert found(store) is None


def test_objects_of_a_process_are_not_kept(finished):
    spec = replace(SPEC, model=ModelSpec("object:1234", num_classes=10))
    assert found(finished[0], spec) is None


def test_what_was_used_longest_ago_is_forgotten(store, monkeypatch):
    monkeypatch.setattr(kept, "MOST_CLASSIFIERS", 3)
    extra = store / "prepared" / "extra"
    extra.mkdir()
    os.utime(extra, (0, 0))
    kept._forget(store / "prepared")
    assert not extra.exists()
    assert found(store) is not None
    monkeypatch.setattr(kept, "MOST_BYTES", 1)
    kept._forget(store / "prepared")
    assert found(store) is None


def keys(spec, options=None):
    return dict(kept_keys.classifier_keys(spec, load_dataset(spec.data), options or RunOptions()))


def own_model(folder, name="own.safetensors"):
    """A spec about a file of its own, and the file."""
    path = folder / name
    shutil.copy(kept_keys.weights_path("shipped:digits-0.50"), path)
    return replace(SPEC, model=ModelSpec(str(path), arch="digits_resnet")), path


def test_a_denoiser_is_known_by_its_content(tmp_path):
    first = tmp_path / "denoiser.safetensors"
    first.write_bytes(b"one")
    spec = replace(SPEC, model=replace(SPEC.model, denoiser=str(first)))
    before = keys(spec)
    assert before
    assert not set(before.values()) & set(keys(SPEC).values())
    first.write_bytes(b"two")
    assert not set(before.values()) & set(keys(spec).values())
    first.unlink()
    assert keys(spec) == {}


def test_a_file_in_the_place_of_a_part_is_known_by_its_content(tmp_path):
    part = tmp_path / "part.onnx"
    part.write_bytes(b"one")
    one = PartOnly("denoiser", FileModel(str(part), "0" * 16))
    spec = replace(SPEC, compressions=(one,))
    before = keys(spec)[str(one)]
    part.write_bytes(b"two")
    assert keys(spec)[str(one)] != before
    part.unlink()
    assert str(one) not in keys(spec)


def test_neighbours_with_longer_names_hide_no_change(tmp_path):
    spec, path = own_model(tmp_path, "own[1].safetensors")
    path.with_name("own[1].z.safetensors").write_bytes(b"another")
    path.with_name("own[1].bin").write_bytes(b"constants")
    before = keys(spec)[BASE]
    path.with_name("own[1].bin").write_bytes(b"others")
    changed = keys(spec)[BASE]
    path.write_bytes(path.read_bytes() + b" ")
    assert len({before, changed, keys(spec)[BASE]}) == 3


def test_graphs_that_may_keep_weights_under_any_name_are_not_kept(tmp_path):
    graph = tmp_path / "own.onnx"
    spec = replace(SPEC, model=ModelSpec(str(graph)))
    graph.write_bytes(b"all inside")
    assert BASE in keys(spec)
    graph.write_bytes(b"location weights.data")
    assert keys(spec) == {}


@pytest.mark.parametrize("text", ["int8", "denoiser:int8", "mixed:int4,conv1=int8"])
def test_whatever_is_calibrated_rests_on_the_images_of_that(text, monkeypatch):
    spec = replace(SPEC, compressions=tuple(map(parse_compression, ("fp16", text, "bf16"))))
    before = keys(spec)
    monkeypatch.setattr(kept_keys, "_calibration", lambda *_: "other images")
    after = keys(spec)
    assert {name for name in before if before[name] != after[name]} == {text}
    alone = keys(replace(spec, compressions=(parse_compression("bf16"),)))
    assert alone["bf16"] == after["bf16"]


def test_what_was_made_of_a_program_is_for_those_who_may_run_it(tmp_path):
    spec, path = own_model(tmp_path)
    may, may_not = RunOptions(programs=True), RunOptions()
    assert keys(spec, may) == keys(spec, may_not)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("code", "")
    assert not set(keys(spec, may).values()) & set(keys(spec, may_not).values())


def test_a_file_that_changed_since_it_was_queued_is_refused_although_it_is_kept(tmp_path):
    spec, path = own_model(tmp_path)
    spec, library = replace(spec, compressions=()), Library(tmp_path / "store")
    run_study(spec, library)
    assert found(tmp_path / "store", spec) is not None
    queued = RunOptions(original=content_digest(path))
    assert run_study(spec, library, options=queued).finished
    with pytest.raises(CheckpointError, match="has changed"):
        run_study(spec, library, options=replace(queued, original="0" * 64))


def test_classifiers_of_processors_whose_sums_saturate_are_kept_apart_and_run(
    finished, tmp_path, monkeypatch
):
    for place in (processor, kept_keys):
        monkeypatch.setattr(place, "exact_8_bit_sums", lambda: not exact_8_bit_sums())
    assert found(finished[0]) is None
    library = Library(tmp_path)
    first = run_study(SPEC, library)
    again = run_study(OTHER, library)
    assert found(tmp_path) is not None
    assert [one.execution for one in again.models] == [one.execution for one in first.models]


def test_architectures_of_other_code_are_prepared_each_time(tmp_path, monkeypatch):
    spec, _ = own_model(tmp_path)
    monkeypatch.setattr("irs_core.models.registry._FOREIGN", {"mine"})
    run_study(replace(spec, compressions=()), Library(tmp_path / "store"))
    assert found(tmp_path / "store", replace(spec, compressions=())) is None
