import math

from irs_core.bench import BenchSpec, run_bench


def test_every_row_is_measured():
    spec = BenchSpec(arch="digits_resnet", shape=(1, 8, 8), seconds=0.1, rounds=1)
    rows = {row.name: row for row in run_bench(spec, ("published loop", "torch fp32"))}
    assert rows["published loop"].rate > 0
    assert math.isnan(rows["published loop"].bare)
    assert rows["torch fp32"].bare > 0
    assert rows["torch fp32"].changed < 0.01
    assert rows["torch fp32"].peak_mb > 50


def test_rows_of_integers_are_measured_or_say_why_not():
    spec = BenchSpec(arch="digits_resnet", shape=(1, 8, 8), seconds=0.1, rounds=1)
    for row in run_bench(spec, ("integer onnxruntime", "integer openvino")):
        if row.error:
            assert row.error.endswith("carries the integers here")
        else:
            assert row.rate > 0
            assert row.bare > 0
            assert row.changed < 0.2
