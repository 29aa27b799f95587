"""The how-tos do what they say: their files are written, their code and commands run."""

import re
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from graph_files import export_onnx

from irs_core.cli.main import main
from irs_core.jobs import JobQueue
from irs_core.jobs.training import run_training
from irs_core.models import load_model
from irs_core.spec.study import ModelSpec
from irs_core.store import Library

FOLDER = Path(__file__).parents[1] / "docs" / "how-to"
LOCAL = "http://localhost:8000"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def blocks(name: str) -> list[str]:
    """The Python of a page, which has some: a page without any would test nothing."""
    found = re.findall(r"```python\n(.*?)```", (FOLDER / name).read_text(), re.DOTALL)
    assert found, name
    return found


def write_and_run(name: str, place: Path, smaller: Mapping[str, str] | None = None) -> None:
    """Files first, as the reader does; then what is only to be run.

    Args:
        smaller: What stands in the page, and what a test takes instead.
    """
    for code in blocks(name):
        for large, small in (smaller or {}).items():
            assert large in "".join(blocks(name))
            code = code.replace(large, small)
        file = re.match(r"# (\w+\.py)\n", code)
        if file:
            (place / file[1]).write_text(code)
        else:
            exec(compile(code, name, "exec"), {})


def commands(name: str) -> list[list[str]]:
    text = (FOLDER / name).read_text().replace(" \\\n", " ")
    found = [line.split()[1:] for line in re.findall(r"^    (\./irs .*)$", text, re.MULTILINE)]
    assert found, name
    return found


def run(name: str) -> None:
    for command in commands(name):
        assert main(command) == 0, command


@pytest.mark.parametrize("name", ["own-torch-class.md", "model-update.md"])
def test_the_steps_run(name, place, capsys):
    write_and_run(name, place)
    run(name)
    # Twenty images are few, and the how-tos say so; nothing else may be amiss.
    said = [one for one in capsys.readouterr().err.splitlines() if "warning" in one.lower()]
    assert [one for one in said if "#few-inputs" not in one] == []


def test_draws_are_chosen_and_a_gate_answers(place, monkeypatch):
    monkeypatch.setenv("IRS_SHIPPED", str(place / "none"))
    write_and_run("choose-n.md", place)
    *first, gate = commands("choose-n.md")
    for command in first:
        assert main(command) == 0, command
    (study,) = Library(place / "store").studies()
    gate[gate.index("ID")] = study.record.id
    # It holds, or more draws would have to say: a machine that rounds otherwise may leave an input.
    assert main(gate) in (0, 3)


def test_a_model_that_never_saw_noise_gets_to_a_gate(place, monkeypatch, capsys):
    monkeypatch.setenv("IRS_SHIPPED", str(place / "none"))
    name = "never-trained-under-noise.md"
    monkeypatch.setattr("irs_core.cli.queueing.ensure_worker", lambda root: True)
    train, *steps, gate, queued, tune = commands(name)
    assert main(train) == 0
    write_and_run(name, place)
    for command in steps:
        assert main(command) == 0, command
    assert "finetune" not in " ".join(map(str, steps))
    said = capsys.readouterr().out
    assert "was not trained under this noise" in said
    (study,) = Library(place / "store").studies()
    gate[gate.index("ID")] = study.record.id
    # It holds, or more draws would have to say: a machine that rounds otherwise may leave an input.
    assert main(gate) in (0, 3)
    assert "the denoiser denoiser.safetensors, then the classifier model.onnx" in (
        capsys.readouterr().out
    )
    assert main(queued) == 0
    (job,) = (one for one in JobQueue(place / "store").jobs() if one.active)
    assert run_training(job.spec, place / "store") == place / "finetuned.safetensors"
    assert main(tune) == 0


def test_hardware_is_measured_before_it_is_chosen(place, capsys):
    smaller = {"torchvision:resnet50": "digits_resnet", "(3, 224, 224)": "(1, 8, 8)"}
    write_and_run("imagenet-hardware.md", place, smaller)
    (command,) = commands("imagenet-hardware.md")
    assert main([smaller.get(word, word) for word in command]) == 0
    assert "images/s" in capsys.readouterr().out


def test_a_model_behind_a_server(place, monkeypatch):
    write_and_run("behind-a-server.md", place)
    export_onnx(
        load_model(ModelSpec("shipped:digits-0.50")).module, (1, 8, 8), place / "small.onnx"
    )
    from importlib import import_module

    server = import_module("serve").serve(0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        here = f"http://localhost:{server.server_port}"
        for command in commands("behind-a-server.md"):
            assert main([one.replace(LOCAL, here) for one in command]) == 0, command
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_networks_that_torchao_quantised(place):
    # Found before anything is skipped, so that the page is read where torchao is missing, too.
    assert len(blocks("from-pytorch-quantisation.md")) == 2
    assert commands("from-pytorch-quantisation.md")
    pytest.importorskip("torchao")
    write_and_run("from-pytorch-quantisation.md", place)
    run("from-pytorch-quantisation.md")


def test_every_link_leads_somewhere():
    for page in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)
