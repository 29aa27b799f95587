"""Networks that take the channels of an image in the order blue, green, red.

Images come as red, green, blue, and so does the noise on them. What reverses the channels belongs
to the network: it permutes the coordinates of image and noise alike, so that every distance, and
with it every radius, stays what it is.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from irs_core.errors import CheckpointError
from irs_core.spec.study import ModelSpec

COLOURS = 3


class ReversedChannels(nn.Module):
    """A network that gets the channels of its images reversed.

    Args:
        network: Takes images (B, 3, H, W) as blue, green, red.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """What the network says of images that are red, green, blue."""
        return torch.as_tensor(self.network(images.flip(1)))


def with_channel_order(network: nn.Module, spec: ModelSpec) -> nn.Module:
    """The network as it takes images of red, green, blue."""
    return ReversedChannels(network) if spec.reversed else network


def reverse_first_layer(network: nn.Module, arch: str) -> None:
    """Make a network that takes blue, green, red one that takes red, green, blue, in place.

    The weights of its only convolution of three channels are put into the other order. The same
    products are summed, in another order.

    Raises:
        CheckpointError: It has no such convolution, or several.
    """
    found = [
        one
        for one in network.modules()
        if isinstance(one, nn.Conv2d) and one.in_channels == COLOURS and one.groups == 1
    ]
    if len(found) != 1:
        raise CheckpointError(
            f"the order of channels is that of three colours in the first layer, and {arch} has "
            f"{len(found)} convolutions of three channels: leave out the order, or export the "
            "network to ONNX"
        )
    weight = found[0].weight
    with torch.no_grad():
        weight.copy_(weight.flip(1))


def refuse_order(spec: ModelSpec, what: str) -> None:
    """Refuse an order of channels for a model that takes images as they are.

    Raises:
        CheckpointError: One is given.
    """
    if spec.reversed:
        raise CheckpointError(
            f"{what} takes images as they are, red, green, blue; reverse the channels inside it, "
            f"and leave out the channel order {spec.channel_order}"
        )


def check_colours(channels: Sequence[int | None], name: str) -> None:
    """Refuse an order for images that have not three channels.

    Raises:
        CheckpointError: They have another number.
    """
    if channels[0] not in (None, COLOURS):
        raise CheckpointError(
            f"{name} takes {channels[0]} channels, and only three have an order: leave out the "
            "channel order"
        )
