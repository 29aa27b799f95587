"""Devices: which there are, what they are called, and that fp32 on them is fp32."""

from collections.abc import Iterable

import torch

from irs_core.errors import SpecError
from irs_core.hardware import describe_hardware


def check_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        SpecError: The name is unknown, or the machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise SpecError(f"device must be auto, cpu, cuda or cuda:N; got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SpecError(f"device {name} was asked for, but this machine has no CUDA device")
    return device


def usable_gpus(name: str) -> int:
    """How many CUDA devices a device name leaves to choose from: all of them, or none."""
    return torch.cuda.device_count() if name in ("auto", "cuda") else 0


def hardware_of(executions: Iterable[str]) -> str:
    """Processor and cores, and the GPU where one of the executions names it."""
    if any("cuda" in execution.split() for execution in executions):
        return f"{torch.cuda.get_device_name()}; {describe_hardware()}"
    return describe_hardware()


def forbid_tf32() -> None:
    """Keep 32-bit arithmetic on CUDA in 32 bits.

    By default convolutions round their inputs to TF32, which has 10 bits of mantissa; then fp32
    would name another classifier on a GPU than on a CPU.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
