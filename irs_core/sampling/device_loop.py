"""The loop on a device: noise, sum, network and argmax there, one byte a draw back.

Under noise by counter a draw is its number, so nothing but numbers goes to the device, and class
ids come back. The images stay there as bytes. Where a CUDA graph can hold one batch, its kernels
are started together; elsewhere, and on a CPU, the same functions run one by one.
"""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from irs_core.backends.base import check_finite
from irs_core.backends.torch_backend import out_of_memory
from irs_core.errors import first_line
from irs_core.sampling.device_noise import DeviceNoise, key_tensor
from irs_core.sampling.philox import Key
from irs_core.spec.study import NoiseSpec

logger = logging.getLogger(__name__)

Batch = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
# Runs before a capture, in which libraries allocate and choose kernels.
_WARM_UPS = 3


class DeviceLoop:
    """One network and the images of a unit on a device, in batches of one size."""

    def __init__(
        self,
        module: nn.Module,
        noise: NoiseSpec,
        *,
        rows: int,
        shape: tuple[int, ...],
        scale: int,
        classes: int,
        batch: int,
        device: torch.device | str = "cpu",
        graph: bool = True,
    ) -> None:
        """Take the law of the noise to the device, and make room for images.

        Args:
            module: On the device, channels last, in evaluation mode.
            rows: Images at a time, at most.
            shape: Shape of one image.
            graph: Use a CUDA graph where one can be captured.
        """
        self._module, self._device, self._batch = module, torch.device(device), batch
        self.rows = rows
        self._images = torch.zeros((rows, *shape), dtype=torch.uint8, device=self._device)
        self._noise = DeviceNoise(noise, shape, scale, device)
        low, high = self._noise.first, int(np.iinfo(np.uint8).max) + self._noise.last
        # A device may multiply by the reciprocal where it should divide; the table is exact.
        steps = np.arange(low, high + 1, dtype=np.int16)
        table = np.divide(steps, np.float32(scale), dtype=np.float32)
        self._table, self._low = torch.from_numpy(table).to(self._device), low
        self._out = torch.uint8 if classes <= 256 else torch.int32
        self._run: Batch = self._classify
        if graph and self._device.type == "cuda":
            self._run = captured(self._classify, self._examples())

    def take(self, images: NDArray[np.uint8]) -> None:
        """Put the images of a unit, whole grid steps, in the place of those before."""
        # In place: a captured graph reads this memory.
        self._images[: len(images)] = torch.from_numpy(np.ascontiguousarray(images))

    @torch.inference_mode()
    def __call__(
        self, rows: NDArray[np.intp], keys: list[Key], numbers: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Classes of draws, (draws,).

        Args:
            rows: Which image each draw is of.
            keys: The key of each image's input group, in the stream that is drawn.
            numbers: The number of each draw in its stream.

        Raises:
            ModelOutputError: A score is NaN or infinite, or a batch does not fit into memory.
        """
        found = np.empty(len(rows), np.int64)
        whole = key_tensor(keys, self._device)
        for start in range(0, len(rows), self._batch):
            stop = min(start + self._batch, len(rows))
            # A batch has one size; the last is filled with its first draw.
            places = np.resize(np.arange(start, stop), self._batch)
            places[stop - start :] = start
            chosen = torch.from_numpy(rows[places].astype(np.int64)).to(self._device)
            draws = torch.from_numpy(numbers[places].astype(np.int64)).to(self._device)
            try:
                classes, finite = self._run(chosen, whole[chosen], draws)
            except torch.cuda.OutOfMemoryError as error:
                raise out_of_memory(self._batch) from error
            check_finite(bool(finite))
            found[start:stop] = classes.cpu().numpy()[: stop - start]
        return found

    def _classify(self, rows: Tensor, keys: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
        noise = self._noise.draws(keys, numbers)
        steps = self._images[rows].to(torch.int16) + noise
        inputs = self._table[(steps - self._low).to(torch.int64)]
        scores = self._module(inputs.contiguous(memory_format=torch.channels_last))
        return scores.argmax(dim=1).to(self._out), torch.isfinite(scores).all()

    def _examples(self) -> tuple[Tensor, Tensor, Tensor]:
        zeros = torch.zeros(self._batch, dtype=torch.int64, device=self._device)
        return zeros, torch.zeros((self._batch, 2), dtype=torch.int64, device=self._device), zeros


def loop_of(predictor: Any, noise: NoiseSpec, images: NDArray[np.uint8], scale: int) -> DeviceLoop:
    """The loop of a fused predictor, with the images of a unit; made once for units of one kind."""
    key = (noise, images.shape[1:], scale, predictor.batch)
    loop: DeviceLoop | None = predictor.loops.get(key)
    if loop is None or loop.rows < len(images):
        loop = DeviceLoop(
            predictor.module,
            noise,
            rows=len(images),
            shape=images.shape[1:],
            scale=scale,
            classes=predictor.classes,
            batch=predictor.batch,
            device=predictor.device,
        )
        predictor.loops[key] = loop
    loop.take(images)
    return loop


def captured(run: Batch, examples: tuple[Tensor, Tensor, Tensor]) -> Batch:
    """A function of tensors of fixed shapes as a CUDA graph; itself where it cannot be captured.

    Args:
        examples: Arguments of the shapes that all calls have.
    """
    try:
        return _graph(run, tuple(one.clone() for one in examples))
    except Exception as error:  # capture fails in many ways
        logger.info("no CUDA graph (%s); kernels are started one by one", first_line(error))
        return run


def _graph(run: Batch, inputs: tuple[Tensor, ...]) -> Batch:
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call, unused-ignore]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream), torch.inference_mode():
        for _ in range(_WARM_UPS):
            run(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.inference_mode():
        outputs = run(*inputs)

    def replayed(*values: Tensor) -> tuple[Tensor, Tensor]:
        for own, value in zip(inputs, values, strict=True):
            own.copy_(value)
        graph.replay()
        return outputs

    return replayed
