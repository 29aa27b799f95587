"""Writing trained weights, their metadata and their card."""

import json
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import save
from torch import nn

import irs_core
from irs_core.data import Dataset, load_dataset
from irs_core.data.class_list import written
from irs_core.hardware import describe_hardware, software_versions
from irs_core.integer import IntegerNetwork
from irs_core.integer.files import write_network
from irs_core.models import canonical_name, load_model, state_digest, write_card
from irs_core.spec.study import ModelSpec
from irs_core.train.commands import option_words
from irs_core.train.measure import noisy_accuracy
from irs_core.train.spec import OWN_CLASS, Accuracy, EpochReport, TrainResult, TrainSpec

NOISY_DRAWS = 20
Normalisation = tuple[tuple[float, ...] | None, tuple[float, ...] | None]


def write_result(
    spec: TrainSpec,
    data: Dataset,
    module: nn.Module,
    network: nn.Module | IntegerNetwork,
    normalisation: Normalisation,
    reports: tuple[EpochReport, ...],
    *,
    max_test: int | None = None,
) -> TrainResult:
    """Save weights and card, and measure accuracy on the test split.

    Args:
        data: The training data, for classes and image shape.
        module: The network behind its normalisation, or behind rounding to the pixel grid.
        network: What is saved.
        max_test: Measure on at most so many test images; None for all, 0 for none.
    """
    weights = Path(spec.out)
    weights.parent.mkdir(parents=True, exist_ok=True)
    _save(weights, spec, data, network, normalisation)
    found = None if max_test == 0 else _accuracy(spec, data, module, max_test)
    card_path = weights.with_suffix(".json")
    write_card(
        card_path,
        {
            **_card(spec, data, weights, network, reports),
            "test_images": 0 if found is None else found.images,
            "accuracy_clean": None if found is None else round(found.clean, 4),
            "accuracy_noisy": None if found is None else round(found.noisy, 4),
            "noisy_draws": _draws(spec),
        },
    )
    return TrainResult(weights, card_path, found, reports)


def _accuracy(spec: TrainSpec, data: Dataset, module: nn.Module, most: int | None) -> Accuracy:
    test = load_dataset(spec.data_spec("test"), most)
    if test.classes != data.classes:
        # A split that lacks a class numbers the others otherwise.
        places = {name: number for number, name in enumerate(data.classes)}
        numbers = [places[test.classes[label]] for label in test.labels]
        test = replace(test, labels=np.array(numbers, np.int64), classes=data.classes)
    device = torch.device(spec.device)
    clean = noisy_accuracy(module, test, sigma=0.0, device=device)
    noisy = noisy_accuracy(
        module, test, sigma=spec.sigma, draws=_draws(spec), seed=spec.seed, device=device
    )
    return Accuracy(clean, noisy, len(test))


def _draws(spec: TrainSpec) -> int:
    return NOISY_DRAWS if spec.sigma else 1


def train_command(spec: TrainSpec) -> str:
    """The command line that repeats a run; settings at their defaults are left out."""
    defaults = TrainSpec(arch=spec.arch, out=spec.out)
    shown: tuple[str, ...] = ("data", "arch", "sigma", "epochs", "seed")
    words = ["python", "-m", "irs_core", "train"]
    fields = spec.to_dict()
    if spec.start is not None:
        words = [*words[:3], "finetune", fields.pop("start").partition("#")[0]]
        shown = tuple(name for name in shown if name != "arch" or spec.arch != OWN_CLASS)
        if spec.arch == OWN_CLASS:
            del fields["arch"]
    for name in shown:
        words += [f"--{name}", str(fields.pop(name))]
    out = fields.pop("out")
    for name, value in fields.items():
        # Commands that start from weights have a smaller rate as their default.
        from_weights = spec.start is not None or spec.qat_from is not None
        if value == getattr(defaults, name) and not (name == "lr" and from_weights):
            continue
        words += option_words(name, value)
    return shlex.join([*words, "--out", out])


def _save(
    path: Path,
    spec: TrainSpec,
    data: Dataset,
    network: nn.Module | IntegerNetwork,
    normalisation: Normalisation,
) -> None:
    if isinstance(network, IntegerNetwork):
        write_network(path, network, {"classes": data.classes, "sigma": spec.sigma})
        return
    mean, std = normalisation
    metadata = {
        "arch": None if spec.arch == OWN_CLASS else canonical_name(spec.arch),
        "num_classes": len(data.classes),
        "classes": data.classes,
        "input_shape": data.input_shape,
        "mean": mean,
        "std": std,
        "sigma": spec.sigma,
    }
    # A copy of each, because layers that are used twice share theirs.
    state = {
        name: one.cpu().clone(memory_format=torch.contiguous_format)
        for name, one in network.state_dict().items()
    }
    partial = path.with_suffix(".tmp")
    partial.write_bytes(save(state, {key: json.dumps(value) for key, value in metadata.items()}))
    partial.replace(path)


def _card(
    spec: TrainSpec,
    data: Dataset,
    weights: Path,
    network: nn.Module | IntegerNetwork,
    reports: tuple[EpochReport, ...],
) -> dict[str, Any]:
    return {
        "name": Path(spec.out).stem,
        **_described(spec, data, weights, network),
        "sigma": spec.sigma,
        "trained_with": f"irs_core {irs_core.__version__}",
        "command": train_command(spec),
        "data": data.description,
        "train_images": len(data),
        "epochs": spec.epochs,
        "batch": spec.batch,
        "lr": spec.lr,
        "weight_decay": spec.weight_decay,
        "seed": spec.seed,
        "note": spec.note,
        "train_seconds": round(sum(report.seconds for report in reports), 1),
        "hardware": _hardware(spec),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": _versions(),
    }


def _described(
    spec: TrainSpec, data: Dataset, weights: Path, network: nn.Module | IntegerNetwork
) -> dict[str, Any]:
    """What was written: read back, but for somebody's own class, which only they can build."""
    if spec.arch == OWN_CLASS and isinstance(network, nn.Module):
        state = network.state_dict()
        return {
            "arch": type(network).__name__,
            "num_classes": len(data.classes),
            "classes": _classes(data),
            "input_shape": data.input_shape,
            "parameters": sum(one.numel() for one in network.parameters()),
            "size_bytes": sum(one.nbytes for one in state.values()),
            "digest": state_digest(network),
        }
    loaded = load_model(ModelSpec(str(weights)))
    return {
        "arch": loaded.arch,
        "num_classes": loaded.num_classes,
        "classes": _classes(data),
        "input_shape": loaded.input_shape,
        "mean": loaded.mean,
        "std": loaded.std,
        "parameters": loaded.parameters,
        "size_bytes": loaded.size_bytes,
        "digest": loaded.digest,
    }


def _classes(data: Dataset) -> list[str | list[str]]:
    """Every name of each class: a card is the list by which the model's classes are numbered."""
    return [written(one) for one in data.aliases] or list(data.classes)


def _hardware(spec: TrainSpec) -> str:
    if spec.device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"{describe_hardware()}, {torch.get_num_threads()} threads"


def _versions() -> dict[str, str]:
    return {
        "irs_core": irs_core.__version__,
        **software_versions(),
        "safetensors": safetensors.__version__,
    }
