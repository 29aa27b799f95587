"""PyTorch, eager: runs everywhere, on CPU and CUDA."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from irs_core.backends.base import check_finite, check_scores
from irs_core.errors import ModelOutputError, SpecError

CPU_BATCH = 256
CUDA_BATCH = 2048


class TorchPredictor:
    """A module in evaluation mode on one device, channels last, without gradients."""

    def __init__(
        self, module: nn.Module, *, classes: int, device: str = "cpu", arithmetic: str = "fp32"
    ) -> None:
        """Move a copy-free reference of the module to the device.

        Args:
            arithmetic: What the module computes in, for the record (`fp32`, `bf16`, ...).
        """
        self._device = check_device(device)
        self._module = module.eval().to(self._device).to(memory_format=torch.channels_last)
        self._classes = classes
        self.execution = f"torch {self._device.type} {arithmetic}"
        self.batch = CUDA_BATCH if self._device.type == "cuda" else CPU_BATCH

    @torch.inference_mode()
    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of a batch; see `Predictor`."""
        batch = torch.from_numpy(inputs).to(self._device, memory_format=torch.channels_last)
        try:
            scores = self._module(batch)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelOutputError(
                f"the model failed on inputs of shape {inputs.shape[1:]}: {reason}"
            ) from error
        if not isinstance(scores, torch.Tensor):
            raise ModelOutputError(
                f"the model must return a tensor of scores; got {type(scores).__name__}"
            )
        check_scores(tuple(scores.shape), len(inputs), self._classes)
        check_finite(torch.isfinite(scores).all().item())
        classes: NDArray[np.int64] = scores.argmax(dim=1).cpu().numpy()
        return classes


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
        raise SpecError(f"device must be auto, cpu, cuda or cuda:N; got {name!r}") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SpecError(f"device {name} was asked for, but this machine has no CUDA device")
    if device.type not in ("cpu", "cuda"):
        raise SpecError(f"device must be auto, cpu, cuda or cuda:N; got {name!r}")
    return device
