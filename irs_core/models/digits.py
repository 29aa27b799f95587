"""A small residual network for 8x8 greyscale digits."""

from irs_core.models.resnet import ResidualNet


def digits_resnet(num_classes: int, in_channels: int = 1) -> ResidualNet:
    """About 20,000 parameters: one block of 16 channels at 8x8, one of 32 at 4x4.

    Inputs are [0, 1] images without normalisation; the first batch normalisation scales them.
    """
    return ResidualNet(num_classes, in_channels, widths=(16, 32), blocks=1)
