import io
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from graph_files import export_onnx, save_ir
from synthetic import synthetic_study

from irs_core.cli.certify_options import usual_compressions
from irs_core.cli.main import main
from irs_core.errors import SpecError
from irs_core.models import load_model
from irs_core.spec.budgets import parse_budgets
from irs_core.spec.study import ModelSpec
from irs_core.store import Library

FAST = ["certify", "--max", "6", "--n", "500", "--n0", "20", "--np", "20%", "--compress", "fp16"]


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return tmp_path / "store"


def test_certify_prints_a_table_and_stores_the_study(store, capsys):
    assert main([*FAST, "--store", str(store)]) == 0
    out, err = capsys.readouterr()
    assert "fp16 weights" in out
    assert "warning: 6 inputs are few" in err
    assert "failure probability per input 0.002 as published, 0.003 proven" in out
    assert main(["studies", "--store", str(store)]) == 0
    assert "finished" in capsys.readouterr().out


def test_per_input_results_are_in_the_format_of_the_field(store, capsys):
    assert main([*FAST, "--store", str(store), "--tsv", "fp16"]) == 0
    frame = pd.read_csv(io.StringIO(capsys.readouterr().out), sep="\t")
    assert list(frame.columns) == ["idx", "label", "predict", "radius", "correct", "time"]
    assert frame["idx"].tolist() == list(range(6))


class _Payload:
    def __reduce__(self):
        return (print, ("this must not run",))


def _pickled(path):
    path.write_bytes(pickle.dumps({"arch": "resnet20", "state_dict": _Payload()}))
    return str(path)


def _nan(path):
    from irs_core.models import build

    state = build("cifar_resnet20", 10).state_dict()
    state["fc.bias"] = torch.full_like(state["fc.bias"], float("nan"))
    torch.save({"arch": "cifar_resnet20", "state_dict": state}, path)
    return str(path)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (["--sigma", "0"], "sigma must be positive; got 0"),
        (["--alpha", "1"], "alpha must be in (0, 1); got 1.0"),
        (["--np", "600"], "every n_p must be in [1, n=500]; got (600,)"),
        (["--np", "many"], "n_p must be a whole number or a percentage of n; got 'many'"),
        (["--gamma", "0.5"], "gamma must be in (0.5, 1]; got 0.5"),
        (["--compress", "int3"], "unknown compression 'int3'; known: fp16"),
        (["--max", "0"], "max must be at least 1; got 0"),
        (["--data", "cifar10"], "needs a root folder"),
        (["--model", "shipped:nothing"], "nothing"),
        (["--model", "/nowhere/x.pt", "--arch", "resnet20"], "/nowhere/x.pt"),
        (["--device", "abacus"], "device must be auto, cpu, cuda or cuda:N; got 'abacus'"),
        (["--start", "100000"], "100000"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(store, capsys, options, rule):
    assert main([*FAST, "--store", str(store), *options]) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert rule in lines[0]
    assert "Traceback" not in captured.err
    assert not (store / "studies").exists()


@pytest.mark.parametrize("make", [_pickled, _nan], ids=["pickled object", "NaN weights"])
def test_bad_checkpoints_are_refused(store, tmp_path, capsys, make):
    assert main([*FAST, "--store", str(store), "--model", make(tmp_path / "model.pt")]) == 2
    captured = capsys.readouterr()
    assert "error: " in captured.err
    assert "must not run" not in captured.out + captured.err


def test_a_data_set_without_images_is_refused(tmp_path, capsys):
    (tmp_path / "test" / "a").mkdir(parents=True)
    assert main(["data", "--data", "image-folder", "--root", str(tmp_path)]) == 2
    assert "error: " in capsys.readouterr().err


def test_data_says_what_it_holds(capsys):
    assert main(["data", "--max", "10", "--holdout", "5"]) == 0
    assert "15 inputs of shape (1, 8, 8), 5 of them held out" in capsys.readouterr().out


def test_models_lists_what_can_be_used(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("digits-0.25", "cifar_resnet110", "lowrank:NUMBER"))


def test_help_shows_units_and_defaults(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["certify", "--help"])
    out = capsys.readouterr().out
    assert "pixel units" in out
    assert "(default: 0.001)" in out


def test_studies_move_by_export_and_import(tmp_path, capsys):
    here, there = tmp_path / "here", tmp_path / "there"
    record = synthetic_study(Library(here))
    bundle = tmp_path / "x.irs.zip"
    assert main(["export", record.id, str(bundle), "--store", str(here)]) == 0
    assert main(["import", str(bundle), "--store", str(there)]) == 0
    capsys.readouterr()
    assert main(["studies", record.id, "--store", str(here)]) == 0
    first = capsys.readouterr().out
    assert main(["studies", record.id, "--store", str(there)]) == 0
    second = capsys.readouterr().out
    assert "Reported by others, not recomputed here." in second
    assert "proven" not in second
    # The table is the same.
    assert second.splitlines()[3:] == first.splitlines()[-len(second.splitlines()[3:]) :]


@pytest.fixture
def asked_for(monkeypatch):
    """Stores for which a worker was asked; none is started."""
    stores = []
    monkeypatch.setattr("irs_core.jobs.supply.ensure_worker", stores.append)
    monkeypatch.setattr("irs_core.actions.jobs.ensure_worker", stores.append)
    return stores


def test_jobs_are_queued_listed_cancelled_and_retried(store, capsys, asked_for):
    assert main(["jobs", "cancel", "1", "--store", str(store)]) == 2
    from synthetic import synthetic_spec

    from irs_core.jobs import JobQueue

    JobQueue(store).add(synthetic_spec())
    assert main(["jobs", "cancel", "1", "--store", str(store)]) == 0
    assert main(["jobs", "list", "--store", str(store)]) == 0
    assert "cancelled" in capsys.readouterr().out
    assert asked_for == []
    assert main(["jobs", "retry", "1", "--store", str(store)]) == 0
    assert asked_for == [store]
    capsys.readouterr()
    assert main(["jobs", "list", "--store", str(store)]) == 0
    assert "queued" in capsys.readouterr().out
    assert asked_for == [store, store]


def test_jobs_of_a_dead_worker_go_back_and_say_so(store, capsys, asked_for):
    from synthetic import synthetic_spec

    from irs_core.jobs import JobQueue
    from irs_core.store.process import process

    worker = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = process(worker.pid)
    worker.communicate()
    queue = JobQueue(store)
    queue.add(synthetic_spec())
    queue.claim(found)
    (store / ".x.0123456789abcdef.partial").touch()
    os.utime(store / ".x.0123456789abcdef.partial", (1, 1))
    assert main(["jobs", "--store", str(store)]) == 0
    said = capsys.readouterr().out
    assert "queued" in said
    assert f"its worker (process {found.pid}) was killed or ended; the job goes on" in said
    assert asked_for == [store]
    assert not list(store.glob(".*.partial"))


def test_running_jobs_are_listed_with_each_model_and_stream(store, capsys):
    from synthetic import synthetic_spec

    from irs_core.jobs import JobQueue
    from irs_core.run.options import Part, Progress

    queue = JobQueue(store)
    queue.add(synthetic_spec())
    lease = queue.claim().lease
    parts = (Part("base", "estimate", 4000, 10_000, 2000.0), Part("fp16", "select", 0, 50))
    queue.report(lease, Progress("s", 30, 140, 15.0, 90.0, parts))
    assert main(["jobs", "--store", str(store)]) == 0
    head, base, fp16 = capsys.readouterr().out.splitlines()
    assert "running" in head
    assert "90 s left" in head
    assert base.split() == [
        "original:",
        "counting",
        "4,000",
        "of",
        "10,000",
        "draws,",
        "2,000/s,",
        "3",
        "s",
        "left",
    ]
    assert " ".join(fp16.split()) == "fp16 weights: pilot 0 of 50 draws"


def test_an_action_keeps_the_store_named_before_it(store, tmp_path, capsys):
    from synthetic import synthetic_spec

    from irs_core.jobs import JobQueue

    JobQueue(store).add(synthetic_spec())
    assert main(["jobs", "--store", str(store), "cancel", "1"]) == 0
    assert JobQueue(store).get(1).state == "cancelled"
    other = str(tmp_path / "other")
    assert main(["jobs", "--store", str(store), "cancel", "1", "--store", other]) == 2
    assert "no job 1" in capsys.readouterr().err


def test_budgets_are_numbers_or_shares_of_n():
    assert parse_budgets(["10%", "50", "1%"], 1000) == (10, 50, 100)
    with pytest.raises(SpecError, match=r"'1\.5'"):
        parse_budgets(["1.5"], 1000)


@pytest.mark.parametrize(
    "module", ["irs_core.store", "irs_core.analysis.analysis", "irs_core.jobs", "irs_core.cli.main"]
)
def test_what_reads_evidence_does_not_load_torch(module):
    code = f"import sys, {module}; sys.exit(bool({{'torch', 'streamlit'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_closed_pipe_is_no_traceback():
    done = subprocess.run(
        f"{sys.executable} -m irs_core models | head -n 0",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_random_bytes_are_no_bundle(tmp_path, store, capsys):
    path = tmp_path / "x.irs.zip"
    path.write_bytes(np.random.default_rng(0).bytes(1000))
    assert main(["import", str(path), "--store", str(store)]) == 2
    assert "not a readable bundle" in capsys.readouterr().err


def test_json_of_commands_has_its_schema_and_no_nan(store, capsys):
    def said(*words: str) -> dict[str, object]:
        assert main([*words, "--json"]) == 0
        out = capsys.readouterr().out
        assert "NaN" not in out
        found: dict[str, object] = json.loads(out)
        assert found["schema"] == 1
        return found

    result = said(*FAST, "--store", str(store))
    assert result["command"] == "studies"
    assert result["models"][0]["model"] == "original (fp32)"
    assert [one["code"] for one in result["flags"]] == ["few-inputs"]
    studies = said("studies", "--store", str(store))
    assert studies["studies"][0]["id"] == result["study"]
    again = said("studies", result["study"], "--store", str(store))
    assert again == result
    assert said("jobs", "--store", str(store))["jobs"] == []
    assert "digits-0.50" in said("models")["shipped"]
    assert said("data", "--max", "5")["inputs"] == 5
    assert said("verify", "--store", str(store))["command"] == "verify"


def test_a_store_without_studies_says_so_and_names_the_way_out(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    assert main(["studies", "--store", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"no study in {tmp_path} yet: the command certify makes one, import")


@pytest.mark.parametrize(
    ("weights", "denoiser", "usual"),
    [
        ("shipped:digits-0.50", None, ["fp16", "int8-dynamic", "prune:0.1"]),
        ("f.pt", "shipped:digits-0.50", ["fp16", "int8-dynamic", "prune:0.1"]),
        ("f.onnx", None, ["fp16", "int8", "prune:0.1"]),
        ("f.ONNX", "d.safetensors", ["fp16", "int8", "prune:0.1"]),
        ("f.pt", "d.onnx", ["fp16", "int8", "prune:0.1"]),
        ("f.xml", None, ["int8"]),
        ("f.tflite", None, []),
        ("http://localhost:8000/v2/models/f", None, []),
    ],
)
def test_where_none_are_named_the_file_takes_the_compressions(weights, denoiser, usual):
    assert usual_compressions(ModelSpec(weights, denoiser=denoiser)) == usual


@pytest.mark.parametrize("kind", ["onnx", "xml"])
def test_a_graph_file_is_certified_without_further_words(tmp_path, capsys, kind):
    module = load_model(ModelSpec("shipped:digits-0.50")).module
    path = export_onnx(module, (1, 8, 8), tmp_path / "f.onnx")
    path = save_ir(path, tmp_path / "f.xml") if kind == "xml" else path
    words = [
        "certify",
        "--model",
        str(path),
        "--max",
        "2",
        "--n",
        "40",
        "--n0",
        "10",
        "--np",
        "50%",
    ]
    assert main([*words, "--dry-run"]) == 0
    assert main([*words, "--store", str(tmp_path / "store")]) == 0
    assert "int8" in capsys.readouterr().out
