"""Where training runs."""

import torch

from irs_core.backends.device import forbid_tf32
from irs_core.errors import ApproximationError
from irs_core.train.spec import Device


def training_device(device: Device) -> torch.device:
    """The device, set up so that a run which resumes gives the same bits.

    Raises:
        ApproximationError: It is not there.
    """
    if device == "cuda":
        if not torch.cuda.is_available():
            raise ApproximationError("device cuda needs a GPU that PyTorch can use; found none")
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
        # 32 bits are 32 bits.
        forbid_tf32()
    return torch.device(device)
