"""How long layers take in a compiled network, as they are and treated: what a treatment saves."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from torch import nn

from irs_core.approx.int8_static import quantise, weighted_operations
from irs_core.approx.layers import weighted_layers
from irs_core.approx.mixed import int8_layers, made_of, reshaped, reshaped_names
from irs_core.backends.openvino_backend import convert
from irs_core.backends.openvino_predictor import WEIGHTED, core
from irs_core.backends.reasons import reason
from irs_core.errors import ApproximationError
from irs_core.spec.mixed import Treatment, mixed
from irs_core.tune.changes import Change

# Precisions that the runtime executes here as they are named; others are emulated in 32 bits.
EXECUTED = ("fp32", "int8")
# Passes of every network, in turn; the first ones warm the caches.
_WARM, _PASSES = 20, 300
# What the runtime adds to the name of a linear layer that it computes in int8.
_IN_INT8 = "/DequantizationMultiply"
Seconds = dict[str, float]


def saved_seconds(
    module: nn.Module, changes: Sequence[Change], images: NDArray[np.float32], classes: int
) -> list[float | None]:
    """Seconds that each change saves of the kernels of its layers, for one image alone.

    The network is compiled by OpenVINO as it is, and once per treatment with all layers treated
    that some change names, since a layer whose neighbours are treated alike has no conversions
    between. What a layer takes is its kernel's time; what the whole network gains has other parts.

    Args:
        images: Noisy images (M, channels, height, width), M at least 4, that set ranges of int8.

    Returns:
        Per change; None where the runtime does not execute the treatment, or does not say which
        kernel is the layer's. Below 0: it is slower.

    Raises:
        ApproximationError: OpenVINO cannot run a network.
    """
    shape = images.shape[1:]
    itself = {name: [name] for name in weighted_layers(module)}
    networks = {"": _converted(module, shape, itself)}
    for treatment in {str(one.treatment): one.treatment for one in changes}.values():
        if treatment.precision in EXECUTED:
            own = [one for one in changes if one.treatment == treatment]
            layers = {name for change in own for name in change.layers}
            networks[str(treatment)] = _treated(module, treatment, layers, images, classes)
    for _ in range(_WARM + _PASSES):
        for network in networks.values():
            network.run()
    seconds = {name: network.seconds() for name, network in networks.items()}
    return [_saved(one, seconds[""], seconds.get(str(one.treatment))) for one in changes]


def _saved(change: Change, plain: Seconds, treated: Seconds | None) -> float | None:
    if treated is None:
        return None
    touched = dict.fromkeys(change.layers)
    if change.treatment.channels is not None:
        # The reader of removed channels has fewer inputs.
        touched |= {f"{name.rpartition('.')[0]}.conv2": None for name in change.layers}
    if not all(name in plain and name in treated for name in touched):
        return None
    return sum(plain[name] - treated[name] for name in touched)


def _treated(
    module: nn.Module,
    treatment: Treatment,
    layers: set[str],
    images: NDArray[np.float32],
    classes: int,
) -> "_Network":
    config = mixed(Treatment(), dict.fromkeys(sorted(layers), treatment))
    shaped, shape = reshaped(copy.deepcopy(module), config), images.shape[1:]
    names = reshaped_names(module, config)
    made = {name: made_of(names, name) for name in weighted_layers(module)}
    only = frozenset(int8_layers(module, config))
    if not only:
        return _converted(shaped, shape, made)
    found = quantise(
        shaped, classes=classes, input_shape=shape, calibration=images, only=only.__contains__
    )
    return _Network(found.model, found.operations, shape, made)


def _converted(
    module: nn.Module, shape: tuple[int, int, int], made: Mapping[str, Sequence[str]]
) -> "_Network":
    model = convert(module, shape)
    return _Network(model, weighted_operations(model, module), shape, made)


class _Network:
    """A compiled network that says how long its kernels take.

    Args:
        operations: The module's name for each convolution and linear layer of the model.
        made: The layers of the module that each layer of the original became.
    """

    def __init__(
        self,
        model: ov.Model,
        operations: Mapping[str, str],
        shape: tuple[int, int, int],
        made: Mapping[str, Sequence[str]],
    ) -> None:
        model = model.clone()
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "PERF_COUNT": True,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            model.reshape([1, *shape])
            compiled = core().compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise ApproximationError(
                f"OpenVINO cannot compile the model: {reason(error)}"
            ) from error
        self._layers = _kernels(compiled, operations)
        self._request, self._made = compiled.create_infer_request(), made
        self._image = np.zeros((1, *shape), np.float32)
        self._passes: list[Seconds] = []

    def run(self) -> None:
        """One pass over one image."""
        self._request.infer([self._image])
        info = self._request.profiling_info
        self._passes.append({one.node_name: one.real_time.total_seconds() for one in info})

    def seconds(self) -> Seconds:
        """Of each layer of the original: the least that its kernels took, added up.

        Layers of which a kernel is not known are left out.
        """
        least: Seconds = {}
        for kernel, name in self._layers.items():
            took = min(one.get(kernel, 0.0) for one in self._passes[_WARM:])
            least[name] = least.get(name, 0.0) + took
        return {
            layer: sum(least[one] for one in parts)
            for layer, parts in self._made.items()
            if all(one in least for one in parts)
        }


def _kernels(compiled: ov.CompiledModel, modules: Mapping[str, str]) -> dict[str, str]:
    """The module's name for each kernel that a layer was compiled to."""
    found, nameless = {}, []
    for node in compiled.get_runtime_model().get_ordered_ops():
        info = node.get_rt_info()
        parts = info["originalLayersNames"].astype(str).split(",")
        own = [one for one in (part.removesuffix(_IN_INT8) for part in parts) if one in modules]
        if own:
            found[node.get_friendly_name()] = modules[own[0]]
        elif info["layerType"].astype(str) in WEIGHTED:
            nameless.append(node.get_friendly_name())
    # A linear layer joined with its bias is called after what follows it; both are in order.
    missing = [one for one in modules.values() if one not in found.values()]
    if len(missing) == len(nameless):
        found |= dict(zip(nameless, missing, strict=True))
    return found
