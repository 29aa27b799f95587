"""Static int8 by NNCF on the OpenVINO form of a network.

Every convolution and linear layer gets int8 weights (per channel) and int8 activations. Ranges are
set on images under the study's own noise, biases are corrected. Where that changes too many
answers, the layers that cost most are left in 32 bits.
"""

import contextlib
import hashlib
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from irs_core.errors import ApproximationError

logger = logging.getLogger(__name__)

# Share of the calibration images that set the ranges; the rest measure disagreement.
_RANGES = 0.5
_BATCH = 50


@dataclass(frozen=True, eq=False)
class Quantised:
    """A quantised network.

    Args:
        model: The OpenVINO model.
        layers: Names of the layers in int8.
        kept: Names of the layers left in 32 bits, the most costly first.
        disagreement: Share of calibration images, none of which set a range, on which it answers
            differently from the original.
        digest: SHA-256 of its operations and constants.
    """

    model: Any
    layers: tuple[str, ...]
    kept: tuple[str, ...]
    disagreement: float
    digest: str


def quantise(
    module: nn.Module,
    *,
    classes: int,
    input_shape: tuple[int, int, int],
    calibration: NDArray[np.float32],
    max_disagreement: float | None = None,
) -> Quantised:
    """Quantise all convolutions and linear layers, or as many as the limit allows.

    Args:
        calibration: Noisy images (M, channels, height, width), M at least 4; no labels.
        max_disagreement: Limit on the share of changed answers; None for no limit.

    Raises:
        ApproximationError: OpenVINO or NNCF is missing or cannot handle the network, or even the
            network with one int8 layer changes too many answers.
    """
    search = _Search(module, classes, input_shape, calibration)
    if max_disagreement is None:
        return search.quantised(())
    whole = search.quantised(())
    if whole.disagreement <= max_disagreement:
        return whole
    return search.within(max_disagreement)


class _Search:
    """Quantisations of one network that differ in the layers kept in 32 bits."""

    def __init__(
        self,
        module: nn.Module,
        classes: int,
        input_shape: tuple[int, int, int],
        calibration: NDArray[np.float32],
    ) -> None:
        try:
            import nncf

            from irs_core.backends.openvino_backend import convert
        except ImportError as error:
            raise ApproximationError(f"int8 needs openvino and nncf ({error})") from None
        nncf.set_log_level(logging.ERROR)
        self._nncf: Any = nncf
        self._classes, self._shape = classes, input_shape
        cut = int(len(calibration) * _RANGES)
        self._ranges, self._held = calibration[:cut], calibration[cut:]
        # Converted once: the names of its layers differ from conversion to conversion.
        self._original = convert(module, input_shape)
        self._names = _module_names(self._original, module)
        self._layers = tuple(self._names)
        self._answers = self._predict(self._original)

    def quantised(self, keep: Sequence[str], *, final: bool = True) -> Quantised:
        """The network with all layers but `keep` in int8."""
        batches = [
            self._ranges[start : start + _BATCH] for start in range(0, len(self._ranges), _BATCH)
        ]
        nncf = self._nncf
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # its progress bars
                model = nncf.quantize(
                    self._original.clone(),
                    nncf.Dataset(batches),
                    preset=nncf.QuantizationPreset.MIXED,
                    subset_size=len(batches),
                    # The exact correction takes seconds; the search makes do with the fast one.
                    fast_bias_correction=not final,
                    ignored_scope=nncf.IgnoredScope(names=list(keep)) if keep else None,
                )
        except Exception as error:
            raise ApproximationError(f"NNCF cannot quantise the model: {error}") from error
        changed = float(np.mean(self._predict(model) != self._answers))
        done = tuple(self._names[name] for name in self._layers if name not in keep)
        kept = tuple(self._names[name] for name in keep)
        return Quantised(model, done, kept, changed, _digest(model))

    def within(self, limit: float) -> Quantised:
        """The network with the fewest kept layers, taken in order of cost, below the limit."""
        order = sorted(self._layers, key=self._cost, reverse=True)
        low, high = 1, len(order) - 1
        best = self.quantised(order[:high])
        while low < high and best.disagreement <= limit:
            middle = (low + high) // 2
            candidate = self.quantised(order[:middle])
            if candidate.disagreement <= limit:
                best, high = candidate, middle
            else:
                low = middle + 1
        if best.disagreement > limit:
            raise ApproximationError(
                f"even one int8 layer changes {best.disagreement:.2%} of the answers; "
                f"the limit is {limit:.2%}"
            )
        return best

    def _cost(self, layer: str) -> float:
        alone = [name for name in self._layers if name != layer]
        return self.quantised(alone, final=False).disagreement

    def _predict(self, model: Any) -> NDArray[np.int64]:
        from irs_core.backends.openvino_backend import OpenVinoPredictor

        predictor = OpenVinoPredictor(
            model, classes=self._classes, input_shape=self._shape, arithmetic="int8"
        )
        return predictor(self._held)


def _module_names(model: Any, module: nn.Module) -> dict[str, str]:
    """OpenVINO's name of each convolution and linear layer, and the module's name for it.

    Conversion folds batch norms and renames layers, but each output channel's weights stay a
    multiple of the module's.
    """
    weights = {
        name: layer.weight.detach().flatten(1)[0].numpy()
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    found = {}
    for operation in model.get_ordered_ops():
        if operation.get_type_name() in ("Convolution", "GroupConvolution", "MatMul"):
            own = operation.get_friendly_name()
            constant = operation.input(1).get_source_output().get_node()
            row = _first_row(constant) if constant.get_type_name() == "Constant" else None
            found[own] = next((n for n, w in weights.items() if _parallel(row, w)), own)
    return found


def _first_row(constant: Any) -> NDArray[np.float32]:
    data = constant.data
    return np.asarray(data[0], np.float32).ravel()


def _parallel(a: NDArray[np.float32] | None, b: NDArray[np.float32]) -> bool:
    if a is None or a.shape != b.shape:
        return False
    return bool(abs(a @ b) > 0.9999 * np.linalg.norm(a) * np.linalg.norm(b) > 0)


def _digest(model: Any) -> str:
    # Names are left out: they carry counters that differ from process to process.
    found = hashlib.sha256()
    for operation in model.get_ordered_ops():
        found.update(operation.get_type_name().encode())
        if operation.get_type_name() == "Constant":
            found.update(operation.data.tobytes())
    return found.hexdigest()
