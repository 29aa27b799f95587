"""A small network that takes noise out of images: what stands in front of a classifier.

A U-Net (Ronneberger et al. 2015) that estimates the noise, which is then taken away from the image
(residual learning, as in DnCNN of Zhang et al. 2017). Squares of 2x2 pixels become channels first,
so that all layers work at half the height and width or below: for 3x32x32 images the default
size takes 24 million multiplications, fewer than a ResNet-20.
"""

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from irs_core.errors import CheckpointError, SpecError

ARCH = "denoiser"
# Stages beyond the first one have at most so many times its channels.
_WIDEST = 2


@dataclass(frozen=True)
class DenoiserShape:
    """The size of a denoiser.

    Args:
        channels: Of the images, 1 or 3.
        width: Channels of the first stage, at half the height and width; the others have twice
            as many. 32 gives 345,900 parameters with 3 channels and 3 levels.
        levels: Stages, each at half the height and width of the one before; images must be
            divisible by 2 to the power of `levels`.
    """

    channels: int = 3
    width: int = 32
    levels: int = 3

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise SpecError(f"images have 1 or 3 channels; got {self.channels}")
        if not 4 <= self.width <= 512 or not 1 <= self.levels <= 5:
            raise SpecError(
                f"need a width in [4, 512] and levels in [1, 5]; got {self.width}, {self.levels}"
            )

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each stage."""
        return tuple(self.width * min(_WIDEST, 1 + level) for level in range(self.levels))

    def check_image(self, shape: tuple[int, int, int]) -> None:
        """Refuse images that do not fit.

        Args:
            shape: (C, H, W).

        Raises:
            SpecError: They have other channels, or sides that cannot be halved so often.
        """
        step = 2**self.levels
        if shape[0] != self.channels:
            raise SpecError(
                f"the denoiser takes images of {self.channels} channels; got {shape[0]}"
            )
        if shape[1] % step or shape[2] % step:
            raise SpecError(
                f"a denoiser of {self.levels} levels takes images whose sides are multiples of "
                f"{step}; got {shape[1]}x{shape[2]}: resize them, or train one of fewer levels"
            )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions whose sum with the input is the output; no batch normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape."""
        return functional.relu(features + self.conv2(functional.relu(self.conv1(features))))


class Denoiser(nn.Module):
    """Images with less noise, of noisy images; see the module.

    Args:
        shape: Its size.
    """

    def __init__(self, shape: DenoiserShape) -> None:
        super().__init__()
        self.shape = shape
        first, *_ = widths = shape.widths
        pixels = 4 * shape.channels
        self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        self.stem = nn.Conv2d(pixels, first, 3, padding=1)
        self.encoders = nn.ModuleList(ResidualBlock(width) for width in widths)
        pairs = list(itertools.pairwise(widths))
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.ups = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in pairs)
        self.decoders = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.head = nn.Conv2d(first, pixels, 3, padding=1)
        # At first it takes nothing away.
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W), not clipped, of noisy ones of that shape."""
        features = self.encoders[0](functional.relu(self.stem(self.fold(images))))
        kept = [features]
        for down, encoder in zip(self.downs, self.encoders[1:], strict=True):
            features = encoder(functional.relu(down(features)))
            kept.append(features)
        kept.pop()
        for up, decoder in zip(reversed(self.ups), reversed(self.decoders), strict=True):
            features = decoder(kept.pop() + self.unfold(up(features)))
        return images - torch.as_tensor(self.unfold(self.head(features)))


def new_denoiser(shape: DenoiserShape, *, seed: int = 0) -> Denoiser:
    """A denoiser with random weights that depend on `seed` alone; it takes no noise away yet.

    The state of the global random generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Denoiser(shape)


def denoiser_bytes(
    network: Denoiser, *, sigma: tuple[float, ...] = (), dtype: torch.dtype = torch.float16
) -> bytes:
    """A safetensors file: weights, and in its metadata the size and the noise.

    Args:
        sigma: Noise that it was trained under, pixel units.
        dtype: What the weights are stored in; the network computes in 32 bits.
    """
    state = {
        name: value.detach().to("cpu", dtype).contiguous()
        for name, value in network.state_dict().items()
    }
    metadata = {"arch": ARCH, "sigma": list(sigma), **asdict(network.shape)}
    return save(state, {key: json.dumps(value) for key, value in metadata.items()})


def denoiser_of(state: Mapping[str, Tensor], metadata: Mapping[str, Any], name: str) -> Denoiser:
    """The denoiser of a file's weights, in evaluation mode.

    Args:
        metadata: As `denoiser_bytes` writes it.
        name: Of the file, for messages.

    Raises:
        CheckpointError: The file holds none, or weights that do not fit or are not finite.
    """
    if metadata.get("arch") != ARCH:
        raise CheckpointError(
            f"{name} holds no denoiser of the command denoiser train (it says "
            f"{metadata.get('arch')!r}); give one of those, or an ONNX file"
        )
    try:
        sizes = {key: int(metadata[key]) for key in ("channels", "width", "levels")}
        # Memory is that of the file's own tensors, whatever size it claims to be of.
        with torch.device("meta"):
            network = Denoiser(DenoiserShape(**sizes))
        network.load_state_dict({key: one.float() for key, one in state.items()}, assign=True)
    except (SpecError, KeyError, TypeError, ValueError, RuntimeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise CheckpointError(f"the denoiser in {name} does not fit its size: {first}") from None
    if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
        raise CheckpointError(f"weights must be finite; {name} has others")
    return network.eval()
