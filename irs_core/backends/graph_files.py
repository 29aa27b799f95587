"""Graph files on OpenVINO or ONNX Runtime, on the CPU."""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from irs_core.backends.base import (
    Arithmetic,
    Predictor,
    batch_for,
    check_finite,
    check_scores,
    fixed_batches,
)
from irs_core.errors import ApproximationError, ModelOutputError
from irs_core.hardware import usable_cores
from irs_core.models.graph import GraphModule
from irs_core.spec.study import BackendName

Shape = tuple[int, int, int]


class OnnxPredictor:
    """An ONNX file run by ONNX Runtime on the CPU."""

    def __init__(
        self, module: GraphModule, *, classes: int, input_shape: Shape, batch: int
    ) -> None:
        """Make a session for this file.

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
        try:
            self._session = onnxruntime.InferenceSession(
                module.file.graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors share no base class
            raise ApproximationError(
                f"ONNX Runtime cannot load {module.file.name}: {_first_line(error)}"
            ) from None
        given = self._session.get_inputs()[0]
        self._name = given.name
        self._dtype = np.float16 if given.type == "tensor(float16)" else np.float32
        self._classes, self._batch = classes, batch
        shape = (-1, 1, 1)
        self._mean = np.asarray(module.mean or 0, np.float32).reshape(shape)
        self._std = np.asarray(module.std or 1, np.float32).reshape(shape)
        self.execution = f"onnxruntime cpu {arithmetic_of(module)}"
        self(np.zeros((1, *input_shape), np.float32))

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids of noisy inputs; see `Predictor`."""
        classes = np.full(len(inputs), -1, np.int64)
        for place, part in fixed_batches(inputs, self._batch):
            normal = ((part - self._mean) / self._std).astype(self._dtype)
            try:
                scores = np.asarray(self._session.run(None, {self._name: normal})[0])
            except Exception as error:  # its errors share no base class
                raise ModelOutputError(
                    f"the model failed on inputs of shape {part.shape}: {_first_line(error)}"
                ) from None
            check_scores(scores.shape, len(part), self._classes)
            check_finite(bool(np.isfinite(scores).all()))
            classes[place] = scores.argmax(axis=1)[: place.stop - place.start]
        return classes


def graph_predictor(
    module: GraphModule,
    *,
    classes: int,
    input_shape: Shape,
    backend: BackendName = "auto",
    batch: int | None = None,
    arithmetic: Arithmetic | None = None,
) -> Predictor:
    """A predictor of a graph file: ONNX Runtime where it is asked for, else OpenVINO.

    A file for a fixed number of images is run for many at once where that changes no answer, and
    else for that number. A file whose answers depend on the batch is run image by image.

    Raises:
        ApproximationError: What runs it is missing or refuses it.
    """

    if backend == "auto" and module.file.format == "onnx" and find_spec("openvino") is None:
        backend = "onnxruntime"

    def make(size: int) -> Predictor:
        if backend == "onnxruntime":
            return OnnxPredictor(module, classes=classes, input_shape=input_shape, batch=size)
        return _openvino(module, classes, input_shape, size, arithmetic)

    if module.file.facts.one_by_one:
        return make(1)
    wanted = batch or batch_for(int(np.prod(input_shape)))
    fixed = module.file.facts.batch
    if fixed is None or fixed == wanted:
        return make(wanted)
    if backend == "onnxruntime":
        # A session takes what the file says.
        return make(fixed)
    return _unfixed(make, wanted, fixed, input_shape)


def arithmetic_of(module: GraphModule) -> Arithmetic:
    """What a file computes in."""
    return "int8" if module.file.facts.quantised else "fp32"


def _unfixed(
    make: Callable[[int], Predictor], wanted: int, fixed: int, input_shape: Shape
) -> Predictor:
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
) -> Predictor:
    try:
        from irs_core.backends import openvino_backend
    except ImportError as error:
        raise ApproximationError(
            f"{module.file.name} needs OpenVINO, which is missing ({error})"
        ) from None
    return openvino_backend.OpenVinoPredictor(
        openvino_backend.from_graph_file(module),
        classes=classes,
        input_shape=input_shape,
        arithmetic=arithmetic or arithmetic_of(module),
        batch=batch,
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
