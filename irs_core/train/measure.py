"""Accuracy of a network on a dataset, with and without noise."""

import numpy as np
import torch
from torch import nn

from irs_core.data import Dataset
from irs_core.train.augment import add_noise, seeded_generator

BATCH = 500
# Keeps the stream of measuring apart from those of training, which use the epoch instead.
_MEASURE = 2**32


def noisy_accuracy(
    module: nn.Module,
    data: Dataset,
    *,
    sigma: float,
    draws: int = 1,
    seed: int = 0,
    device: torch.device | None = None,
) -> float:
    """Share of single noisy images predicted right, averaged over `draws` draws of each image.

    This is the accuracy of the base classifier under noise, not of the smoothed classifier.

    Args:
        module: Takes [0, 1] images, gives scores; its training mode is left as it was.
        sigma: Standard deviation of the noise, pixel units; 0 measures clean accuracy.
        seed: Determines the noise.
    """
    device = device or torch.device("cpu")
    generator = seeded_generator(device, seed, _MEASURE)
    was_training = module.training
    module.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(data), BATCH):
            images = torch.from_numpy(data.images(slice(start, start + BATCH))).to(device)
            labels = torch.from_numpy(np.array(data.labels[start : start + BATCH])).to(device)
            images = images.to(memory_format=torch.channels_last)
            for _ in range(draws):
                scores = module(add_noise(images, sigma, generator))
                right += int((scores.argmax(1) == labels).sum())
    module.train(was_training)
    return right / (draws * len(data))
