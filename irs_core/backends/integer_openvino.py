"""Integer networks on OpenVINO's 8-bit kernels: the fastest way to run them on a CPU.

OpenVINO reads the graph that is exported for deployment and fuses each convolution with its
division. Why the rounded quotients are the reference's is said in `irs_core.integer.fused`, which
is checked here, with what it rests on: products that do not saturate, which on x86 means VNNI,
every convolution in 8 bits, and 32-bit floats for the rest. In 16-bit ones, which OpenVINO takes
unless it is told otherwise, classes often agree and scores do not.
"""

from irs_core.backends.base import Measurable
from irs_core.backends.choose import openvino_missing
from irs_core.backends.integer_ort import check_vnni
from irs_core.errors import ApproximationError
from irs_core.integer import IntegerNetwork
from irs_core.integer.fused import rounding_error


def openvino_integers(network: IntegerNetwork, *, batch: int | None = None) -> Measurable:
    """A predictor that takes whole grid steps in float32.

    Raises:
        ApproximationError: OpenVINO is missing, the CPU's 8-bit products may saturate, a
            convolution would be computed in floats, or a division might round otherwise.
    """
    check_vnni()
    missing = openvino_missing()
    if missing is not None:
        raise ApproximationError(f"OpenVINO is not installed ({missing})")
    error = rounding_error(network)
    if error >= 1 / 2:
        raise ApproximationError(
            "quotients must be off by less than half of 1 / divisor, so that they round alike; "
            f"in this network they may be off by {error:.2f} of it"
        )
    from irs_core.backends.openvino_predictor import OpenVinoPredictor, core

    try:
        from irs_core.integer.onnx_qdq import to_onnx
    except ImportError as reason:
        raise ApproximationError(f"ONNX is not installed ({reason})") from None
    predictor = OpenVinoPredictor(
        core().read_model(to_onnx(network, whole_steps=True).SerializeToString()),
        classes=network.classes,
        input_shape=network.input_shape,
        arithmetic="int8",
        batch=batch,
    )
    layers = predictor.layer_precisions()
    floats = sum(precision != "int8" for precision in layers.values())
    if floats:
        raise ApproximationError(f"OpenVINO computes {floats} of {len(layers)} layers in floats")
    return predictor
