"""From a base network and a compression to a predictor, the same in every process."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from irs_core.approx import compress
from irs_core.backends import Arithmetic, Measurable
from irs_core.backends.choose import make_predictor
from irs_core.backends.device import check_device
from irs_core.backends.integer_backend import IntegerPredictor
from irs_core.errors import ApproximationError
from irs_core.integer import IntegerNetwork
from irs_core.integer.carrier import Carrier
from irs_core.spec.compressions import Compression, HalfCompute, Int8Dynamic
from irs_core.spec.study import BackendName

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setting:
    """How classifiers of a study are run.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        batch: Draws per forward pass; None lets the backend choose.
    """

    classes: int
    input_shape: tuple[int, int, int]
    device: str = "auto"
    backend: BackendName = "auto"
    batch: int | None = None


def make_classifier(
    base: nn.Module,
    compression: Compression | None,
    setting: Setting,
    *,
    state: Mapping[str, Tensor] | None = None,
    compressed: nn.Module | None = None,
) -> Measurable:
    """A predictor of the base network, or of its compressed form; the network stays as it is.

    Args:
        base: A float network, or a `Carrier` of an integer one.
        compression: None for the base network; anything but static int8 and integers only.
        state: Weights of the compressed network, where they must not be computed anew.
        compressed: The compressed network, where it was made already.

    Raises:
        ApproximationError: The compression does not fit the network, or `state` does not fit it.
        SpecError: The backend or the device is unknown or absent.
    """
    if isinstance(base, Carrier):
        if compression is not None:
            raise ApproximationError(
                "an integer network can only lose bits of its weights, as in integer:4; "
                f"got {compression}"
            )
        return make_integer(base.network, setting)
    if compression is None:
        return _predictor(base, setting)
    if isinstance(compression, HalfCompute):
        return _half(base, compression, setting, compressed)
    module = compress(base, compression) if compressed is None else compressed
    if state is not None:
        try:
            module.load_state_dict(state)
        except RuntimeError:
            raise ApproximationError(
                f"{compression} gives a network of another shape here than where it was prepared"
            ) from None
    if isinstance(compression, Int8Dynamic):
        return _predictor(module, setting, "int8 linear", only_torch=True)
    return _predictor(module, setting)


def make_integer(network: IntegerNetwork, setting: Setting) -> IntegerPredictor:
    """A predictor of an integer network.

    Raises:
        ApproximationError: No kernels here give its scores.
    """
    return IntegerPredictor(
        network, device=setting.device, backend=setting.backend, batch=setting.batch
    )


def _predictor(
    module: nn.Module,
    setting: Setting,
    arithmetic: Arithmetic = "fp32",
    *,
    only_torch: bool = False,
) -> Measurable:
    # What OpenVINO must not run may still be compiled; dynamic int8 kernels have no compiler.
    compiles = setting.backend == "torch-compiled" and arithmetic != "int8 linear"
    return make_predictor(
        module,
        classes=setting.classes,
        input_shape=setting.input_shape,
        arithmetic=arithmetic,
        # PyTorch's dynamic int8 kernels exist on the CPU only.
        device="cpu" if arithmetic == "int8 linear" else setting.device,
        backend="torch" if only_torch and not compiles else setting.backend,
        batch=setting.batch,
    )


def _half(
    base: nn.Module, compression: HalfCompute, setting: Setting, compressed: nn.Module | None
) -> Measurable:
    if setting.backend in ("auto", "openvino") and check_device(setting.device).type == "cpu":
        try:
            # OpenVINO takes the 32-bit network and computes in 16 bits by itself.
            return make_predictor(
                base,
                classes=setting.classes,
                input_shape=setting.input_shape,
                arithmetic=compression.format,
                backend="openvino",
                batch=setting.batch,
            )
        except ApproximationError as error:
            if setting.backend == "openvino":
                raise
            logger.warning("%s; PyTorch runs it instead", error)
    module = compress(base, compression) if compressed is None else compressed
    return _predictor(module, setting, compression.format, only_torch=True)
