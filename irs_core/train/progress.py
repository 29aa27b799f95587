"""The state of an unfinished run on disk, without pickled objects."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from irs_core.errors import CheckpointError, SpecError, first_line
from irs_core.train.spec import EpochReport, TrainSpec


class OtherRunError(SpecError):
    """A saved state is not that of the run that was asked for."""


class Resumable(Protocol):
    """What a run is, as far as its saved state has to know."""

    @property
    def out(self) -> str:
        """File that it writes."""

    @property
    def lr(self) -> float:
        """Peak learning rate."""

    def to_dict(self) -> dict[str, Any]:
        """Every setting, JSON-serialisable."""


# Digests of what a run reads, by the name of the setting that says where it lies.
Contents = Mapping[str, str]


@dataclass(frozen=True)
class Progress:
    """The epochs done so far."""

    reports: tuple[EpochReport, ...] = ()


def progress_path(out: Path) -> Path:
    """Where the state of a run that writes `out` is kept until it is finished."""
    return out.with_suffix(".partial.pt")


def save_progress(
    spec: TrainSpec,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    contents: Contents,
) -> None:
    """Replace the saved state in one step, so that a kill leaves the old or the new one."""
    save_state(spec, network, optimizer, progress.reports, contents)


def load_progress(
    spec: TrainSpec,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    contents: Contents,
) -> Progress:
    """Restore network and optimizer from the saved state; no epochs where there is none.

    Raises:
        SpecError: The state belongs to a run with other settings.
        CheckpointError: The state is damaged.
    """
    found = load_state(spec, network, optimizer, device, contents)
    return Progress(tuple(EpochReport(**report) for report in found))


def save_state(
    spec: Resumable,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    reports: Sequence[Any],
    contents: Contents,
) -> None:
    """The same for a run of any kind.

    Args:
        reports: Of the epochs done, frozen dataclasses.
        contents: Of what the run reads.
    """
    path = progress_path(Path(spec.out))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    content = {
        "spec": _identity(spec, contents),
        "reports": json.dumps([asdict(report) for report in reports]),
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def check_converges(spec: Resumable, network: nn.Module, epoch: int, loss: float) -> None:
    """End a run that has diverged, before its state is saved.

    What was saved of it is removed: it would only diverge again, and a smaller rate begins anew.

    Args:
        epoch: The one that is done, from 1.
        loss: Its mean.

    Raises:
        SpecError: The loss or a weight is not finite. (Constants need not be, as of masks.)
    """
    if math.isfinite(loss) and all(bool(one.isfinite().all()) for one in network.parameters()):
        return
    progress_path(Path(spec.out)).unlink(missing_ok=True)
    raise SpecError(
        f"the training diverged in epoch {epoch} (loss {loss:g}), and nothing was written; give a "
        f"smaller --lr than {spec.lr:g}"
    )


def load_state(
    spec: Resumable,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    contents: Contents,
) -> list[dict[str, Any]]:
    """Restore network and optimizer; the reports of the epochs done, none where there is no state.

    Raises:
        OtherRunError: The state belongs to a run with other settings, images or weights.
        CheckpointError: The state is damaged.
    """
    path = progress_path(Path(spec.out))
    if not path.exists():
        return []
    try:
        content: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        saved, reports = json.loads(content["spec"]), json.loads(content["reports"])
    except Exception as error:  # torch.load has no documented set of errors for bad files
        raise CheckpointError(
            f"the saved state {path} is damaged; delete it to start again ({first_line(error)})"
        ) from None
    differing = _differing(saved, json.loads(_identity(spec, contents)))
    if differing:
        raise OtherRunError(
            f"{path} is the state of a run with other settings, images or weights "
            f"({', '.join(differing)}); give those, another out, or, where no run is "
            "still writing it, delete it"
        )
    network.load_state_dict(content["network"])
    optimizer.load_state_dict(content["optimizer"])
    return list(reports)


def _differing(left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """Names of what two identities do not share."""
    # Says nothing about the weights; states from before hold it.
    names = sorted((left.keys() | right.keys()) - {"note"})
    return [name for name in names if left.get(name) != right.get(name)]


def _identity(spec: Resumable, contents: Contents) -> str:
    """Everything that decides the weights; where images, weights and the output lie does not."""
    fields = spec.to_dict()
    for name in ("out", "root", "note"):
        fields.pop(name, None)
    for name in ("start", "mean", "std", "classes", "channels"):
        # Choices that came later: runs that were begun without them go on.
        if fields.get(name) is None:
            fields.pop(name, None)
    fields.update(contents)
    return json.dumps(fields, sort_keys=True)
