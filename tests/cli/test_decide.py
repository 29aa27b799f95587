"""`decide` and `gate`: words, JSON, exit codes, files for continuous integration."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from heard import listening
from synthetic import synthetic_spec, synthetic_study

from irs_core.cli.main import main
from irs_core.models import build
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.store import Library

PROJECT = Path(__file__).parents[2]
NONE = ["--store", "/nonexistent-store"]
SHIPPED = "f6529b"


@pytest.fixture
def small(tmp_path: Path) -> tuple[str, list[str]]:
    record = synthetic_study(Library(tmp_path), synthetic_spec(data=DataSpec(max=40)))
    return record.id, ["--store", str(tmp_path)]


def gate(*words: str) -> int:
    return main(["gate", SHIPPED, *words, *NONE])


def test_exit_codes_say_what_the_verdict_is(capsys):
    assert gate("--model", "int8", "--radius", "0.5", "--tolerance", "0.05") == 0
    assert "int8 may ship" in capsys.readouterr().out
    assert gate("--model", "prune:0.2", "--radius", "0.5", "--tolerance", "0.05") == 3
    assert "undecided" in capsys.readouterr().out
    assert gate("--model", "int8", "--max-bytes", "10") == 1
    assert "10 allowed" in capsys.readouterr().out
    assert gate("--model", "nonsense") == 2
    assert gate("--model", "int8", "--radius", "-1") == 2
    assert main(["gate", "zzzzzz", "--model", "int8", *NONE]) == 2


def test_a_least_certified_accuracy(capsys):
    assert gate("--model", "int8", "--min-certified", "30%", "--tolerance", "0.05") == 0
    assert gate("--model", "int8", "--min-certified", "60%", "--tolerance", "0.05") == 1
    assert "fewer than 60%" in capsys.readouterr().out


def test_json_has_all_that_is_said(capsys):
    assert (
        main(["decide", SHIPPED, "--model", "int8", "fp16", "--json", "--radii", "0.6", *NONE]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == 1
    assert set(found["decisions"]) == {"int8", "fp16"}
    one = found["decisions"]["int8"]
    assert one["verdict"] == "holds"
    assert one["codes"] == ["loss-holds"]
    assert found["requirement"]["radius"] == 0.5
    assert "failure probability" in found["confidence"].lower()
    equal = found["equal_draws"]["int8"]
    assert [row["radius"] for row in equal["radii"]] == [0.6]
    assert [row["inputs are"] for row in equal["hardness"]] == ["wrong", "hard", "middle", "easy"]
    assert sum(row["inputs"] for row in equal["hardness"]) == 500


def test_every_model_is_judged_and_compared_at_equal_draws(capsys):
    assert main(["decide", SHIPPED, *NONE]) == 0
    out = capsys.readouterr().out
    assert out.count("At equal draws") == 7
    assert "All 7 verdicts are right together with 93%" in out
    assert "500 inputs are too few for any of them" in out


def test_json_says_which_candidates_hold_together(capsys):
    def together(*words: str):
        assert main(["decide", SHIPPED, "--json", *words, *NONE]) == 0
        return json.loads(capsys.readouterr().out)["together"]

    assert together("--model", "int8") is None
    assert together("--model", "int8", "fp16", "--confidence", "95%")["holds"] == ["int8", "fp16"]


def test_one_page_is_about_one_model(tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main(["decide", SHIPPED, "--model", "int8", "--html", str(page), *NONE]) == 0
    assert "May int8 replace the original?" in page.read_text()
    assert "int8 may ship" in capsys.readouterr().out
    page.unlink()
    assert main(["decide", SHIPPED, "--html", str(page), *NONE]) == 2
    assert "about one model" in capsys.readouterr().err
    assert not page.exists()


def test_files_for_continuous_integration(tmp_path, capsys):
    xml, summary = tmp_path / "gate.xml", tmp_path / "summary.md"
    arguments = ["--model", "prune:0.2", "--junit", str(xml), "--summary", str(summary)]
    assert gate(*arguments) == 3
    suite = ElementTree.parse(xml).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "1")
    assert suite.find("testcase/error").get("type") == "loss-undecided"
    assert "undecided" in summary.read_text()
    assert "| loss | undecided |" in summary.read_text()


def test_a_dubious_study_is_flagged_and_an_imported_one_named(small, tmp_path, capsys):
    study, store = small
    assert main(["gate", study, "--model", "fp16", *store]) == 3
    assert "warning: " in capsys.readouterr().err
    bundle = tmp_path / "x.irs.zip"
    assert main(["export", study, str(bundle), *store]) == 0
    elsewhere = ["--store", str(tmp_path / "other")]
    assert main(["import", str(bundle), *elsewhere]) == 0
    capsys.readouterr()
    main(["gate", study, "--model", "fp16", *elsewhere])
    assert "Reported by others, not recomputed here." in capsys.readouterr().out


def test_gate_draws_what_is_missing(tmp_path, capsys):
    made = ["certify", "--max", "25", "--n", "700", "--n0", "20", "--np", "50", "--compress"]
    assert main([*made, "fp16", "--store", str(tmp_path)]) == 0
    (study,) = [one for one in Library(tmp_path).studies() if one.origin == "live"]
    asked = ["--radius", "0.3", "--tolerance", "0.1", "--max-loss", "30%", "--confidence", "90%"]
    store = ["--store", str(tmp_path)]
    # A model that the study does not have: unknown, until it may be drawn.
    other = ["gate", study.record.id, "--model", "bf16", *asked, *store]
    assert main(other) == 2
    capsys.readouterr()
    assert main([*other, "--run"]) == 0
    assert "bf16 weights may ship" in capsys.readouterr().out
    live = [one for one in Library(tmp_path).studies() if one.origin == "live"]
    assert {one.record.spec.radii for one in live} == {(), (0.3,)}
    assert main([*other, "--budget", "0"]) == 2
    assert "must be positive" in capsys.readouterr().err


def test_gate_asks_an_original_alone(tmp_path, capsys):
    made = ["certify", "--max", "25", "--n", "700", "--n0", "20", "--compress", "--method", "seq"]
    store = ["--store", str(tmp_path)]
    assert main([*made, "--radius", "0.3", *store]) == 0
    assert "inputs are certified at 0.3, with" in capsys.readouterr().out
    (study,) = [one for one in Library(tmp_path).studies() if one.origin == "live"]
    asked = ["gate", study.record.id, "--model", "base", "--radius", "0.3", *store]
    assert main([*asked, "--min-certified", "40%", "--confidence", "90%"]) == 0
    assert "is right and withstands 0.30" in capsys.readouterr().out
    assert main([*asked, "--min-certified", "99.9%", "--confidence", "75%"]) in (1, 3)
    assert main(asked) == 2
    assert "not compared with itself" in capsys.readouterr().err
    # Another radius draws what is missing, as a study of its own, until it is settled.
    other = [*asked, "--radius", "0.2", "--min-certified", "40%", "--confidence", "90%"]
    assert main([*other, "--run"]) == 0
    live = [one for one in Library(tmp_path).studies() if one.origin == "live"]
    assert {one.record.spec.radii for one in live} == {(0.3,), (0.2,)}
    capsys.readouterr()
    words = ["decide", study.record.id, "--radius", "0.3", "--min-certified", "40%", *store]
    assert main([*words, "--replay"]) == 0
    out = capsys.readouterr().out
    assert "The original from scratch: " in out
    assert "instead of 700" in out
    assert main([*words, "--json", "--replay"]) == 0
    assert list(json.loads(capsys.readouterr().out)["decisions"]) == ["base"]
    assert main([*words, "--html", str(tmp_path / "page.html")]) == 2
    assert "compares a model with its original" in capsys.readouterr().err


def test_earlier_studies_on_the_same_draws_are_named(tmp_path: Path, capsys) -> None:
    library = Library(tmp_path)
    first = synthetic_study(library, synthetic_spec(n=1000, n_p=(100,)))
    library.save(replace(first, created="2024-01-01T00:00:00+00:00"))
    again = synthetic_study(library)
    main(["decide", again.id, "--store", str(tmp_path)])
    out = capsys.readouterr().out
    assert f"Study {first.id[:6]} used some of these draws before." in out
    assert "The level holds if n_p was chosen before the original's draws were seen" in out
    assert "the draws over which leavers are counted" in out


@pytest.mark.parametrize(
    "weights", ["planted:make", "program.pt", "http://127.0.0.1:9/v2/models/x"]
)
def test_gate_runs_nothing_that_a_study_names(tmp_path, monkeypatch, capsys, weights):
    """A study may come from anybody: its original is no code, program or server to be run."""
    (tmp_path / "planted.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    torch.jit.save(torch.jit.script(torch.nn.Flatten()), tmp_path / "program.pt")
    monkeypatch.chdir(tmp_path)
    spec = synthetic_spec(model=ModelSpec(weights, num_classes=10), compressions=())
    record = synthetic_study(Library(tmp_path / "store"), spec)
    store = ["--store", str(tmp_path / "store")]
    assert main(["gate", record.id, "--model", "prune:0.1", "--run", *store]) == 2
    assert "error" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_whoever_stops_reading_changes_no_answer(tmp_path):
    words = ["gate", SHIPPED, "--model", "int8", "--max-bytes", "10", "--store", str(tmp_path)]
    summary = tmp_path / "s.md"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        found = subprocess.run(
            [sys.executable, "-m", "irs_core", *words, "--summary", str(summary)],
            stdout=closed, stderr=subprocess.PIPE, cwd=PROJECT, check=False,
        )  # fmt: skip
    assert found.returncode == 1
    assert b"Traceback" not in found.stderr
    assert "10 allowed" in summary.read_text(encoding="utf-8")


def test_no_fault_looks_like_a_verdict(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert gate("--model", "int8", "--summary", str(tmp_path / "file" / "s.md")) == 2
    assert "cannot write" in capsys.readouterr().err

    def broken(*_):
        raise RuntimeError("made to fail")

    monkeypatch.setattr("irs_core.cli.gate.study_decision", broken)
    assert gate("--model", "int8") == 70
    assert "made to fail" in capsys.readouterr().err


def test_nothing_holds_where_the_original_withstands_next_to_nothing(capsys):
    assert main(["gate", "45fc92", "--model", "int8", "--radius", "3.2", *NONE]) == 3
    assert "the original is right and provably withstands disturbances up to 3.20 on only 0 of" in (
        capsys.readouterr().out
    )


def test_the_loss_may_be_left_out(capsys):
    assert gate("--model", "int8", "--min-certified", "40%", "--max-loss", "none") in (0, 1, 3)
    assert "exceptions" not in capsys.readouterr().out.splitlines()[0]
    assert gate("--model", "int8", "--min-certified", "60%", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["requirement"]["max_loss"] is None
    assert found["conditions"][0].startswith("The confidence is that of one question")


def test_percentages_and_small_radii_are_taken_as_they_are_written(capsys):
    gate("--model", "int8", "--max-loss", "0.7%", "--radius", "0.00001", "--json")
    found = json.loads(capsys.readouterr().out)["requirement"]
    assert (found["max_loss"], found["tolerance"]) == (0.007, 0.000001)
    with pytest.raises(SystemExit):
        gate("--model", "int8", "--max-loss", "much")


def test_junit_and_markdown_hold_the_conditions(tmp_path):
    junit, summary = tmp_path / "r.xml", tmp_path / "s.md"
    gate("--model", "int8", "--junit", str(junit), "--summary", str(summary))
    said = ElementTree.parse(junit).getroot().findtext("system-out")
    assert "The confidence is that of one question" in said
    assert "The confidence is that of one question" in summary.read_text(encoding="utf-8")


def test_a_file_that_took_the_place_of_the_original_is_not_judged_for_it(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    store = ["--store", str(tmp_path / "store")]
    words = ["certify", "--model", "net.pt", "--arch", "digits_resnet", "--compress", "fp16"]
    words += ["--max", "4", "--n0", "10", "--n", "50", "--np", "20", *store]
    torch.save(build("digits_resnet", 10, 1, seed=0).state_dict(), "net.pt")
    with listening() as heard:
        assert main(words) == 0
    assert "another network" not in heard.text
    studies = Library(tmp_path / "store").studies()
    (record,) = (one.record for one in studies if one.origin == "live")
    torch.save(build("digits_resnet", 10, 1, seed=1).state_dict(), "net.pt")
    asked = ["gate", record.id, "--model", "fp16", "--radius", "0.1", "--max-loss", "50%", "--run"]
    assert main([*asked, *store]) == 2
    assert "net.pt holds a network of digest" in capsys.readouterr().err
    # To certify it is to replace what was there, and is said to.
    with listening() as heard:
        assert main(words) == 0
    assert f"study {record.id[:6]} was about another network" in heard.text
    assert main([*asked, *store]) in (0, 1, 3)
