"""Studies from files on the command line."""

from pathlib import Path

import pytest
import torch
from synthetic import synthetic_study

from irs_core.cli.main import main
from irs_core.jobs import JobQueue
from irs_core.spec.goal import Goal
from irs_core.spec.study_file import parse_study
from irs_core.store import Library

TEXT = """\
schema: 1
model: shipped:digits-0.50
data: {max: 6}
sigma: 0.5
compress: fp16
n0: 20
n: 500
n_p: 20%
"""
OPTIONS = ["--max", "6", "--n0", "20", "--n", "500", "--np", "20%", "--compress", "fp16"]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    path = tmp_path / "study.yaml"
    path.write_text(TEXT)
    return str(path)


def test_a_file_and_options_make_the_same_study(file, tmp_path, capsys):
    assert main(["certify", file, "--store", str(tmp_path / "a")]) == 0
    assert main(["certify", *OPTIONS, "--store", str(tmp_path / "b")]) == 0
    first, second = (Library(tmp_path / name).studies()[0].record for name in "ab")
    assert first.id == second.id
    capsys.readouterr()
    assert main(["studies", first.id, "--yaml", "--store", str(tmp_path / "a")]) == 0
    assert parse_study(capsys.readouterr().out).spec == first.spec


def test_a_dry_run_takes_a_file(file, tmp_path, capsys):
    assert main(["certify", file, "--dry-run", "--store", str(tmp_path)]) == 0
    assert "fp16" in capsys.readouterr().out


def test_a_goal_stands_beside_a_file_and_chooses_its_draws(file, tmp_path, capsys):
    Path(file).write_text(TEXT.replace("{max: 6}", "{max: 6, holdout: 4}") + "methods: [cirs]\n")
    assert main(["certify", file, "--budget", "10%", "--store", str(tmp_path / "s")]) == 0
    (study,) = Library(tmp_path / "s").studies()
    assert "chosen: 50 draws per input" in capsys.readouterr().err
    assert study.record.spec.n_p == (50,)


GOAL = TEXT.replace("{max: 6}", "{max: 6, holdout: 4}").replace("n_p: 20%", "goal: {budget: 10%}")


def test_a_goal_in_the_file_does_what_the_option_does(file, tmp_path, capsys):
    Path(file).write_text(GOAL)
    assert main(["certify", file, "--store", str(tmp_path / "a")]) == 0
    assert "chosen: 50 draws per input" in capsys.readouterr().err
    words = [*OPTIONS, "--holdout", "4", "--method", "cirs", "--budget", "10%"]
    assert main(["certify", *words, "--store", str(tmp_path / "b")]) == 0
    first, second = (Library(tmp_path / name).studies()[0].record for name in "ab")
    assert first.id == second.id
    assert first.spec.n_p == (50,)


def test_a_goal_in_the_file_and_one_beside_it_are_refused(file, capsys):
    Path(file).write_text(GOAL)
    assert main(["certify", file, "--reach-acr", "0.1"]) == 2
    assert "names a goal; leave out --reach-acr" in capsys.readouterr().err


def test_options_are_written_as_a_file_and_nothing_runs(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    store = ["--store", str(tmp_path / "store")]
    words = [*OPTIONS, "--method", "cirs", "--budget", "60s", "--write", "goal.yaml", *store]
    assert main(["certify", *words]) == 0
    assert "with its goal" in capsys.readouterr().out
    found = parse_study((tmp_path / "goal.yaml").read_text())
    assert found.goal == Goal(seconds=60)
    assert main(["certify", *OPTIONS, "--write", "study.yaml", *store]) == 0
    written = parse_study((tmp_path / "study.yaml").read_text())
    assert (written.goal, written.spec.n_p) == (None, (100,))
    assert not Library(tmp_path / "store").studies()
    # A file is read and written again as the same study.
    assert main(["certify", "study.yaml", "--write", "again.yaml", *store]) == 0
    assert (tmp_path / "again.yaml").read_text() == (tmp_path / "study.yaml").read_text()
    capsys.readouterr()
    assert main(["certify", *OPTIONS, "--budget", "5%", "--write", "no.yaml", *store]) == 2
    assert "those of --method cirs" in capsys.readouterr().err
    assert main(["certify", *OPTIONS, "--write", "none/no.yaml", *store]) == 2
    assert "cannot write none/no.yaml: No such file" in capsys.readouterr().err


def test_a_file_is_queued(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("irs_core.cli.certify.ensure_worker", lambda _: True)
    assert main(["certify", file, "--queue", "--store", str(tmp_path)]) == 0
    (job,) = JobQueue(tmp_path).jobs()
    assert f"job {job.id} of study {job.study}" in capsys.readouterr().out
    assert job.spec.n == 500


@pytest.mark.parametrize(
    "option", [["--sigma", "1"], ["--seed", "fresh"], ["--method", "cirs"], ["--max", "3"]]
)
def test_options_that_describe_a_study_do_not_go_with_a_file(file, option, capsys):
    assert main(["certify", file, *option]) == 2
    assert f"leave out {option[0]}, or say it in the file" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["model.onnx", "net.safetensors", "shipped:digits-0.50"])
def test_a_model_in_place_of_a_file_is_told_its_option(model, capsys):
    assert main(["certify", model, "--sigma", "0.25"]) == 2
    assert f"{model} is no study file; name a model as --model {model}" in capsys.readouterr().err


def test_a_missing_file_is_one_sentence(tmp_path, capsys):
    assert main(["certify", str(tmp_path / "no.yaml")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_an_unfinished_study_has_a_file(tmp_path, capsys, monkeypatch):
    record = synthetic_study(Library(tmp_path))
    assert main(["studies", record.id[:6], "--yaml", "--store", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("# ./irs certify")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("model: shipped:digits-0.50", "model: planted:make"),
        ("model: shipped:digits-0.50", "model: http://127.0.0.1:9/v2/models/x"),
        ("compress: fp16", "compress: call:planted:make"),
        ("compress: fp16", "compress: file:program.pt"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_a_file_of_somebody_else_runs_nothing(
    file, tmp_path, monkeypatch, capsys, before, after, more
):
    (tmp_path / "planted.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    torch.jit.save(torch.jit.script(torch.nn.Flatten()), tmp_path / "program.pt")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.yaml"
    path.write_text(TEXT.replace(before, after))
    assert main(["certify", str(path), *more, "--store", str(tmp_path / "store")]) == 2
    assert "add --allow-code" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_rows_say_which_method_and_draws_they_leave_out(tmp_path, capsys):
    options = [*OPTIONS, "--np", "10%", "20%", "--store", str(tmp_path / "s")]
    assert main(["certify", *options, "--method", "irs"]) == 0
    out = capsys.readouterr().out
    assert "Rows are at the largest n_p; those at 50: ./irs report " in out
    assert "Rows show cirs, which the draws for irs give as well" in out
    assert main(["certify", *options, "--method", "irs", "cirs"]) == 0
    assert "Rows show" not in capsys.readouterr().out
