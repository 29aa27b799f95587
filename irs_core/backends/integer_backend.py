"""Runs integer networks: whatever kernels carry the integers, the answers are the same."""

import logging
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from irs_core.backends.base import Measurable, Opaque
from irs_core.backends.choose import openvino_missing
from irs_core.backends.device import check_device
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
        """Build the fastest kernels and compare them with the reference on extremes.

        Raises:
            ApproximationError: Kernels do not give the reference's scores.
        """
        self._scale = network.scale
        carrier = Carrier(network)
        self._run = _kernels(carrier, device, backend, batch)
        self.batch = self._run.batch
        self.kernels = self._run.execution
        _check(carrier, self._run)

    def __call__(self, inputs: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.int64]:
        """Class ids of noisy inputs: int16 grid steps, or float32 pixels in units of [0, 1]."""
        return self._run(self._steps(inputs))

    def scores(self, inputs: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.float32]:
        """Scores of the same inputs; see `Measurable`."""
        return self._run.scores(self._steps(inputs))

    def with_batch(self, batch: int) -> Self:
        """The same kernels at another batch size; see `Measurable`."""
        made = super().with_batch(batch)
        made._run = self._run.with_batch(batch)
        return made

    def _steps(self, inputs: NDArray[np.float32] | NDArray[np.int16]) -> NDArray[np.float32]:
        if inputs.dtype == np.float32:
            inputs = np.rint(inputs * np.float32(self._scale))
        return inputs.astype(np.float32, copy=False)


def extreme_images(network: IntegerNetwork) -> NDArray[np.int16]:
    """Images that drive sums to their ends: all black, all white, far below and above, noise."""
    low, high = np.iinfo(np.int16).min, np.iinfo(np.int16).max
    flat = [np.full(network.input_shape, v) for v in (0, network.scale, low, high)]
    generator = np.random.default_rng(0)
    ends = generator.choice([low, high], network.input_shape)
    noise = generator.integers(-2 * network.scale, 3 * network.scale, network.input_shape)
    return np.stack([*flat, ends, noise]).astype(np.int16)


def _kernels(carrier: Carrier, device: str, backend: BackendName, batch: int | None) -> Measurable:
    network = carrier.network
    on_cpu = check_device(device).type == "cpu"
    if backend == "auto" and on_cpu and not carrier.wide:
        try:
            return OrtIntegers(network, batch=batch)
        except ApproximationError as error:
            logger.info("no integer kernels: %s", error)
    # OpenVINO turns 64-bit floats into 32-bit ones without a word.
    if backend in ("auto", "openvino") and on_cpu and not carrier.wide:
        missing = openvino_missing()
        if missing is None:
            from irs_core.backends import openvino_backend as vino

            try:
                return vino.OpenVinoPredictor(
                    vino.convert(carrier, network.input_shape),
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


def _check(carrier: Carrier, run: Measurable) -> None:
    images = extreme_images(carrier.network)
    expected = reference_scores(carrier.network, images)
    with torch.inference_mode():
        carried = carrier(torch.from_numpy(images.astype(np.float32))).numpy()
    answers = run(images.astype(np.float32))
    if isinstance(run, OrtIntegers):
        carried = run.scores(images.astype(np.float32))
    if not np.array_equal(carried, expected) or not np.array_equal(answers, expected.argmax(1)):
        raise ApproximationError(
            f"the kernels of {run.execution} do not give the integer network's scores on this "
            "machine, so they cannot stand in for it"
        )
