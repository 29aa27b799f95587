"""Static int8 by NNCF on the OpenVINO form of a network.

Every convolution and linear layer gets int8 weights (per channel) and int8 activations. Ranges are
set on images under the study's own noise, biases are corrected. Where that changes too many
answers, the layers that cost most are left in 32 bits.
"""

import contextlib
import hashlib
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from irs_core.approx.joints import joints
from irs_core.errors import ApproximationError

logger = logging.getLogger(__name__)

# Shares of the calibration images that set the ranges and that choose the layers to keep; the
# rest, which no choice has seen, measures the disagreement that is reported.
_RANGES, _CHOICE = 0.5, 0.25
_BATCH = 50


@dataclass(frozen=True, eq=False)
class Quantised:
    """A quantised network.

    Args:
        model: The OpenVINO model.
        layers: Names of the layers in int8.
        kept: Names of the layers left in 32 bits, the most costly first.
        disagreement: Share of noisy calibration images, used for no choice, on which it answers
            differently from the original.
        digest: SHA-256 of its operations and constants.
        operations: The module's name for each convolution and linear layer of `model`.
    """

    model: Any
    layers: tuple[str, ...]
    kept: tuple[str, ...]
    disagreement: float
    digest: str
    operations: Mapping[str, str]


def quantise(
    module: nn.Module,
    *,
    classes: int,
    input_shape: tuple[int, int, int],
    calibration: NDArray[np.float32],
    max_disagreement: float | None = None,
    only: Callable[[str], bool] = lambda _: True,
) -> Quantised:
    """Quantise all convolutions and linear layers, those named, or as many as the limit allows.

    Args:
        calibration: Noisy images (M, channels, height, width), M at least 4; no labels.
            Their order matters: the first half sets ranges, the next quarter chooses layers.
        max_disagreement: Limit on the share of changed answers, judged on the second part; None
            for no limit.
        only: Says by its name whether a layer may be quantised.

    Raises:
        ApproximationError: OpenVINO or NNCF is missing or cannot handle the network, or even the
            network with one int8 layer changes too many answers.
    """
    search = _Search(module, classes, input_shape, calibration, only)
    keep = () if max_disagreement is None else search.keep_within(max_disagreement)
    return search.report(search.quantised(keep), keep)


class _Search:
    """Quantisations of one network that differ in the layers kept in 32 bits."""

    def __init__(
        self,
        module: nn.Module,
        classes: int,
        input_shape: tuple[int, int, int],
        calibration: NDArray[np.float32],
        only: Callable[[str], bool],
    ) -> None:
        try:
            import nncf

            from irs_core.backends.openvino_backend import convert
        except ImportError as error:
            raise ApproximationError(f"int8 needs openvino and nncf ({error})") from None
        nncf.set_log_level(logging.ERROR)
        self._nncf: Any = nncf
        self._classes, self._shape = classes, input_shape
        cuts = int(len(calibration) * _RANGES), int(len(calibration) * (_RANGES + _CHOICE))
        self._ranges, self._choice, self._rest = np.split(calibration, cuts)
        # Converted once: the names of its layers differ from conversion to conversion.
        self._original = convert(module, input_shape)
        self._names = weighted_operations(self._original, module)
        self._layers = tuple(own for own, name in self._names.items() if only(name))
        # Left in 32 bits whatever is asked for.
        self._fixed = tuple(own for own in self._names if own not in self._layers)
        self._joints = joints(self._original, self._names)
        if not self._layers:
            raise ApproximationError("the part named has no convolution or linear layer")
        self._answers = self._predict(self._original, self._choice)

    def quantised(self, keep: Sequence[str], *, final: bool = True) -> Any:
        """The OpenVINO model with all layers but `keep` in int8."""
        batches = [
            self._ranges[start : start + _BATCH] for start in range(0, len(self._ranges), _BATCH)
        ]
        nncf, left = self._nncf, [*self._fixed, *keep]
        # NNCF would round what these add up or average for the sake of neighbours in 32 bits.
        left += [name for name, beside in self._joints.items() if not beside.isdisjoint(left)]
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # its progress bars
                model = nncf.quantize(
                    self._original.clone(),
                    nncf.Dataset(batches),
                    preset=nncf.QuantizationPreset.MIXED,
                    subset_size=len(batches),
                    # The exact correction takes seconds; the search makes do with the fast one.
                    fast_bias_correction=not final,
                    ignored_scope=nncf.IgnoredScope(names=left) if left else None,
                )
        except Exception as error:
            raise ApproximationError(f"NNCF cannot quantise the model: {error}") from error
        return model

    def report(self, model: Any, keep: Sequence[str]) -> Quantised:
        """What came of quantising all layers but `keep`."""
        changed = self._predict(model, self._rest) != self._predict(self._original, self._rest)
        return Quantised(
            model,
            layers=tuple(self._names[name] for name in self._layers if name not in keep),
            kept=tuple(self._names[name] for name in keep),
            disagreement=float(np.mean(changed)),
            digest=_digest(model),
            operations=self._names,
        )

    def keep_within(self, limit: float) -> tuple[str, ...]:
        """Layers to keep so that at most `limit` of the answers change.

        Layers are ranked by what each costs alone; bisection finds how many of the ranking to
        keep, taking the cost of the whole to fall with each layer kept.
        """
        if self._changed(()) <= limit:
            return ()
        ranking = sorted(self._layers, key=self._cost, reverse=True)
        low, high = 1, len(ranking) - 1
        least = self._changed(ranking[:high])
        if least > limit:
            raise ApproximationError(
                f"even one int8 layer changes {least:.2%} of the answers; the limit is {limit:.2%}"
            )
        while low < high:
            middle = (low + high) // 2
            if self._changed(ranking[:middle]) <= limit:
                high = middle
            else:
                low = middle + 1
        return tuple(ranking[:high])

    def _cost(self, layer: str) -> float:
        return self._changed([name for name in self._layers if name != layer], final=False)

    def _changed(self, keep: Sequence[str], *, final: bool = True) -> float:
        answers = self._predict(self.quantised(keep, final=final), self._choice)
        return float(np.mean(answers != self._answers))

    def _predict(self, model: Any, images: NDArray[np.float32]) -> NDArray[np.int64]:
        from irs_core.backends.openvino_predictor import OpenVinoPredictor

        predictor = OpenVinoPredictor(
            model, classes=self._classes, input_shape=self._shape, arithmetic="int8"
        )
        return predictor(images)


def weighted_operations(model: Any, module: nn.Module) -> dict[str, str]:
    """OpenVINO's name of each convolution and linear layer, and the module's name for it.

    Conversion folds batch norms and renames layers, but each output channel's weights stay a
    multiple of the module's.
    """
    weights = {
        name: layer.weight.detach().flatten(1).numpy()
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    found: dict[str, str] = {}
    for operation in model.get_ordered_ops():
        if operation.get_type_name() in ("Convolution", "GroupConvolution", "MatMul"):
            own = operation.get_friendly_name()
            constant = operation.input(1).get_source_output().get_node()
            # A product of two activations, as in attention, has no weights to quantise.
            if constant.get_type_name() == "Constant":
                rows = np.asarray(constant.data, np.float32)
                found[own] = same_layer(rows.reshape(len(rows), -1), weights) or own
    return found


def same_layer(rows: NDArray[np.float32], weights: Mapping[str, NDArray[np.float32]]) -> str | None:
    """The layer of which each output's weights are a multiple of `rows`, (outputs, inputs).

    Compared is the output of largest weight, so that outputs pruned to zero do not mislead.
    """
    at = int(np.linalg.norm(rows, axis=1).argmax())
    for name, own in weights.items():
        if own.shape == rows.shape and _parallel(rows[at], own[at]):
            return name
    return None


def _parallel(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return bool(abs(a @ b) > 0.9999 * np.linalg.norm(a) * np.linalg.norm(b) > 0)


def _digest(model: Any) -> str:
    # Names are left out: they carry counters that differ from process to process.
    found = hashlib.sha256()
    for operation in model.get_ordered_ops():
        found.update(operation.get_type_name().encode())
        if operation.get_type_name() == "Constant":
            found.update(operation.data.tobytes())
    return found.hexdigest()
