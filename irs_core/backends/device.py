"""Devices: which there are, what they are called, and that fp32 on them is fp32.

Torch takes seconds to import and is asked only where a GPU may be there.
"""

import logging
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from irs_core.errors import SpecError
from irs_core.hardware import describe_hardware

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

# Without one of these no driver of an NVIDIA card is loaded, on Linux or in WSL.
_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


def may_have_cuda() -> bool:
    """Whether a CUDA device may be there; a False is certain."""
    return not sys.platform.startswith("linux") or any(map(os.path.exists, _DRIVERS))


def check_device(name: str) -> "torch.device":
    """The device of that name.

    Raises:
        SpecError: The name is unknown, or the machine has no such device.
    """
    import torch

    if name == "auto":
        name = "cuda" if _cuda_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise SpecError(f"device must be auto, cpu, cuda or cuda:N; got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SpecError(
            f"device {name} was asked for, but this machine has no CUDA device; take --device cpu"
        )
    count = torch.cuda.device_count() if device.type == "cuda" else 0
    if device.index is not None and device.type == "cuda" and device.index >= count:
        last = f"cuda:0 to cuda:{count - 1}" if count > 1 else "cuda:0"
        raise SpecError(f"device {name} was asked for, but this machine has {last} only")
    return device


@cache
def _cuda_available() -> bool:
    """Whether `auto` means a GPU; said once where a driver is there and PyTorch cannot use it."""
    import torch

    there = torch.cuda.is_available()
    if not there and may_have_cuda() and sys.platform.startswith("linux"):
        logger.warning(
            "there is an NVIDIA driver, but this PyTorch (%s) finds no CUDA device: the CPU "
            "computes; --device cuda says why",
            torch.__version__,
        )
    return there


def usable_gpus(name: str) -> int:
    """How many CUDA devices a device name leaves to choose from: all of them, or none."""
    if name not in ("auto", "cuda") or not may_have_cuda():
        return 0
    import torch

    return torch.cuda.device_count()


def hardware_of(executions: Iterable[str], devices: Iterable[str] = ()) -> str:
    """Processor and cores, and the GPU where something runs on one.

    Args:
        executions: Of classifiers, as in the keys of their evidence.
        devices: Where classifiers run, such as `cuda:1`, which names a GPU among several.
    """
    on_gpu = sorted({one for one in devices if one.startswith("cuda")})
    if not on_gpu and any("cuda" in execution.split() for execution in executions):
        on_gpu = ["cuda"]
    names = [gpu_name(one) for one in on_gpu]
    return "; ".join([*dict.fromkeys(names), describe_hardware()])


def gpu_name(device: str) -> str:
    """What a CUDA device is called."""
    import torch

    return str(torch.cuda.get_device_name(torch.device(device)))


def forbid_tf32() -> None:
    """Keep 32-bit arithmetic on CUDA in 32 bits.

    By default convolutions round their inputs to TF32, which has 10 bits of mantissa; then fp32
    would name another classifier on a GPU than on a CPU.
    """
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
