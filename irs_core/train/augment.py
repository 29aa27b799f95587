"""Random crops, mirror images and noise on whole batches of 8-bit images."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

# Apart from the keys of order and noise, which have no third number, and from those of measuring
# and calibrating, whose second number of 64 bits counts as two: (0, 1) and (0, 2).
_LAYERS = 3


def seeded_generator(device: torch.device, *key: int) -> torch.Generator:
    """A generator whose stream depends on the key alone."""
    return torch.Generator(device).manual_seed(_seed(*key))


@contextmanager
def own_draws(device: torch.device, *key: int) -> Iterator[None]:
    """Layers that draw for themselves, such as dropout, draw what depends on the key alone.

    They know no generator but the process's, which is as it was afterwards.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(_seed(*key, _LAYERS))
        yield


def _seed(*key: int) -> int:
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return int(state >> np.uint64(1))


def pad_for_crops(pixels: Tensor) -> Tensor:
    """Images (N, C, H, W) with `crop_margin` pixels reflected around them, as NHWC.

    Padding the whole set once makes every random crop a single indexing step.
    """
    margin = crop_margin(*pixels.shape[2:])
    padded = functional.pad(pixels, (margin,) * 4, mode="reflect")
    return padded.permute(0, 2, 3, 1).contiguous()


def crop_margin(height: int, width: int) -> int:
    """Pixels that a crop may be off the centre: an eighth of the shorter side (4 at 32x32).

    0 below 16x16: in tiny images, such as 8x8 digits, every object is centred and one pixel is a
    large shift.
    """
    side = min(height, width)
    return side // 8 if side >= 16 else 0


def random_views(
    padded: Tensor,
    rows: Tensor,
    shape: tuple[int, int],
    scale: int,
    generator: torch.Generator,
    *,
    flip: bool,
) -> Tensor:
    """Random crops of the chosen padded images, mirrored with probability 1/2 if `flip`.

    Args:
        padded: uint8 (N, H + 2 margin, W + 2 margin, C).
        rows: Chosen images, int64 (B,).
        shape: (H, W) of the crops.
        scale: Pixel value that means 1.0.

    Returns:
        float32 (B, C, H, W) in [0, 1], channels last in memory.
    """
    count, device = len(rows), padded.device
    (height, width), (tall, wide) = shape, padded.shape[1:3]
    top = torch.randint(tall - height + 1, (count, 1), generator=generator, device=device)
    left = torch.randint(wide - width + 1, (count, 1), generator=generator, device=device)
    down = top + torch.arange(height, device=device)
    across = left + torch.arange(width, device=device)
    if flip:
        mirrored = torch.rand((count, 1), generator=generator, device=device) < 0.5
        across = torch.where(mirrored, across.flip(1), across)
    views = padded[rows[:, None, None], down[:, :, None], across[:, None, :]]
    return views.permute(0, 3, 1, 2).to(torch.float32).div_(scale)


def add_noise(images: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Images plus independent normal noise, in the same memory format; not clipped."""
    if not sigma:
        return images
    count, channels, height, width = images.shape
    # Filling a contiguous tensor is nine times as fast as filling one in channels-last strides.
    noise = torch.empty((count, height, width, channels), device=images.device)
    noise.normal_(0.0, sigma, generator=generator)
    return images + noise.permute(0, 3, 1, 2)
