"""Training commands with --queue: the job, and what is refused to wait."""

from pathlib import Path

import pytest
import torch

from irs_core.cli.main import main
from irs_core.jobs import JobQueue

STEPS = {
    "train": ["train", "--arch", "digits_resnet"],
    "finetune": ["finetune", "shipped:digits-clean", "--sigma", "0.5"],
    "denoiser train": ["denoiser", "train", "digits", "--sigma", "0.25", "0.5"],
}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("irs_core.cli.queueing.ensure_worker", lambda root: True)


@pytest.mark.parametrize("words", STEPS.values(), ids=STEPS)
def test_a_training_waits_with_full_paths(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    asked = [*words, "--out", "made.safetensors", "--queue", "--store", str(tmp_path / "store")]
    assert main(asked) == 0
    (job,) = JobQueue(tmp_path / "store").jobs()
    assert job.spec.title in capsys.readouterr().out
    assert [one.out for one in job.spec.steps] == [str(tmp_path / "made.safetensors")]
    assert not job.spec.keep
    assert main(["jobs", "--store", str(tmp_path / "store")]) == 0
    assert job.spec.title in capsys.readouterr().out


def scripted(folder: Path) -> str:
    path = folder / "program.pt"
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    torch.jit.save(torch.jit.trace(network, torch.zeros(1, 1, 8, 8)), str(path))
    return str(path)


@pytest.mark.parametrize("model", ["own_module:make", "program"])
def test_code_and_programs_do_not_wait(model, tmp_path, capsys):
    named = scripted(tmp_path) if model == "program" else model
    denoiser = [*STEPS["denoiser train"], "--against", named]
    for words in (denoiser, ["finetune", named, "--sigma", "0.5"]):
        asked = [*words, "--out", str(tmp_path / "x.safetensors"), "--queue"]
        assert main([*asked, "--store", str(tmp_path / "store")]) == 2
        assert "never in the background: leave out --queue" in capsys.readouterr().err
    assert not (tmp_path / "store" / "jobs.sqlite").exists()


@pytest.mark.parametrize("epochs", [[], ["--epochs", "3"]])
@pytest.mark.parametrize(
    "words",
    [
        ["denoiser", "train", "nowhere", "--sigma", "0.5"],
        [*STEPS["finetune"], "--data", "image-folder", "--root", "nowhere"],
    ],
)
def test_images_that_are_not_there_are_missed_at_once(words, epochs, tmp_path, capsys):
    asked = [*words, *epochs, "--out", str(tmp_path / "x.safetensors"), "--queue"]
    assert main([*asked, "--store", str(tmp_path / "store")]) == 2
    assert "no folder" in capsys.readouterr().err
    assert not (tmp_path / "store" / "jobs.sqlite").exists()
