import json
import math

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.bench import BenchRow
from irs_core.cli.main import main
from irs_core.papers import measured_peers, peers_table
from irs_core.store import Library


def test_chosen_rows_are_measured(monkeypatch, capsys):
    monkeypatch.setattr(
        "irs_core.bench.run_bench",
        lambda _, rows: iter([BenchRow(name, 50.0, math.nan, 3.0) for name in rows]),
    )
    assert main(["bench", "--rows", "openvino fp32", "integer openvino"]) == 0
    lines = capsys.readouterr().out.splitlines()[-2:]
    assert lines == [
        # Nothing to compare with, since the published loop was left out.
        "| openvino fp32 | 50 |  | 2000.0 |  | 3 |  |",
        "| integer openvino | 50 |  | 2000.0 |  | 3 |  |",
    ]


def test_unknown_rows_are_refused(capsys):
    assert main(["bench", "--rows", "openvino fp8"]) == 2
    assert "integer openvino; got openvino fp8" in capsys.readouterr().err


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """A study, loops that take known times, and one that is not installed."""
    rates = {"openvino fp32": 1000.0, "published loop": 100.0}
    monkeypatch.setattr(
        "irs_core.bench.run_bench",
        lambda _, rows: iter(
            [
                BenchRow(
                    name, rates.get(name, math.nan), math.nan, 3.0, error="none" * (name == "ART")
                )
                for name in rows
            ]
        ),
    )
    spec = synthetic_spec(n_p=(100, 300))
    return tmp_path, synthetic_study(Library(tmp_path), spec).id


def test_ways_to_certify_are_compared(stored, capsys):
    root, study = stored
    options = ["bench", "--methods", study, "--of", "prune:0.1", "--store", str(root)]
    assert main([*options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (table,) = found["peers"]
    rows = {row["name"]: row for row in table["rows"]}
    assert rows["RS"]["seconds"][5] == pytest.approx(rows["RS"]["draws"][5] * 40 / 100)
    assert rows["CIRS"]["seconds"][5] == pytest.approx(rows["CIRS"]["draws"][5] * 40 / 1000)
    assert rows["ART"]["seconds"][0] is None
    assert found["rates"]["art"] == {"row": "ART", "rate": None, "error": "none"}

    assert main(options) == 0
    said = capsys.readouterr().out
    assert "published (published loop): 100 draws/s" in said
    assert "art (ART): not measured: none" in said
    line = next(one for one in said.splitlines() if one.startswith("| CIRS |"))
    draws, seconds = rows["CIRS"]["draws"][5], rows["CIRS"]["seconds"][5]
    assert line.endswith(f"| {draws:,.0f} ({seconds:,.0f} s) |")


def test_the_run_that_comes_along_is_read_by_the_page():
    run = measured_peers()
    assert len(run.tables) == 3
    for title, table in run.tables.items():
        frame = peers_table(run, title, "draws")
        assert list(frame.columns)[2:] == [goal["words"] for goal in table["goals"]]
        assert set(frame["way"]) >= {"RS", "ART", "ISS", "IRS", "CIRS", "CIRS, split", "seq"}
        draws, seconds = frame.set_index("way"), peers_table(run, title, "seconds").set_index("way")
        acr = frame.columns[-1]
        assert draws[acr]["CIRS"] < draws[acr]["CIRS, split"] < draws[acr]["RS"]
        assert seconds[acr]["CIRS"] < seconds[acr]["RS"]
