"""Per-channel normalisation as a layer of the network, so that noise comes before it."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Of each channel, a mean or a standard deviation; None for none.
Numbers = tuple[float, ...] | None


class NormalizeLayer(nn.Module):
    """Maps [0, 1] images to (image - mean) / std, per channel.

    It is the first layer of the classifier, so radii are in pixel units (Cohen et al. 2019,
    App. on experimental details). Its two buffers are no part of the state dict.

    Args:
        mean, std: One number per channel; every `std` positive.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        shape = (1, -1, 1, 1)
        self.register_buffer("mean", torch.tensor(list(mean)).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(list(std)).view(shape), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images, shape (B, C, H, W)."""
        return (images - self.mean) / self.std
