"""Graph files on OpenVINO or ONNX Runtime, on the CPU."""

import copy
import logging
from collections.abc import Callable
from importlib.util import find_spec
from typing import Self

import numpy as np
from numpy.typing import NDArray

from irs_core.backends.base import (
    Arithmetic,
    Measurable,
    batch_for,
    classes_of,
    fixed_batches,
)
from irs_core.backends.graph_io import fed, scores_of
from irs_core.backends.processor import as_computed
from irs_core.backends.reasons import reason
from irs_core.errors import ApproximationError, ModelOutputError
from irs_core.hardware import usable_cores
from irs_core.models.graph import GraphModule
from irs_core.spec.study import BackendName

logger = logging.getLogger(__name__)

Shape = tuple[int, int, int]


class OnnxPredictor:
    """An ONNX file run by ONNX Runtime on the CPU."""

    # It computes on threads of its own, and may be called from any.
    overlaps = True

    def __init__(
        self,
        module: GraphModule,
        *,
        classes: int,
        input_shape: Shape,
        batch: int,
        other: Callable[[], Measurable] | None = None,
    ) -> None:
        """Make a session for this file.

        Args:
            other: Makes the same classifier on another backend.

        Raises:
            ApproximationError: ONNX Runtime is missing or cannot run the file.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ApproximationError(f"ONNX Runtime is not installed ({error})") from None
        if module.file.format != "onnx":
            raise ApproximationError(f"ONNX Runtime runs .onnx files only; got {module.file.name}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        options.log_severity_level = 3
        # By default, products with 4-bit weights round images to 8 bits; no file asks for that.
        options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                module.file.graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors share no base class
            raise ApproximationError(
                f"ONNX Runtime cannot load {module.file.name}: {reason(error)}"
            ) from None
        self._file, self._facts = module.file.name, module.file.facts
        self._name = self._session.get_inputs()[0].name
        self._asked = [self._session.get_outputs()[self._facts.output.index].name]
        self._classes, self.batch, self._other = classes, batch, other
        shape = (-1, 1, 1)
        self._mean = np.asarray(module.mean or 0, np.float32).reshape(shape)
        self._std = np.asarray(module.std or 1, np.float32).reshape(shape)
        self.execution = f"onnxruntime cpu {as_computed(self._facts.precision.name)}"
        # Shapes are refused here; what a black image scores says nothing about noisy ones.
        self.scores(np.zeros((1, *input_shape), np.float32))

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of noisy inputs; see `Predictor`."""
        return classes_of(self.scores(inputs))

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as they come; see `Measurable`."""
        found = np.full((len(inputs), self._classes), np.nan, np.float32)
        for place, part in fixed_batches(inputs, self.batch):
            given = fed((part - self._mean) / self._std, self._facts)
            try:
                scores = np.asarray(self._session.run(self._asked, {self._name: given})[0])
            except Exception as error:  # its errors share no base class
                raise ModelOutputError(
                    f"the model failed on inputs of shape {part.shape}: {reason(error)}"
                ) from None
            rows = scores_of(scores, len(part), self._classes, self._facts.output)
            found[place] = rows[: place.stop - place.start]
        return found

    def with_batch(self, batch: int) -> Self:
        """The same session at another batch size; see `Measurable`."""
        if self._facts.batch not in (None, batch):
            raise ApproximationError(
                f"{self._file} is made for {self._facts.batch} images at a time; asked for were "
                f"{batch}"
            )
        made = copy.copy(self)
        made.batch = batch
        return made

    def second(self) -> Measurable | None:
        """The same classifier on another backend; see `Measurable`."""
        return None if self._other is None else self._other()

    def nan_inside(self, inputs: NDArray[np.float32]) -> int:
        """Inputs on which a layer gives NaN, as OpenVINO sees it."""
        other = self.second()
        return 0 if other is None else other.nan_inside(inputs)


def graph_predictor(
    module: GraphModule,
    *,
    classes: int,
    input_shape: Shape,
    backend: BackendName = "auto",
    batch: int | None = None,
    arithmetic: Arithmetic | None = None,
) -> Measurable:
    """A predictor of a graph file: ONNX Runtime where it is asked for, else OpenVINO.

    `auto` falls back to ONNX Runtime, with one warning that names the reason, where OpenVINO
    cannot run an ONNX file.

    A file for a fixed number of images is run for many at once where that changes no answer, and
    else for that number. Whether answers depend on the batch is measured elsewhere.

    Raises:
        ApproximationError: What runs it is missing or refuses it.
    """
    if backend == "auto" and module.file.format == "onnx" and find_spec("openvino") is None:
        backend = "onnxruntime"

    def on_onnxruntime(size: int) -> Measurable:
        other = None if find_spec("openvino") is None else lambda: on_openvino(size)
        return OnnxPredictor(
            module, classes=classes, input_shape=input_shape, batch=size, other=other
        )

    def on_openvino(size: int) -> Measurable:
        takes = module.file.facts.batch or size
        other = (lambda: on_onnxruntime(takes)) if module.file.format == "onnx" else None
        return _openvino(module, classes, input_shape, size, arithmetic, other)

    def sized(make: Callable[[int], Measurable]) -> Measurable:
        wanted = batch or batch_for(int(np.prod(input_shape)))
        fixed = module.file.facts.batch
        if fixed is None or fixed == wanted:
            return make(wanted)
        if make is on_onnxruntime:
            # A session takes what the file says.
            return make(fixed)
        return _unfixed(make, wanted, fixed, input_shape)

    if backend == "onnxruntime":
        return sized(on_onnxruntime)
    try:
        return sized(on_openvino)
    except ApproximationError as error:
        if backend != "auto" or module.file.format != "onnx":
            raise
        instead = _instead(lambda: sized(on_onnxruntime), error)
        logger.warning("%s; ONNX Runtime runs it instead", error)
        return instead


def _instead(make: Callable[[], Measurable], refusal: ApproximationError) -> Measurable:
    try:
        return make()
    except ApproximationError as error:
        raise ApproximationError(f"{refusal}; {error}") from None


def _unfixed(
    make: Callable[[int], Measurable], wanted: int, fixed: int, input_shape: Shape
) -> Measurable:
    as_written = make(fixed)
    try:
        changed = make(wanted)
        images = np.random.default_rng(0).random((wanted, *input_shape), np.float32)
        images += 0.5 * np.random.default_rng(1).standard_normal(images.shape, np.float32)
        same = np.array_equal(changed(images), as_written(images))
    except (ApproximationError, ModelOutputError):
        return as_written
    return changed if same else as_written


def _openvino(
    module: GraphModule,
    classes: int,
    input_shape: Shape,
    batch: int,
    arithmetic: Arithmetic | None,
    other: Callable[[], Measurable] | None,
) -> Measurable:
    try:
        from irs_core.backends.openvino_backend import convert
        from irs_core.backends.openvino_predictor import OpenVinoPredictor
    except ImportError as error:
        raise ApproximationError(
            f"{module.file.name} needs OpenVINO, which is missing ({error})"
        ) from None
    precision = module.file.facts.precision
    return OpenVinoPredictor(
        convert(module, input_shape),
        classes=classes,
        input_shape=input_shape,
        arithmetic=arithmetic or ("int8" if precision.quantised else "fp32"),
        named=None if arithmetic else precision.on_openvino(),
        batch=batch,
        other=other,
    )
