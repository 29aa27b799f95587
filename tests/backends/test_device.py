import os
import subprocess
import sys

import pytest
import torch

from irs_core.backends import device
from irs_core.backends.device import check_device, forbid_tf32, hardware_of, usable_gpus
from irs_core.errors import SpecError
from irs_core.hardware import describe_hardware


def test_devices_to_choose_from(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(device, "may_have_cuda", lambda: True)
    assert [usable_gpus(name) for name in ("auto", "cuda", "cuda:1", "cpu")] == [3, 3, 0, 0]


def test_the_gpu_is_named_where_one_computes(monkeypatch):
    names = {None: "Some GPU", 0: "First GPU", 1: "Second GPU"}
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: names[device.index])
    assert hardware_of(["torch cpu fp32", "openvino cpu int8"]) == describe_hardware()
    both = hardware_of(["torch cpu int8 linear", "torch cuda fp32"])
    assert both == f"Some GPU; {describe_hardware()}"
    assert hardware_of(["torch compiled cuda fp32"]) == both
    named = hardware_of(["integer int8", "torch cuda fp32"], ["cuda:1", "cpu"])
    assert named == f"Second GPU; {describe_hardware()}"


def test_a_device_that_is_not_there_ends_in_a_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert check_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(SpecError, match="cuda:7 was asked for, but this machine has cuda:0 only"):
        check_device("cuda:7")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpecError, match="no CUDA device; take --device cpu"):
        check_device("cuda:0")


def test_auto_says_so_where_a_driver_is_there_and_pytorch_cannot_use_it(monkeypatch):
    heard = []
    monkeypatch.setattr(device.logger, "warning", lambda *said: heard.append(said))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for drivers, said in ((True, 1), (False, 0)):
        monkeypatch.setattr(device, "may_have_cuda", lambda there=drivers: there)
        heard.clear()
        device._cuda_available.cache_clear()
        assert [check_device("auto").type for _ in range(2)] == ["cpu", "cpu"]
        assert len(heard) == said
    device._cuda_available.cache_clear()


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
from irs_core.backends.choose import make_predictor
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
