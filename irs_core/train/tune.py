"""Quantisation-aware fine-tuning: a trained network learns to be an integer one."""

import numpy as np
import torch
from torch import Tensor, nn

from irs_core.approx.fake import FakeQuantised
from irs_core.data import Dataset
from irs_core.errors import SpecError
from irs_core.integer.carrier import Carrier
from irs_core.models import canonical_name, load_model
from irs_core.spec.study import ModelSpec
from irs_core.train.augment import add_noise, seeded_generator
from irs_core.train.spec import TrainSpec

CALIBRATION_IMAGES = 1000
# Keeps the calibration's noise apart from that of epochs.
_CALIBRATE = 2**33


class OnGrid(nn.Module):
    """An integer network for [0, 1] images, which are rounded to its grid first."""

    def __init__(self, carrier: Carrier) -> None:
        super().__init__()
        self.carrier = carrier

    def forward(self, images: Tensor) -> Tensor:
        """Scores, whole numbers, (B, classes)."""
        return torch.as_tensor(self.carrier(torch.round(images * self.carrier.network.scale)))


def fake_quantised(spec: TrainSpec, data: Dataset, device: torch.device) -> FakeQuantised:
    """The network to fine-tune, its ranges set on noisy training images.

    Raises:
        SpecError: The weights are of another architecture than the run names.
        ApproximationError: The network has no integer form.
    """
    assert spec.qat_from is not None
    base = load_model(ModelSpec(spec.qat_from))
    if base.arch != canonical_name(spec.arch) or base.num_classes != len(data.classes):
        raise SpecError(
            f"{spec.qat_from} holds a {base.arch} of {base.num_classes} classes; the run names "
            f"{spec.arch} and data of {len(data.classes)} classes"
        )
    rows = np.linspace(0, len(data) - 1, min(len(data), CALIBRATION_IMAGES)).astype(np.int64)
    images = torch.from_numpy(data.images(rows))
    generator = seeded_generator(torch.device("cpu"), spec.seed, _CALIBRATE)
    noisy = add_noise(images, spec.sigma, generator).contiguous().numpy()
    made = FakeQuantised(base.module, noisy, scale=data.scale, input_shape=data.input_shape)
    return made.to(device)
