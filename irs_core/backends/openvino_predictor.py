"""A model that OpenVINO runs, in fp32, bf16 and int8: the fastest way on a CPU. Free of torch."""

import copy
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from irs_core.backends.base import (
    Arithmetic,
    Measurable,
    batch_for,
    check_scores,
    classes_of,
    fixed_batches,
)
from irs_core.backends.processor import as_computed
from irs_core.backends.reasons import reason
from irs_core.errors import ApproximationError
from irs_core.hardware import usable_cores

# What a layer's arithmetic is called in the compiled graph.
_INT8 = {"i8", "u8"}
_NO_LAYERS = {"Parameter", "Constant", "Result"}
WEIGHTED = {"Convolution", "FullyConnected", "MatMul", "GroupConvolution"}
HINTS: dict[str, str] = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}


class OpenVinoPredictor:
    """A model compiled for one batch shape, with several requests in flight."""

    # It computes on threads of its own, and may be called from any.
    overlaps = True

    def __init__(
        self,
        model: ov.Model,
        *,
        classes: int,
        input_shape: tuple[int, int, int],
        arithmetic: Arithmetic = "fp32",
        batch: int | None = None,
        other: Callable[[], Measurable] | None = None,
        named: str | None = None,
    ) -> None:
        """Compile the model for this CPU.

        Args:
            arithmetic: `fp32`, `bf16` (the whole network) or `int8` (a quantised model; what is
                not quantised runs in fp32).
            other: Makes the same classifier on another backend.
            named: What it computes in, in words; None for the arithmetic.

        Raises:
            ApproximationError: This CPU has no such arithmetic.
        """
        check_arithmetic(arithmetic)
        self._classes, self._input_shape, self._other = classes, input_shape, other
        self.model, self.arithmetic = model, arithmetic
        self.execution = f"openvino cpu {as_computed(named or arithmetic)}"
        self._compile(batch or batch_for(int(np.prod(input_shape))))

    def _compile(self, batch: int) -> None:
        self.batch = batch
        streams = usable_cores()
        settings = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams,
            "INFERENCE_PRECISION_HINT": HINTS[self.arithmetic],
        }
        model = self.model.clone()
        try:
            model.reshape([batch, *self._input_shape])
            self.compiled = core().compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ApproximationError(
                f"OpenVINO cannot compile the model: {reason(error)}"
            ) from error
        check_scores(tuple(self.compiled.output(0).shape), batch, self._classes)
        # One request more than streams keeps every stream fed while this thread copies.
        self._queue = ov.AsyncInferQueue(self.compiled, streams + 1)
        self._queue.set_callback(self._collect)

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of noisy inputs; see `Predictor`."""
        return classes_of(self.scores(inputs))

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as they come; see `Measurable`."""
        scores = np.full((len(inputs), self._classes), np.nan, np.float32)
        for place, part in fixed_batches(inputs, self.batch):
            self._queue.start_async({0: ov.Tensor(part, shared_memory=True)}, (scores, place, part))
        self._queue.wait_all()
        return scores

    def with_batch(self, batch: int) -> Self:
        """The same model compiled for another batch size; see `Measurable`."""
        made = copy.copy(self)
        made._compile(batch)
        return made

    def second(self) -> Measurable | None:
        """The same classifier on another backend; see `Measurable`."""
        return None if self._other is None else self._other()

    def nan_inside(self, inputs: NDArray[np.float32]) -> int:
        """Inputs on which some layer gives NaN: kernels may turn it into a number later on."""
        model = self.model.clone()
        for operation in model.get_ordered_ops():
            if operation.get_type_name() not in _NO_LAYERS:
                real = [one for one in operation.outputs() if one.get_element_type().is_real()]
                model.add_outputs(real)
        try:
            model.reshape([1, *self._input_shape])
            hint = {"INFERENCE_PRECISION_HINT": HINTS[self.arithmetic]}
            compiled = core().compile_model(model, "CPU", hint)
        except RuntimeError as error:
            raise ApproximationError(
                f"OpenVINO cannot look inside the model: {reason(error)}"
            ) from error
        return sum(
            any(bool(np.isnan(values).any()) for values in compiled([image[None]]).values())
            for image in inputs
        )

    def _collect(self, request: Any, job: tuple[NDArray[np.float32], slice, Any]) -> None:
        # The job also holds the input, which must live until the request is done.
        scores, place, _ = job
        found = request.get_output_tensor(0).data
        scores[place] = found[: place.stop - place.start]

    def layer_precisions(self) -> dict[str, str]:
        """Arithmetic of each convolution and linear layer, read from the compiled graph."""
        found = {}
        for node in self.compiled.get_runtime_model().get_ordered_ops():
            info = node.get_rt_info()
            if info["layerType"].astype(str) in WEIGHTED:
                names = info["originalLayersNames"].astype(str)
                precision = info["runtimePrecision"].astype(str)
                found[names] = "int8" if precision in _INT8 else precision
        return found


def check_arithmetic(arithmetic: Arithmetic) -> None:
    """Refuse arithmetic that OpenVINO or this CPU does not have."""
    if arithmetic not in HINTS:
        raise ApproximationError(f"OpenVINO on the CPU cannot compute in {arithmetic}")
    if arithmetic == "bf16" and "BF16" not in _capabilities():
        raise ApproximationError("this CPU has no bfloat16 arithmetic")


def to_bytes(model: ov.Model) -> tuple[bytes, bytes]:
    """A model as OpenVINO's two files: the graph (XML) and the constants, every bit kept."""
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.xml"
        ov.save_model(model, graph, compress_to_fp16=False)
        return graph.read_bytes(), graph.with_suffix(".bin").read_bytes()


def from_bytes(graph: bytes, constants: bytes) -> ov.Model:
    """The model that `to_bytes` wrote."""
    return core().read_model(graph, constants)


@cache
def core() -> ov.Core:
    """The runtime of this process."""
    return ov.Core()


@cache
def _capabilities() -> frozenset[str]:
    return frozenset(core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
