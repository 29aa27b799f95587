"""Integer networks on ONNX Runtime's 8-bit kernels.

Why they give the reference's scores: a fused convolution (QLinearConv) sums in int32 exactly and
multiplies by the float reciprocal of an odd divisor, as in `irs_core.integer.carrier`; every other
layer adds whole numbers below 2^24 in 32-bit floats. That takes kernels whose 8-bit products do not
saturate, which on x86 means VNNI, and a graph in which every such convolution is fused: both are
checked before use.
"""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from irs_core.backends.base import Opaque, batch_for, check_scores, fixed_batches
from irs_core.backends.processor import exact_8_bit_sums
from irs_core.errors import ApproximationError
from irs_core.hardware import usable_cores
from irs_core.integer import ConvTerm, IntegerNetwork


class OrtIntegers(Opaque):
    """A session of an integer network; takes whole grid steps in float32.

    Integer networks are compared with their reference instead of a second backend, and whole
    numbers are never NaN.
    """

    execution = "onnxruntime cpu int8"

    def __init__(self, network: IntegerNetwork, *, batch: int | None = None) -> None:
        """Build the session.

        Raises:
            ApproximationError: ONNX Runtime is missing, the CPU's 8-bit products may saturate,
                or a convolution would be computed in floats.
        """
        check_vnni()
        try:
            import onnxruntime

            from irs_core.integer.onnx_qdq import to_onnx
        except ImportError as error:
            raise ApproximationError(f"ONNX Runtime is not installed ({error})") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        content = to_onnx(network, whole_steps=True).SerializeToString()
        with tempfile.TemporaryDirectory() as folder:
            fused = Path(folder) / "fused.onnx"
            options.optimized_model_filepath = str(fused)
            options.log_severity_level = 3
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
            _check_fused(network, fused)
        self._classes = network.classes
        self.batch = batch or batch_for(int(np.prod(network.input_shape)))

    def scores(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (N, classes), whole numbers."""
        found = np.empty((len(inputs), self._classes), np.float32)
        for place, part in fixed_batches(inputs, self.batch):
            scores = self._session.run(None, {"images": part})[0]
            check_scores(scores.shape, len(part), self._classes)
            found[place] = scores[: place.stop - place.start]
        return found

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[np.int64]:
        """Class ids; see `Predictor`."""
        return np.asarray(self.scores(inputs).argmax(axis=1), np.int64)


def check_vnni() -> None:
    """Refuse a CPU whose 8-bit products may saturate.

    Raises:
        ApproximationError: It has no VNNI.
    """
    if not exact_8_bit_sums():
        raise ApproximationError(
            "8-bit kernels need a processor with exact sums of 8-bit products (VNNI on x86)"
        )


def _check_fused(network: IntegerNetwork, fused: Path) -> None:
    import onnx

    single = sum(
        len(layer.terms) == 1 and isinstance(layer.terms[0], ConvTerm)
        for layer in network.layers[:-1]
    )
    found = [node.op_type for node in onnx.load(str(fused)).graph.node]
    if found.count("QLinearConv") != single:
        raise ApproximationError(
            f"ONNX Runtime fuses {found.count('QLinearConv')} of {single} convolutions"
        )
