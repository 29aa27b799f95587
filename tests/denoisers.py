"""Denoisers for tests: small, and with every weight in use."""

from pathlib import Path

import torch

from irs_core.models.denoiser import Denoiser, DenoiserShape, denoiser_bytes, new_denoiser

SMALL = DenoiserShape(1, 8, 2)


def made(shape: DenoiserShape = SMALL, seed: int = 0) -> Denoiser:
    """A denoiser whose every weight matters, as an untrained one's do not."""
    network = new_denoiser(shape, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in network.parameters():
            one.copy_(torch.randn(one.shape, generator=generator) * 0.2)
    return network


def saved(path: Path, shape: DenoiserShape = SMALL, seed: int = 0) -> str:
    """The path of its file, weights in 32 bits."""
    path.write_bytes(denoiser_bytes(made(shape, seed), sigma=(0.5,), dtype=torch.float32))
    return str(path)
