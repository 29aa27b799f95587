"""Runs integer networks: whatever kernels carry the integers, the answers are the same."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from irs_core.backends.base import Measurable, Opaque
from irs_core.backends.choose import openvino_missing
from irs_core.backends.device import check_device
from irs_core.backends.integer_openvino import openvino_integers
from irs_core.backends.integer_ort import OrtIntegers
from irs_core.backends.torch_backend import TorchPredictor
from irs_core.errors import ApproximationError
from irs_core.integer import IntegerNetwork
from irs_core.integer.carrier import Carrier
from irs_core.integer.reference import reference_scores
from irs_core.spec.study import BackendName

logger = logging.getLogger(__name__)

# Not named after the kernels: predictions are those of the reference on all of them.
EXECUTION = "integer int8"
# Random images of each comparison with the reference, beside the extremes.
_NOISY = 12
# On CUDA kernels are chosen by batch, so the scores of whole batches are compared.
_NOISY_ON_CUDA = 256


class IntegerPredictor(Opaque):
    """An integer network ready to run on whole grid steps.

    Its kernels are compared with the reference when they are made, instead of with a second
    backend; whole numbers are never NaN.

    Attributes:
        takes_steps: Under integer noise it is given integers (int16), never floats. Under
            Gaussian noise it rounds the float pixels to the grid first, and certifies the
            classifier behind that rounding.
        kernels: What carries the integers, e.g. `openvino cpu fp32`.
    """

    takes_steps = True
    execution = EXECUTION

    def __init__(
        self,
        network: IntegerNetwork,
        *,
        device: str = "auto",
        backend: BackendName = "auto",
        batch: int | None = None,
    ) -> None:
        """Build the fastest kernels that give the reference's scores on noise and extremes.

        Raises:
            ApproximationError: No kernels here do.
        """
        self._scale = network.scale
        on_cuda = check_device(device).type == "cuda"
        self._known = _known_scores(network, _NOISY_ON_CUDA if on_cuda else _NOISY)
        self._run = _kernels(Carrier(network), device, backend, batch, self._known)
        self.device = getattr(self._run, "device", "cpu")
        self.batch = self._run.batch
        self.kernels = self._run.execution

    def __call__(self, inputs: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.int64]:
        """Class ids of noisy inputs: int16 grid steps, or float32 pixels in units of [0, 1]."""
        return self._run(self._steps(inputs))

    def scores(self, inputs: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.float32]:
        """Scores of the same inputs; see `Measurable`."""
        return self._run.scores(self._steps(inputs))

    def with_batch(self, batch: int) -> Self:
        """The same kernels at another batch size, compared anew; see `Measurable`."""
        made = super().with_batch(batch)
        made._run = self._known.checked(self._run.with_batch(batch))
        return made

    def _steps(self, inputs: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.float32]:
        if inputs.dtype == np.float32:
            inputs = np.rint(inputs * np.float32(self._scale))
        return inputs.astype(np.float32, copy=False)


def extreme_images(network: IntegerNetwork) -> NDArray[np.int16]:
    """Images that drive sums to their ends, in whole grid steps.

    All black, all white, far below and above, the two checkerboards, random ends, wide noise.
    """
    low, high = np.iinfo(np.int16).min, np.iinfo(np.int16).max
    flat = [np.full(network.input_shape, v) for v in (0, network.scale, low, high)]
    board = np.indices(network.input_shape).sum(axis=0) % 2 * network.scale
    generator = np.random.default_rng(0)
    ends = generator.choice([low, high], network.input_shape)
    noise = generator.integers(-2 * network.scale, 3 * network.scale, network.input_shape)
    return np.stack([*flat, board, network.scale - board, ends, noise]).astype(np.int16)


@dataclass(frozen=True)
class _Known:
    """Images in whole grid steps, with their scores by the reference."""

    images: NDArray[np.float32]
    scores: NDArray[np.int64]

    def checked(self, run: Measurable) -> Measurable:
        """The kernels, if they give all scores and classes.

        Raises:
            ApproximationError: Some score or class differs.
        """
        # Scores beyond 2^24, of which 32-bit floats hold the first digits, are compared so.
        differ = (run.scores(self.images) != self.scores.astype(np.float32)).any(axis=1)
        other = int((differ | (run(self.images) != self.scores.argmax(axis=1))).sum())
        if other:
            raise _OtherScoresError(
                f"the kernels of {run.execution} do not give the integer network's scores on this "
                f"machine ({other} of {len(self.images)} images differ), so they cannot stand in "
                "for it"
            )
        return run


class _OtherScoresError(ApproximationError):
    """Kernels that run and do not give the reference's scores."""


def _known_scores(network: IntegerNetwork, noisy: int = _NOISY) -> _Known:
    generator = np.random.default_rng(0)
    plain = generator.integers(0, network.scale, (noisy, *network.input_shape), endpoint=True)
    # From little noise to as much as there is signal.
    widths = np.linspace(0, network.scale, noisy).reshape(-1, 1, 1, 1)
    noise = np.rint(widths * generator.standard_normal(plain.shape))
    images = np.concatenate([extreme_images(network), (plain + noise).astype(np.int16)])
    return _Known(images.astype(np.float32), reference_scores(network, images))


def _kernels(
    carrier: Carrier, device: str, backend: BackendName, batch: int | None, known: _Known
) -> Measurable:
    """The first kernels that give the known scores, the fastest first."""
    on_cpu = check_device(device).type == "cpu"
    # Their sums, and what joins them in 32-bit floats, are exact up to 2^24.
    if on_cpu and not carrier.wide:
        for make in _eight_bit(carrier.network, backend, batch):
            try:
                return known.checked(make())
            except _OtherScoresError as error:
                logger.warning("%s; other kernels run it instead", error)
            except ApproximationError as error:
                logger.info("no 8-bit kernels: %s", error)
    return known.checked(_float_kernels(carrier, device, backend, batch))


def _eight_bit(
    network: IntegerNetwork, backend: BackendName, batch: int | None
) -> Iterator[Callable[[], Measurable]]:
    if backend in ("auto", "openvino"):
        yield lambda: openvino_integers(network, batch=batch)
    if backend in ("auto", "onnxruntime"):
        yield lambda: OrtIntegers(network, batch=batch)


def _float_kernels(
    carrier: Carrier, device: str, backend: BackendName, batch: int | None
) -> Measurable:
    network = carrier.network
    on_cpu = check_device(device).type == "cpu"
    # OpenVINO turns 64-bit floats into 32-bit ones without a word.
    if backend in ("auto", "openvino") and on_cpu and not carrier.wide:
        missing = openvino_missing()
        if missing is None:
            from irs_core.backends.openvino_backend import convert
            from irs_core.backends.openvino_predictor import OpenVinoPredictor

            try:
                return OpenVinoPredictor(
                    convert(carrier, network.input_shape),
                    classes=network.classes,
                    input_shape=network.input_shape,
                    batch=batch,
                )
            except ApproximationError as error:
                missing = str(error)
        logger.info("PyTorch carries the integer network: %s", missing)
    return TorchPredictor(
        carrier,
        classes=network.classes,
        input_shape=network.input_shape,
        device=device,
        compiled=backend == "torch-compiled",
        batch=batch,
    )
