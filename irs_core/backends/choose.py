"""Which backend runs a classifier."""

import logging

from torch import nn

from irs_core.backends.base import Arithmetic, Measurable
from irs_core.backends.device import check_device
from irs_core.backends.graph_files import graph_predictor
from irs_core.backends.litert import LitePredictor
from irs_core.backends.served import ServedPredictor
from irs_core.backends.torch_backend import TorchPredictor, compile_fails
from irs_core.errors import ApproximationError, SpecError
from irs_core.models.graph import GraphModule
from irs_core.models.lite import LiteModule
from irs_core.models.objects import CallableModule
from irs_core.models.served import ServedModule
from irs_core.spec.study import BACKENDS, BackendName

logger = logging.getLogger(__name__)


def openvino_missing() -> str | None:
    """Why OpenVINO cannot be used here, or None."""
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        return str(error)
    return None


def make_predictor(
    module: nn.Module,
    *,
    classes: int,
    input_shape: tuple[int, int, int],
    arithmetic: Arithmetic = "fp32",
    device: str = "auto",
    backend: BackendName = "auto",
    batch: int | None = None,
) -> Measurable:
    """A predictor on the backend asked for, or on the fastest that can run the module.

    Graph files run on the CPU, by OpenVINO unless `onnxruntime` is asked for; that backend runs
    graph files only, and PyTorch modules go where `auto` puts them.

    `auto` takes OpenVINO on a CPU and PyTorch elsewhere, and falls back to PyTorch, with one
    warning that names the reason, where OpenVINO cannot run the module. So does `torch-compiled`
    to eager PyTorch where nothing can be compiled; the predictor's execution says what it is.

    Args:
        module: For `bf16` on OpenVINO the 32-bit network, which OpenVINO itself runs in bf16.

    Raises:
        SpecError: The backend or the device is unknown or absent.
        ApproximationError: The backend asked for by name cannot run the module.
    """
    if backend not in BACKENDS:
        raise SpecError(f"backend must be one of {', '.join(BACKENDS)}; got {backend!r}")
    if isinstance(module, GraphModule):
        return graph_predictor(
            module,
            classes=classes,
            input_shape=input_shape,
            backend=backend,
            batch=batch,
            arithmetic=None if arithmetic == "fp32" else arithmetic,
        )
    if isinstance(module, LiteModule):
        return LitePredictor(module, classes=classes, input_shape=input_shape, batch=batch)
    if isinstance(module, ServedModule):
        return ServedPredictor(module, classes=classes, input_shape=input_shape, batch=batch)
    if backend == "onnxruntime":
        backend = "auto"
    if isinstance(module, CallableModule):
        # No converter sees what is inside.
        backend = "torch"
    on_cpu = check_device(device).type == "cpu"
    if backend == "openvino" or (backend == "auto" and on_cpu and openvino_missing() is None):
        try:
            return _openvino(module, classes, input_shape, arithmetic, batch)
        except ApproximationError as error:
            if backend == "openvino":
                raise
            logger.warning("%s; PyTorch runs it instead", error)
    compiled = backend == "torch-compiled"
    if compiled and (reason := compile_fails(check_device(device).type)) is not None:
        logger.warning("torch.compile does not work here (%s); eager PyTorch runs it", reason)
        compiled = False
    return TorchPredictor(
        module,
        classes=classes,
        input_shape=input_shape,
        device=device,
        arithmetic=arithmetic,
        compiled=compiled,
        batch=batch,
    )


def _openvino(
    module: nn.Module,
    classes: int,
    input_shape: tuple[int, int, int],
    arithmetic: Arithmetic,
    batch: int | None,
) -> Measurable:
    reason = openvino_missing()
    if reason is not None:
        raise ApproximationError(f"OpenVINO is not installed ({reason})")
    # Imported late: everything works without it.
    from irs_core.backends import openvino_backend
    from irs_core.backends.openvino_predictor import OpenVinoPredictor, check_arithmetic

    check_arithmetic(arithmetic)
    predictor = OpenVinoPredictor(
        openvino_backend.convert(module, input_shape),
        classes=classes,
        input_shape=input_shape,
        arithmetic=arithmetic,
        batch=batch,
        other=lambda: TorchPredictor(
            module, classes=classes, input_shape=input_shape, device="cpu", batch=batch
        ),
    )
    openvino_backend.check_agreement(predictor, module, input_shape)
    return predictor
