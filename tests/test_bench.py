import math

import torch

from irs_core import bench
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


def test_rows_of_pytorch_take_the_batch_and_the_device_that_are_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(
        bench, "make_predictor", lambda *_, **options: asked.append(options) or "made"
    )
    spec = BenchSpec(arch="digits_resnet", shape=(1, 8, 8), device="cuda:1", batch=7)
    for row in ("torch fp32", "openvino fp32"):
        assert bench._predictor(bench._module(spec), spec, row) == "made"
    assert (asked[0]["device"], asked[0]["batch"]) == ("cuda:1", 7)
    assert "device" not in asked[1]


def test_a_row_that_does_not_fit_into_memory_says_so_and_ends_nothing(monkeypatch):
    class Pipe:
        def __init__(self):
            self.sent = []

        def send(self, value):
            self.sent.append(value)

        def recv(self):
            return "stop"

    def full(*_):
        raise torch.cuda.OutOfMemoryError

    monkeypatch.setattr(bench, "_measurement", full)
    pipe = Pipe()
    bench._serve(pipe, BenchSpec(batch=64), "torch fp32")
    assert pipe.sent[0] == "ready"
    assert "--batch 32" in pipe.sent[1][2]
