"""Writing a trained denoiser with its card, and measuring it."""

import shlex
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from irs_core.hardware import describe_hardware, software_versions
from irs_core.models import write_card
from irs_core.models.denoised import load_denoiser
from irs_core.models.denoiser import Denoiser, denoiser_bytes
from irs_core.spec.outside import SHIPPED_PREFIX
from irs_core.train.augment import add_noise, seeded_generator
from irs_core.train.commands import option_words
from irs_core.train.denoiser_spec import (
    DenoiserMeasure,
    DenoiserReport,
    DenoiserResult,
    DenoiserSpec,
)

_BATCH = 250
# Apart from the keys of epochs.
_MEASURE = 2**32


def write_denoiser(
    spec: DenoiserSpec,
    network: Denoiser,
    answers: nn.Module | None,
    trained: int,
    held_out: Tensor,
    reports: tuple[DenoiserReport, ...],
) -> DenoiserResult:
    """Save weights and card, and measure the denoiser as it was saved.

    Args:
        answers: The classifier that it was trained against; None for none.
        trained: Images trained on.
        held_out: Images in [0, 1], (N, C, H, W), to measure on.
    """
    weights = Path(spec.out)
    weights.parent.mkdir(parents=True, exist_ok=True)
    partial = weights.with_suffix(".tmp")
    partial.write_bytes(denoiser_bytes(network, sigma=spec.sigma))
    partial.replace(weights)
    # Read back: 16-bit weights are what will run.
    found = load_denoiser(str(weights))
    assert isinstance(found.network, Denoiser)
    saved = found.network.to(spec.device)
    measured = tuple(
        measured_denoiser(saved, answers, held_out, sigma=sigma, seed=spec.seed)
        for sigma in spec.sigma
    )
    card = weights.with_suffix(".json")
    described = {
        "name": weights.stem,
        **asdict(saved.shape),
        "parameters": found.parameters,
        "file_bytes": weights.stat().st_size,
        "digest": found.digest,
    }
    write_card(card, {**described, **_made(spec, trained, len(held_out), measured, reports)})
    return DenoiserResult(weights, card, found.parameters, measured, len(held_out), reports)


@torch.inference_mode()
def measured_denoiser(
    network: nn.Module,
    answers: nn.Module | None,
    images: Tensor,
    *,
    sigma: float,
    seed: int = 0,
) -> DenoiserMeasure:
    """How much nearer denoised images are to their originals, for one draw of noise each.

    Args:
        answers: Of which the agreement is measured; None for none.
        images: In [0, 1], (N, C, H, W).
    """
    device = next(network.parameters()).device
    generator = seeded_generator(device, seed, _MEASURE)
    squares, agreed = torch.zeros(2), torch.zeros(2)
    for start in range(0, len(images), _BATCH):
        clean = images[start : start + _BATCH].to(device)
        noisy = add_noise(clean, sigma, generator)
        denoised = network(noisy)
        squares += torch.stack([((one - clean) ** 2).sum().cpu() for one in (noisy, denoised)])
        if answers is not None:
            wanted = answers(clean).argmax(1)
            same = [(answers(one).argmax(1) == wanted).sum().cpu() for one in (noisy, denoised)]
            agreed += torch.stack(same)
    before, after = (-10 * torch.log10(squares / images.numel())).tolist()
    if answers is None:
        return DenoiserMeasure(sigma, before, after)
    noisy_share, share = (agreed / len(images)).tolist()
    return DenoiserMeasure(sigma, before, after, noisy_share, share)


def denoiser_command(spec: DenoiserSpec) -> str:
    """The command line that repeats a run; settings at their defaults are left out."""
    defaults = DenoiserSpec(spec.images, spec.out, spec.sigma)
    words = ["python", "-m", "irs_core", "denoiser", "train", spec.images, "--sigma"]
    words += map(str, spec.sigma)
    names = {"start": "from"}
    for name, value in spec.to_dict().items():
        if name in ("images", "sigma", "out"):
            continue
        # Passes have no default of their own: they follow the images.
        if value == getattr(defaults, name) and name != "epochs":
            continue
        value = value.partition("#")[0] if name == "against" else value
        words += option_words(names.get(name, name), value)
    return shlex.join([*words, "--out", spec.out])


def named(model: str) -> str:
    """A classifier as a card names it, without the folder of its file."""
    return Path(model.partition("#")[0].removeprefix(SHIPPED_PREFIX)).name


def _made(
    spec: DenoiserSpec,
    trained: int,
    held_out: int,
    measured: tuple[DenoiserMeasure, ...],
    reports: tuple[DenoiserReport, ...],
) -> dict[str, Any]:
    """How it came about, for its card."""
    device = describe_hardware()
    if spec.device == "cuda":
        device = str(torch.cuda.get_device_name())
    return {
        "sigma": list(spec.sigma),
        "objective": "mean squared error"
        if spec.against is None
        else f"answers of {named(spec.against)} to the clean images",
        "command": denoiser_command(spec),
        "train_images": trained,
        "held_out_images": held_out,
        "measured": [asdict(one) for one in measured],
        "epochs": spec.epochs,
        "batch": spec.batch,
        "lr": spec.lr,
        "seed": spec.seed,
        "note": spec.note,
        "train_seconds": round(sum(report.seconds for report in reports), 1),
        "hardware": f"{device}, {torch.get_num_threads()} threads",
        "date": datetime.now(UTC).date().isoformat(),
        "versions": software_versions(),
    }
