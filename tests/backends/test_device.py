import os
import subprocess
import sys

import torch

from irs_core.backends.device import forbid_tf32, hardware_of, usable_gpus
from irs_core.hardware import describe_hardware


def test_devices_to_choose_from(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert [usable_gpus(name) for name in ("auto", "cuda", "cuda:1", "cpu")] == [3, 3, 0, 0]


def test_the_gpu_is_named_where_one_computes(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Some GPU")
    assert hardware_of(["torch cpu fp32", "openvino cpu int8"]) == describe_hardware()
    both = hardware_of(["torch cpu int8 linear", "torch cuda fp32"])
    assert both == f"Some GPU; {describe_hardware()}"
    assert hardware_of(["torch compiled cuda fp32"]) == both


def test_fp32_on_cuda_is_not_tf32():
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = True
        forbid_tf32()
        assert not matmul.allow_tf32
        assert not cudnn.allow_tf32
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def test_without_a_compiler_eager_pytorch_runs_and_says_so(tmp_path):
    code = """
import logging, sys
logging.basicConfig(stream=sys.stdout)
from torch import nn
from irs_core.backends import make_predictor
module = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
settings = {"classes": 3, "input_shape": (1, 2, 2), "device": "cpu"}
print(make_predictor(module, **settings, backend="torch-compiled").execution)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CXX": "/bin/false", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "torch.compile does not work here" in done.stdout
    assert done.stdout.splitlines()[-1] == "torch cpu fp32"
