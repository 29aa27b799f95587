"""LiteRT files on the CPU."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from irs_core.backends.base import Opaque, batch_for, check_scores, classes_of, fixed_batches
from irs_core.errors import ApproximationError, ModelOutputError, first_line
from irs_core.hardware import usable_cores
from irs_core.models.lite import LiteModule, interpreter


class LitePredictor(Opaque):
    """A LiteRT file, made for one number of images at a time."""

    def __init__(
        self,
        module: LiteModule,
        *,
        classes: int,
        input_shape: tuple[int, int, int],
        batch: int | None = None,
    ) -> None:
        """Make the interpreter.

        Raises:
            ApproximationError: The runtime is missing, or cannot take that number of images.
        """
        self._module, self._classes = module, classes
        shape = (-1, 1, 1)
        self._mean = np.asarray(module.mean or 0, np.float32).reshape(shape)
        self._std = np.asarray(module.std or 1, np.float32).reshape(shape)
        self.execution = f"litert cpu {'int8' if module.facts.quantised else 'fp32'}"
        try:
            self._make(batch or batch_for(int(np.prod(input_shape))))
        except ApproximationError:
            if batch is not None:
                raise
            # Some networks hold the number of images that they were converted for.
            self._make(module.facts.batch)

    def _make(self, batch: int) -> None:
        self.batch = batch
        made = interpreter(self._module.content, self._module.name, usable_cores())
        (given,), (scores,) = made.get_input_details(), made.get_output_details()
        try:
            made.resize_tensor_input(given["index"], [batch, *given["shape"][1:]])
            made.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ApproximationError(
                f"{self._module.name} cannot take {batch} images at a time: "
                f"{first_line(error, 160)}"
            ) from None
        self._interpreter: Any = made
        self._given, self._scores = given, scores

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of noisy inputs; see `Predictor`."""
        return classes_of(self.scores(inputs))

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as they come; see `Measurable`."""
        found = np.full((len(inputs), self._classes), np.nan, np.float32)
        for place, part in fixed_batches(inputs, self.batch):
            images = ((part - self._mean) / self._std).astype(np.float32)
            if self._module.facts.last:
                images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
            self._interpreter.set_tensor(self._given["index"], _quantised(images, self._given))
            try:
                self._interpreter.invoke()
            except (ValueError, RuntimeError) as error:
                raise ModelOutputError(f"{self._module.name} failed: {error!s:.160}") from None
            scores = _numbers(self._interpreter.get_tensor(self._scores["index"]), self._scores)
            check_scores(scores.shape, len(part), self._classes)
            found[place] = scores[: place.stop - place.start]
        return found

    def with_batch(self, batch: int) -> Self:
        """The same file for another number of images; see `Measurable`."""
        made = super().with_batch(batch)
        made._make(batch)
        return made


def _quantised(values: NDArray[np.float32], details: dict[str, Any]) -> NDArray[Any]:
    kind = np.dtype(details["dtype"])
    if kind.kind == "f":
        return values
    scale, zero = details["quantization"]
    limits = np.iinfo(kind)
    return np.asarray(np.clip(np.rint(values / scale) + zero, limits.min, limits.max), kind)


def _numbers(values: NDArray[Any], details: dict[str, Any]) -> NDArray[np.float32]:
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    scale, zero = details["quantization"]
    return np.asarray((values.astype(np.float32) - zero) * scale, np.float32)
