"""The state of an unfinished run on disk, without pickled objects."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from irs_core.errors import CheckpointError, SpecError, first_line
from irs_core.train.spec import EpochReport, TrainSpec


@dataclass(frozen=True)
class Progress:
    """The epochs done so far."""

    reports: tuple[EpochReport, ...] = ()


def progress_path(out: Path) -> Path:
    """Where the state of a run that writes `out` is kept until it is finished."""
    return out.with_suffix(".partial.pt")


def save_progress(
    spec: TrainSpec, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Replace the saved state in one step, so that a kill leaves the old or the new one."""
    path = progress_path(Path(spec.out))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    content = {
        "spec": _identity(spec),
        "reports": json.dumps([asdict(report) for report in progress.reports]),
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_progress(
    spec: TrainSpec, network: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device
) -> Progress:
    """Restore network and optimizer from the saved state; no epochs where there is none.

    Raises:
        SpecError: The state belongs to a run with other settings.
        CheckpointError: The state is damaged.
    """
    path = progress_path(Path(spec.out))
    if not path.exists():
        return Progress()
    try:
        content: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        saved, reports = content["spec"], json.loads(content["reports"])
    except Exception as error:  # torch.load has no documented set of errors for bad files
        raise CheckpointError(
            f"the saved state {path} is damaged; delete it to start again ({first_line(error)})"
        ) from None
    if saved != _identity(spec):
        raise SpecError(
            f"{path} is the state of a run with other settings; give those settings, another "
            "out, or delete it"
        )
    network.load_state_dict(content["network"])
    optimizer.load_state_dict(content["optimizer"])
    return Progress(tuple(EpochReport(**report) for report in reports))


def _identity(spec: TrainSpec) -> str:
    """Everything that decides the weights; where the data and the output lie does not."""
    fields = spec.to_dict()
    for name in ("out", "root"):
        del fields[name]
    return json.dumps(fields, sort_keys=True)
