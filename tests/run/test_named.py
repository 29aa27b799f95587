"""Classifiers that a person names: own code, programs, successors as weights."""

import copy
import os
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic import synthetic_spec
from torch.nn.utils import prune

import irs_core
from irs_core.approx import compress
from irs_core.check import check_model
from irs_core.cli.main import main
from irs_core.errors import (
    ApproximationError,
    CheckpointError,
    ModelOutputError,
    SpecError,
    UnknownKeyError,
)
from irs_core.graphs import file_compression
from irs_core.jobs import JobQueue, run_job, work
from irs_core.models import build, load_model
from irs_core.models.successor import load_successor
from irs_core.run.named import is_code, named_compressions, named_model
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library

DATA = DataSpec(max=4)
SPEC = synthetic_spec(data=DATA, compressions=(), n0=20, n=200, n_p=(50,))
OPEN = RunOptions(programs=True)

CODE = """
import torch
from torch import nn
from irs_core.models import build, load_model
from irs_core.spec.study import ModelSpec


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = load_model(ModelSpec("shipped:digits-0.50")).module

    def forward(self, images):
        return self.inner(images)


def make():
    return Net()


class Answer:
    version = "7"

    def __init__(self, classes=False):
        self.net, self.classes = Net(), classes

    def __call__(self, images):
        with torch.no_grad():
            scores = self.net(torch.from_numpy(images)).numpy()
        return scores.argmax(axis=1) if self.classes else scores


def scores():
    return Answer()


def classes():
    return Answer(classes=True)


def nameless():
    return lambda images: images


def exported():
    net = Net().eval()
    shape = {"images": {0: torch.export.Dim("n", min=1, max=500)}}
    program = torch.export.export(net, (torch.zeros(2, 1, 8, 8),), dynamic_shapes=shape)
    module = program.module()
    module.version = "1"
    return module


def fails():
    raise ValueError("no\\nweights")


def number():
    return 3


class Failing:
    version = "1"

    def __call__(self, images):
        raise KeyError("gone")


def failing():
    return Failing()


def wrong_ids():
    answer = Answer()
    ids = lambda images: answer(images).argmax(axis=1) + 7
    made = Ids(ids)
    return made


class Ids:
    version = "1"

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, images):
        return self.answer(images)


thing = 3
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    """A module in the working directory; the names of its functions, as people write them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "nets.py").write_text(CODE)
    yield lambda name: f"mine.nets:{name}"
    for name in [one for one in sys.modules if one.partition(".")[0] == "mine"]:
        del sys.modules[name]


@pytest.fixture
def network():
    return load_model(ModelSpec("shipped:digits-0.50")).module


def images():
    return torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def clean(model, data=DATA, compressions=()):
    return check_model(model, data, sigma=0.5, compressions=compressions, options=OPEN)


@pytest.mark.parametrize("name", ["make", "scores", "classes", "exported"])
def test_code_answers_as_the_model_that_it_makes(code, name):
    spec = named_model(ModelSpec(code(name)), DATA)
    (compression,) = named_compressions([f"call:{code(name)}"], data=DATA, num_classes=10)
    assert spec.weights == str(compression)
    assert spec.num_classes == 10
    assert parse_compression(str(compression)) == compression
    report = clean(spec, compressions=(compression,))
    shipped = clean(ModelSpec("shipped:digits-0.50"))
    assert [row.clean for row in report.rows] == [shipped.rows[0].clean] * 2
    assert [row.agreement for row in report.rows] == [1.0] * 2
    assert report.rows[1].title == code(name)


def test_code_is_told_apart_by_what_it_answers(code, tmp_path):
    first = named_model(ModelSpec(code("make")), DATA).weights
    assert named_model(ModelSpec(code("make")), DATA).weights == first
    path = tmp_path / "mine" / "nets.py"
    path.write_text(CODE.replace("return self.inner(images)", "return -self.inner(images)"))
    for name in [one for one in sys.modules if one.partition(".")[0] == "mine"]:
        del sys.modules[name]
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
    assert named_model(ModelSpec(code("make")), DATA).weights != first


def test_a_version_stands_for_what_a_callable_answers(code, tmp_path):
    first = named_model(ModelSpec(code("scores")), DATA).weights
    (tmp_path / "mine" / "nets.py").write_text(CODE.replace('version = "7"', 'version = "88"'))
    for name in [one for one in sys.modules if one.partition(".")[0] == "mine"]:
        del sys.modules[name]
    shutil.rmtree(tmp_path / "mine" / "__pycache__", ignore_errors=True)
    assert named_model(ModelSpec(code("scores")), DATA).weights != first


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nameless", "give it an attribute version"),
        ("fails", "cannot be called: ValueError: no"),
        ("number", "must make a PyTorch module or a callable; it made int"),
        ("missing", "has no function missing"),
        ("thing", "has no function thing"),
    ],
)
def test_code_that_makes_no_classifier(code, name, sentence):
    with pytest.raises(SpecError, match=sentence) as caught:
        named_model(ModelSpec(code(name)), DATA)
    assert "\n" not in str(caught.value)


def test_a_module_that_is_not_there(code):
    with pytest.raises(SpecError, match="ModuleNotFoundError"):
        named_model(ModelSpec("mine.nothing:make"), DATA)


def test_what_code_raises_while_it_answers_is_a_sentence(code):
    with pytest.raises(ModelOutputError, match="KeyError: 'gone'"):
        clean(replace(named_model(ModelSpec(code("failing"), num_classes=10), DATA)))
    with pytest.raises(ModelOutputError, match=r"class ids must be in \[0, 10\)"):
        clean(replace(named_model(ModelSpec(code("wrong_ids"), num_classes=10), DATA)))


def test_names_of_code():
    assert is_code("package.module:make")
    assert is_code("call:module:make")
    for text in ("shipped:digits", "prune:0.1", "file:/a/b.pt", "/a/b:c", "model.pt", "int8"):
        assert not is_code(text)


def test_a_compression_is_code_only_by_its_prefix(code):
    with pytest.raises(SpecError, match="prune needs a number"):
        named_compressions(["prune:much"], data=DATA)
    with pytest.raises(UnknownKeyError, match="unknown compression"):
        named_compressions([code("make")], data=DATA)


def test_a_stored_study_makes_no_code_run(code, tmp_path, monkeypatch):
    marker = tmp_path / "ran"
    (tmp_path / "mine" / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    weights = "call:mine.evil:make#0123456789abcdef"
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    root = Path(irs_core.__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(root), str(tmp_path))))
    spec = replace(SPEC, model=ModelSpec(weights, num_classes=10))
    base = replace(SPEC, compressions=(parse_compression(weights),))
    for one in (spec, base):
        with pytest.raises(CheckpointError, match="is code, which runs only where a command"):
            run_study(one, Library(tmp_path / "store"), options=OPEN)
        job = JobQueue(tmp_path / "jobs").add(one)
        work(tmp_path / "jobs", once=True)
        found = JobQueue(tmp_path / "jobs").get(job.id)
        assert (found.state, "is code" in found.error) == ("failed", True)
    assert not marker.exists()


def test_code_is_not_queued(code, tmp_path, capsys):
    command = ["certify", "--model", code("make"), "--compress", "--max", "2", "--queue"]
    assert main([*command, "--store", str(tmp_path / "store")]) == 2
    assert "leave out --queue" in capsys.readouterr().err


def test_the_command_certifies_code_against_code(code, tmp_path, capsys):
    command = ["certify", "--model", code("make"), "--compress", f"call:{code('classes')}"]
    numbers = ["--max", "3", "--n0", "20", "--n", "200", "--np", "50"]
    assert main([*command, *numbers, "--store", str(tmp_path / "store")]) == 0
    assert code("classes") in capsys.readouterr().out


def script(module, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(module, images()).save(str(path))
    return path


def test_torchscript_as_original_and_as_compressed_model(tmp_path, network):
    path = script(network, tmp_path / "net.pt")
    spec = named_model(ModelSpec(str(path)), DATA)
    assert spec.num_classes == 10
    found = load_model(spec, programs=True)
    assert torch.equal(found.module(images()), network(images()))
    compression = file_compression(f"file:{path}")
    study = run_study(
        replace(SPEC, model=spec, compressions=(compression,)),
        Library(tmp_path / "store"),
        options=OPEN,
    )
    assert study.base.title == "original (TorchScript)"
    assert "a program" in study.compressed[0].note


@pytest.mark.parametrize("text", ["prune:0.1", "lowrank:0.9", "int8-dynamic", "integer"])
def test_a_program_has_no_layers_to_compress(tmp_path, network, text):
    spec = named_model(ModelSpec(str(script(network, tmp_path / "net.pt"))), DATA)
    with pytest.raises(ApproximationError):
        clean(spec, compressions=(parse_compression(text),))


def test_a_program_has_weights_to_round(tmp_path, network):
    spec = named_model(ModelSpec(str(script(network, tmp_path / "net.pt"))), DATA)
    made = compress(load_model(spec, programs=True).module, parse_compression("bf16"))
    expected = compress(network, parse_compression("bf16"))(images())
    torch.testing.assert_close(made(images()), expected)
    assert not torch.equal(made(images()), network(images()))


def test_torchscript_is_refused_where_nobody_named_it(tmp_path, network):
    path = script(network, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="TorchScript program, which is run only where"):
        load_model(ModelSpec(str(path), num_classes=10))
    compression = file_compression(f"file:{path}")
    with pytest.raises(CheckpointError, match="TorchScript program, which is run only where"):
        run_study(replace(SPEC, compressions=(compression,)), Library(tmp_path / "store"))


def test_a_damaged_torchscript_archive_is_refused(tmp_path, network):
    path = script(network, tmp_path / "net.pt")
    content = path.read_bytes()
    at = content.index(b"constants.pkl")
    path.write_bytes(content[: at - 200] + bytes(100) + content[at - 100 :])
    with pytest.raises(CheckpointError, match=r"net\.pt"):
        load_model(ModelSpec(str(path), num_classes=10), programs=True)


def test_a_program_with_normalisation_before_it(tmp_path, network):
    path = script(network, tmp_path / "net.pt")
    mean = load_model(ModelSpec(str(path), None, 10, (0.5,), (2.0,)), programs=True)
    assert torch.equal(mean.module(images()), network((images() - 0.5) / 2))


def test_an_exported_program_is_named_with_the_way_out(tmp_path, network):
    torch.export.save(torch.export.export(network, (images(),)), tmp_path / "net.pt2")
    shutil.copy(tmp_path / "net.pt2", tmp_path / "net.pt")
    for name in ("net.pt", "net.pt2"):
        with pytest.raises(CheckpointError, match=r"torch\.export program.*call:package\.module"):
            load_model(ModelSpec(str(tmp_path / name), arch="digits_resnet"))


@pytest.mark.parametrize(
    ("head", "what"),
    [(b"\x89HDF\r\n", "Keras.*ONNX"), (b"\0\0\0\0TFL3", "TFLite.*tflite"), (b"GGUF\3", "GGUF")],
)
def test_files_of_other_frameworks_are_named(tmp_path, head, what):
    path = tmp_path / "net.pt"
    path.write_bytes(head + bytes(100))
    with pytest.raises(CheckpointError, match=what):
        load_model(ModelSpec(str(path), arch="digits_resnet"))


def successor(network):
    with torch.no_grad():
        changed = copy.deepcopy(network)
        changed.fc.bias += 0.25
    return changed


def test_a_successor_is_weights_of_the_same_architecture(tmp_path, network):
    torch.save({"arch": "digits_resnet", "state_dict": network.state_dict()}, tmp_path / "f.pt")
    torch.save({"model": successor(network).state_dict()}, tmp_path / "next.pt")
    model = ModelSpec(str(tmp_path / "f.pt"))
    compression = file_compression(f"file:{tmp_path / 'next.pt'}")
    spec = replace(SPEC, model=model, compressions=(compression,))
    record = run_study(spec, Library(tmp_path / "store"))
    assert "weights of digits_resnet" in record.compressed[0].note
    # On two worker processes it is the same classifier.
    other = run_study(spec, Library(tmp_path / "two"), options=RunOptions(engine="local:2"))
    assert other.digests == record.digests


def test_a_successor_gets_the_normalisation_of_the_original(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "f.pt")
    model = ModelSpec(str(tmp_path / "f.pt"), "digits_resnet", None, (0.5,), (2.0,))
    same = file_compression(f"file:{tmp_path / 'f.pt'}")
    own = {"mean": torch.tensor([0.0]), "std": torch.tensor([1.0]), **network.state_dict()}
    torch.save(own, tmp_path / "own.pt")
    other = file_compression(f"file:{tmp_path / 'own.pt'}")
    rows = clean(model, DataSpec(max=40), (same, other)).rows
    assert rows[1].agreement == 1.0
    assert rows[2].agreement < 1.0


def test_successors_in_safetensors_and_pruned(tmp_path, network):
    from safetensors.torch import save_file

    pruned = successor(network)
    prune.l1_unstructured(pruned.conv1, "weight", amount=0.5)
    torch.save(pruned.state_dict(), tmp_path / "next.pth")
    save_file(network.state_dict(), tmp_path / "f.safetensors", {"arch": "digits_resnet"})
    model = ModelSpec(str(tmp_path / "f.safetensors"))
    texts = [f"file:{tmp_path / name}" for name in ("next.pth", "f.safetensors")]
    record = run_study(
        replace(SPEC, model=model, compressions=tuple(map(file_compression, texts))),
        Library(tmp_path / "store"),
    )
    first, second = record.compressed
    assert first.nonzero == second.nonzero - pruned.conv1.weight.numel() // 2
    assert second.clean == record.base.clean


def test_a_successor_of_own_code(code, tmp_path):
    spec = named_model(ModelSpec(code("make")), DATA)
    state = load_model(spec).module.state_dict()
    torch.save({"model": {f"module.{k}": v for k, v in state.items()}}, tmp_path / "next.pt")
    report = clean(spec, compressions=(file_compression(f"file:{tmp_path / 'next.pt'}"),))
    assert report.rows[1].agreement == 1.0


def _queued(store, *words):
    """The one job that a command queues, in a store of its own."""
    size = ["--max", "2", "--n", "50", "--n0", "10", "--np", "20", "--no-baseline"]
    assert main(["certify", *words, *size, "--queue", "--store", str(store)]) == 0
    (job,) = JobQueue(store).jobs()
    return job


def test_a_queued_job_may_run_what_was_named_and_nothing_else(tmp_path, network, monkeypatch):
    monkeypatch.setattr("irs_core.cli.certify.ensure_worker", lambda _: True)
    program = script(network, tmp_path / "net.pt")
    torch.save(network.state_dict(), tmp_path / "plain.pt")
    plain = ["--model", str(tmp_path / "plain.pt"), "--arch", "digits_resnet", "--compress"]
    assert not _queued(tmp_path / "a", *plain, "fp16").options.programs
    for number, words in enumerate(
        (["--model", str(program), "--compress"], [*plain, f"file:{program}"])
    ):
        store = tmp_path / str(number)
        job = _queued(store, *words)
        assert job.options.programs
        work(store, once=True)
        assert (JobQueue(store).get(job.id).state, JobQueue(store).get(job.id).error) == (
            "done",
            "",
        )


@pytest.mark.parametrize("named", ["program", "weights"])
def test_a_program_that_takes_the_place_of_a_file_later_is_not_run(
    tmp_path, network, monkeypatch, named
):
    monkeypatch.setattr("irs_core.cli.certify.ensure_worker", lambda _: True)
    program = script(network, tmp_path / "net.pt")
    original = tmp_path / "f.pt"
    if named == "program":
        shutil.copy(program, original)
        job = _queued(tmp_path / "s", "--model", str(original), "--compress")
    else:
        torch.save(network.state_dict(), original)
        words = ["--model", str(original), "--arch", "digits_resnet"]
        job = _queued(tmp_path / "s", *words, "--compress", f"file:{program}")
    script(successor(network), original)
    claimed = JobQueue(tmp_path / "s").claim()
    assert claimed is not None
    run_job(tmp_path / "s", claimed.lease, os.getppid())
    assert "has changed" in JobQueue(tmp_path / "s").get(job.id).error


@pytest.mark.parametrize("mean", [None, 0.5])
@pytest.mark.parametrize("channels", [(3, 1), (1, 3)])
def test_a_successor_of_other_channels_is_one_sentence(tmp_path, channels, mean):
    for name, count in zip(("old.pt", "new.pt"), channels, strict=True):
        torch.save(build("cifar_resnet20", 10, count).state_dict(), tmp_path / name)
    numbers = mean and (mean,) * channels[0]
    spec = ModelSpec(str(tmp_path / "old.pt"), "cifar_resnet20", mean=numbers, std=numbers)
    new = file_compression(f"file:{tmp_path / 'new.pt'}")
    rule = rf"new\.pt takes images of {channels[1]} channels and the original of {channels[0]}"
    with pytest.raises(CheckpointError, match=rule):
        load_successor(new, spec, load_model(spec), programs=False)


def test_successors_that_do_not_fit(code, tmp_path, network):
    torch.save(build("digits_resnet", 7, seed=1).state_dict(), tmp_path / "seven.pt")
    torch.save(network.state_dict(), tmp_path / "f.pt")
    model = ModelSpec(str(tmp_path / "f.pt"), "digits_resnet")
    seven = file_compression(f"file:{tmp_path / 'seven.pt'}")
    with pytest.raises(CheckpointError, match=r"fc\.weight must have shape \(10, 32\)"):
        clean(model, compressions=(seven,))
    scores = named_model(ModelSpec(code("scores")), DATA)
    with pytest.raises(CheckpointError, match=r"\(object\) has no PyTorch layers"):
        clean(scores, compressions=(seven,))


def test_a_successor_that_changed_later_is_refused(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "f.pt")
    model = ModelSpec(str(tmp_path / "f.pt"), "digits_resnet")
    compression = file_compression(f"file:{tmp_path / 'f.pt'}")
    torch.save(successor(network).state_dict(), tmp_path / "f.pt")
    with pytest.raises(CheckpointError, match="has changed: its digest begins with"):
        clean(model, compressions=(compression,))


def test_a_file_that_is_not_there():
    with pytest.raises(CheckpointError, match="No such file"):
        file_compression("file:/nowhere/next.pt")


def test_numbers_are_arrays_of_the_right_type(code):
    spec = named_model(ModelSpec(code("scores")), DATA)
    scores = load_model(spec).module(images())
    assert scores.dtype == torch.float32
    assert np.isfinite(scores.numpy()).all()
