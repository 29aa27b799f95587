"""`tune` from ranking layers to a certified file, on digits."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from units import SMALL

from irs_core import models
from irs_core.cli.main import main
from irs_core.run.study import run_study
from irs_core.store import Library
from irs_core.tune.record import kept, read
from irs_core.tune.search import read_search

ASKED = ["--radius", "0.3", "--tolerance", "0.1", "--max-loss", "30%", "--confidence", "0.9"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tune")
    run_study(replace(SMALL, compressions=()), Library(folder))
    return folder


def _json(capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, dict]:
    code = main([*command, "--json"])
    return code, json.loads(capsys.readouterr().out)


def _search(store: Path) -> list[str]:
    return [
        *("tune", "--store", str(store), "--study", replace(SMALL, compressions=()).id, *ASKED),
        *("--objective", "draws", "--candidates", "3", "--also", "mixed:bf16"),
        *("--images", "10", "--draws", "8"),
    ]


def test_layers_are_ranked_and_kept(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        *("tune", "sensitivity", "shipped:digits-0.50", "--max", "10", "--holdout", "10"),
        *("--images", "6", "--draws", "10", "--treatments", "int4", "--store", str(store)),
    ]
    code, found = _json(capsys, *command)
    assert code == 0
    assert {one["treatment"] for one in found["effects"]} == {"int4"}
    assert "pictures" not in found
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out.count("int4") == 7
    # Only of int8 the emulation is another function than the network that a study runs.
    assert (found["emulated"], "emulated" in out) == ("", False)
    assert f"kept as {found['id']}" in out
    assert (store / "tune" / f"{found['id']}.json").exists()


def test_time_that_a_change_takes_less_has_a_minus_and_none_has_no_sign(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    took = [2e-6, -3e-6, 1e-8, -1e-8, None, None, None]
    monkeypatch.setattr("irs_core.tune.times.saved_seconds", lambda *_: took)
    main(
        [
            *("tune", "sensitivity", "shipped:digits-0.50", "--max", "4", "--holdout", "4"),
            *("--images", "2", "--draws", "2", "--treatments", "int4", "--store", str(store)),
        ]
    )
    rows = [one for one in capsys.readouterr().out.splitlines() if one.startswith("int4")]
    ends = sorted(one.partition("bytes")[2].strip() for one in rows)
    assert ends == ["", "", "", "+3 us", "-2 us", "0 us", "0 us"]


def test_a_search_ends_with_a_winner_and_a_certified_file(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path))
    command = _search(store)
    code, found = _json(capsys, *command)
    assert code == 0
    assert len(found["candidates"]) == 3
    assert found["candidates"][0]["name"] == "mixed:bf16"
    states = {one["name"]: one["state"] for one in found["candidates"]}
    assert states[found["winner"]] == "holds"
    assert found["draws"] < found["two_from_scratch"]
    # The same command goes on from what is stored: nothing is drawn and nothing measured again.
    code, again = _json(capsys, *command)
    assert (again["study"], again["draws"]) == (found["study"], found["draws"])
    assert main(["tune", "results", found["study"], "--store", str(store)]) == 0
    assert "winner" in capsys.readouterr().out
    out = tmp_path / "w.onnx"
    code, made = _json(
        capsys,
        *("tune", "export", found["study"], str(out), "--store", str(store)),
        *("--candidate", "mixed:int8", "--gate", "--n", "600"),
    )
    assert code in (0, 3)
    assert made["gate"]["verdict"] == {0: "holds", 3: "undecided"}[code]
    assert json.loads(out.with_suffix(".json").read_text())["treatments"]["conv1"] == "int8"
    assert out.stat().st_size > 10_000
    refused = ["tune", "export", found["study"], str(tmp_path / "x.onnx"), "--store", str(store)]
    assert main([*refused, "--candidate", "mixed:int8,fc=fp32"]) == 2
    assert "is no candidate of this search" in capsys.readouterr().err
    other = replace(models.load_model(SMALL.model), digest="0" * 64)
    monkeypatch.setattr(models, "load_model", lambda _: other)
    assert main([*refused, "--candidate", "mixed:int8"]) == 2
    assert "another model than in this search" in capsys.readouterr().err
    assert not (tmp_path / "x.onnx").exists()


def test_a_search_in_the_background_is_a_job_that_settles(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    from irs_core.cli import searching
    from irs_core.jobs import JobQueue

    monkeypatch.setattr(searching, "ensure_worker", lambda _: True)
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path))
    code, found = _json(capsys, *_search(store), "--queue", "--budget", "40")
    assert code == 0
    job = JobQueue(store).get(found["job"])
    assert job.options.settle is not None
    assert "max-loss=0.3" in job.options.settle
    assert job.options.most_draws == 40
    assert job.study == found["study"]
    JobQueue(store).cancel(job.id)


def test_layers_are_measured_anew_on_other_images_and_not_on_the_same(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    from irs_core.cli import searching
    from irs_core.jobs import JobQueue

    monkeypatch.setattr(searching, "ensure_worker", lambda _: True)
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path))
    used = []
    for images in ("5", "5", "4"):
        command = [*_search(store), "--queue", "--seed", "7", "--images", images]
        _, found = _json(capsys, *command)
        JobQueue(store).cancel(found["job"])
        asked = read_search(store, found["study"]).sensitivity
        used.append(len(read(store / "tune" / f"{asked}.json").indices))
    assert used == [5, 5, 4]
    assert [len(one.indices) for one in kept(store) if one.seed == 7] == [4, 5]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["tune"], "--study ID"),
        (["tune", "sensitivity"], "got both or neither"),
        (["tune", "results", "nothing"], "nothing"),
        (["tune", "sensitivity", "shipped:digits-0.50", "--treatments", "int9"], "int9"),
    ],
)
def test_bad_input_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], said: str
) -> None:
    assert main([*command, "--store", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
