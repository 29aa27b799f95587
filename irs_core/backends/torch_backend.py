"""PyTorch: runs every model everywhere, on CPU and CUDA, eager or compiled."""

import copy
from functools import cache
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from irs_core.backends.base import Arithmetic, batch_for, check_finite, check_scores, fixed_batches
from irs_core.backends.device import check_device, forbid_tf32, gpu_name
from irs_core.errors import ModelOutputError, first_line

CPU_BATCH = 250
CUDA_BATCH = 2048
# Pixels of a batch: 128 images of 3x224x224.
_CUDA_PIXELS = 19_300_000


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
        self.device = str(self._device)
        # Under noise by counter the whole loop runs there; see `irs_core.sampling.device_loop`.
        self.fused = self._device.type == "cuda"
        self.loops: dict[Any, Any] = {}
        if self._device.type == "cuda" and arithmetic == "fp32":
            forbid_tf32()
        # A copy: moving the caller's module would change it under its other users.
        module = _moved(copy.deepcopy(module).eval(), self._device)
        self._eager = module
        self._module: Any = torch.compile(module, dynamic=False) if compiled else module
        self._compiled = compiled
        self._classes = classes
        pixels = int(np.prod(input_shape))
        self.batch = batch or (
            cuda_batch_for(pixels) if self._device.type == "cuda" else batch_for(pixels, CPU_BATCH)
        )
        self._arithmetic = arithmetic
        self.execution = self._named()

    @property
    def module(self) -> Any:
        """The network as it runs, on its device."""
        return self._module

    @property
    def classes(self) -> int:
        """Number of scores."""
        return self._classes

    def _named(self) -> str:
        kind = "torch compiled" if self._compiled else "torch"
        plain = f"{kind} {self._device.type} {self._arithmetic}"
        return plain if self._device.type == "cpu" else f"{plain} {kernels_of(self)}"

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
        made.execution = made._named()
        return made

    def second(self) -> "TorchPredictor | None":
        """Eager PyTorch, where this one is compiled."""
        if not self._compiled:
            return None
        made = copy.copy(self)
        made._module, made._compiled = self._eager, False
        made.execution, made.loops = made._named(), {}
        return made

    def nan_inside(self, inputs: NDArray[np.float32]) -> int:
        """0: PyTorch lets NaN through to the scores."""
        del inputs
        return 0

    def _scores(self, inputs: NDArray[np.float32]) -> torch.Tensor:
        try:
            batch = torch.from_numpy(inputs).to(self._device, memory_format=torch.channels_last)
            scores = self._module(batch)
        except torch.cuda.OutOfMemoryError as error:
            raise out_of_memory(self.batch) from error
        except RuntimeError as error:
            raise ModelOutputError(
                f"the model failed on inputs of shape {inputs.shape[1:]}: {first_line(error)}"
            ) from error
        if not isinstance(scores, torch.Tensor):
            kind = type(scores).__name__
            raise ModelOutputError(f"the model must return a tensor of scores; got {kind}")
        check_scores(tuple(scores.shape), len(inputs), self._classes)
        return scores


def cuda_batch_for(pixels: int) -> int:
    """A batch that keeps a GPU busy: thousands of small images, about a hundred large ones."""
    return max(1, min(CUDA_BATCH, _CUDA_PIXELS // max(1, pixels)))


def out_of_memory(batch: int) -> ModelOutputError:
    """What to say when a batch does not fit."""
    less = max(1, batch // 2)
    return ModelOutputError(
        f"a batch of {batch} draws does not fit into the GPU's memory; take fewer with "
        f"--batch {less}, or run on the CPU with --device cpu"
    )


def kernels_of(predictor: TorchPredictor) -> str:
    """What decides which kernels a GPU runs: its model, the libraries, the batch."""
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call, unused-ignore]
    card = gpu_name(predictor.device).replace(" ", "-")
    return f"{card} torch-{torch.__version__} cudnn-{cudnn} batch-{predictor.batch}"


def _moved(module: nn.Module, device: torch.device) -> nn.Module:
    try:
        return module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return, unused-ignore]
    except torch.cuda.OutOfMemoryError as error:
        raise ModelOutputError(
            f"the model does not fit into the memory of {device}; free it, or run on the CPU with "
            "--device cpu"
        ) from error


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
