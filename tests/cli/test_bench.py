import math

from irs_core.bench import BenchRow
from irs_core.cli.main import main


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
