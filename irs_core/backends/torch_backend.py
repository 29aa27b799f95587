"""PyTorch: runs every model everywhere, on CPU and CUDA, eager or compiled."""

import copy
from functools import cache
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from irs_core.backends.base import Arithmetic, batch_for, check_finite, check_scores, fixed_batches
from irs_core.backends.device import check_device, forbid_tf32
from irs_core.errors import ModelOutputError, first_line

CPU_BATCH = 250
CUDA_BATCH = 500


class TorchPredictor:
    """A module in evaluation mode on one device, channels last, without gradients."""

    def __init__(
        self,
        module: nn.Module,
        *,
        classes: int,
        input_shape: tuple[int, int, int],
        device: str = "cpu",
        arithmetic: Arithmetic = "fp32",
        compiled: bool = False,
        batch: int | None = None,
    ) -> None:
        """Put the module on the device.

        Args:
            arithmetic: What the module computes in, for the record.
            compiled: Run through torch.compile; the first call takes tens of seconds.
            batch: Inputs per forward pass; None for a size that suits the device.
        """
        self._device = check_device(device)
        if self._device.type == "cuda" and arithmetic == "fp32":
            forbid_tf32()
        # A copy: moving the caller's module would change it under its other users.
        module = copy.deepcopy(module).eval().to(self._device).to(memory_format=torch.channels_last)
        self._eager = module
        self._module: Any = torch.compile(module, dynamic=False) if compiled else module
        self._compiled = compiled
        self._classes = classes
        largest = CUDA_BATCH if self._device.type == "cuda" else CPU_BATCH
        self.batch = batch or batch_for(int(np.prod(input_shape)), largest)
        kind = "torch compiled" if compiled else "torch"
        self._arithmetic = arithmetic
        self.execution = f"{kind} {self._device.type} {arithmetic}"

    @torch.inference_mode()
    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of noisy inputs; see `Predictor`."""
        classes = np.full(len(inputs), -1, np.int64)
        for place, part in fixed_batches(inputs, self.batch):
            scores = self._scores(part)
            check_finite(bool(torch.isfinite(scores).all()))
            classes[place] = scores.argmax(dim=1).cpu().numpy()[: place.stop - place.start]
        return classes

    @torch.inference_mode()
    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as they come; see `Measurable`."""
        found = np.full((len(inputs), self._classes), np.nan, np.float32)
        for place, part in fixed_batches(inputs, self.batch):
            found[place] = self._scores(part).float().cpu().numpy()[: place.stop - place.start]
        return found

    def with_batch(self, batch: int) -> Self:
        """The same module at another batch size; see `Measurable`."""
        made = copy.copy(self)
        made.batch = batch
        return made

    def second(self) -> "TorchPredictor | None":
        """Eager PyTorch, where this one is compiled."""
        if not self._compiled:
            return None
        made = copy.copy(self)
        made._module, made._compiled = self._eager, False
        made.execution = f"torch {self._device.type} {self._arithmetic}"
        return made

    def nan_inside(self, inputs: NDArray[np.float32]) -> int:
        """0: PyTorch lets NaN through to the scores."""
        del inputs
        return 0

    def _scores(self, inputs: NDArray[np.float32]) -> torch.Tensor:
        batch = torch.from_numpy(inputs).to(self._device, memory_format=torch.channels_last)
        try:
            scores = self._module(batch)
        except RuntimeError as error:
            raise ModelOutputError(
                f"the model failed on inputs of shape {inputs.shape[1:]}: {first_line(error)}"
            ) from error
        if not isinstance(scores, torch.Tensor):
            kind = type(scores).__name__
            raise ModelOutputError(f"the model must return a tensor of scores; got {kind}")
        check_scores(tuple(scores.shape), len(inputs), self._classes)
        return scores


@cache
def compile_fails(device: str) -> str | None:
    """Why torch.compile does not work on a kind of device here, or None; takes some seconds.

    On a CPU it needs a C++ compiler, on CUDA also Triton.
    """
    try:
        torch.compile(_probe, dynamic=False)(torch.ones(64, device=device))
    except Exception as error:  # compilers fail in many ways
        return first_line(error)
    return None


def _probe(values: torch.Tensor) -> torch.Tensor:
    return values.sin() * 2 + 1
