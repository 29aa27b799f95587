"""Training as a job: runs one after the other, of which the last one writes the outcome.

Works without torch; `irs_core.train.steps` runs it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from irs_core.errors import SpecError
from irs_core.spec.fields import stable_id
from irs_core.spec.outside import SHIPPED_PREFIX
from irs_core.spec.paths import settled
from irs_core.spec.study import DataSpec, ModelSpec
from irs_core.text import NAME, plain
from irs_core.train.commands import TUNING_RATE
from irs_core.train.denoiser_spec import DenoiserSpec, data_kind, images_text
from irs_core.train.images import DENOISER_EPOCHS, TUNING_EPOCHS, epochs_over
from irs_core.train.spec import TrainSpec

Step = DenoiserSpec | TrainSpec
# What tells a training from a study where both are kept as JSON.
KEY = "training"
_KINDS: Mapping[str, type[DenoiserSpec] | type[TrainSpec]] = {
    "denoiser": DenoiserSpec,
    "classifier": TrainSpec,
}
# 16-bit weights of a denoiser of the default size, and its card; rounded up.
_DENOISER_BYTES = 1_000_000
_FIRST, _DENOISER, _TUNED = "first.safetensors", "denoiser.safetensors", "finetuned.safetensors"


@dataclass(frozen=True)
class Training:
    """Runs one after the other.

    Args:
        steps: At least one. With `keep`, what they write has names without a folder, and a step may
            start from what an earlier one wrote.
        keep: Whether the outcome becomes one of the store's uploads; else it stays at its path.
        model: The classifier that the outcome is for, or was; its own weights, not the outcome.
        size_bytes: With `keep`: what the outcome is expected to take there.
        data: Images that the outcome is to be tried on; None for the test split of the last step's.
    """

    steps: tuple[Step, ...]
    keep: bool = False
    model: ModelSpec | None = None
    size_bytes: int = 0
    data: DataSpec | None = None

    def __post_init__(self) -> None:
        if not self.steps:
            raise SpecError("a training has at least one step; got none")
        if self.keep and any(Path(one.out).name != one.out for one in self.steps):
            raise SpecError(
                "what is kept in the store has a name without a folder; got "
                f"{', '.join(one.out for one in self.steps)}"
            )

    @cached_property
    def id(self) -> str:
        """Equal for equal trainings."""
        return stable_id(self.to_dict())

    @property
    def title(self) -> str:
        """What it is called: `denoiser, sigma 0.5` or `clean.safetensors under sigma 0.5`."""
        last = self.steps[-1]
        if isinstance(last, DenoiserSpec):
            sigma = ", ".join(f"{one:g}" for one in last.sigma)
            whose = "" if self.model is None else f" for {_named(self.model.weights)}"
            return f"denoiser{whose}, sigma {sigma}"
        what = "fine-tuning" if last.start is not None else "training"
        return f"{what} {_named(last.start or last.arch)}, sigma {last.sigma:g}"

    @property
    def is_denoiser(self) -> bool:
        """Whether a denoiser is trained, and not a classifier."""
        return isinstance(self.steps[-1], DenoiserSpec)

    @property
    def sigma(self) -> float:
        """The noise that the outcome is for; of several the largest. Pixel units."""
        last = self.steps[-1]
        return max(last.sigma) if isinstance(last, DenoiserSpec) else last.sigma

    def in_folder(self, folder: Path) -> tuple[Step, ...]:
        """The steps as they run: with `keep`, names become files of a folder."""
        if not self.keep:
            return self.steps
        found: list[Step] = []
        for step in self.steps:
            earlier = {one.out for one in self.steps[: len(found)]}
            start = str(folder / str(step.start)) if step.start in earlier else step.start
            found.append(replace(step, out=str(folder / step.out), start=start))
        return tuple(found)

    def from_anywhere(self) -> "Training":
        """With full paths, since what runs it may have been started in another folder."""
        return replace(self, steps=tuple(map(_from_anywhere, self.steps)))

    def to_dict(self) -> dict[str, Any]:
        """Every field, JSON-serialisable."""
        names = {kind: name for name, kind in _KINDS.items()}
        return {
            KEY: [{"kind": names[type(one)], **one.to_dict()} for one in self.steps],
            "keep": self.keep,
            "model": None if self.model is None else asdict(self.model),
            "size_bytes": self.size_bytes,
            # A choice that came later: trainings that were begun without it keep their ids.
            **({} if self.data is None else {"data": asdict(self.data)}),
        }

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> "Training":
        """The training that `to_dict` described.

        Raises:
            SpecError: It is no such description.
        """
        try:
            steps = tuple(_step(one) for one in described[KEY])
            model = described["model"] and ModelSpec(**_with_tuples(described["model"]))
            data = described.get("data") and DataSpec(**described["data"])
            return cls(steps, bool(described["keep"]), model, int(described["size_bytes"]), data)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise SpecError(f"not a description of a training: {error}") from None


def denoiser_training(
    model: ModelSpec,
    data: DataSpec,
    sigma: float,
    *,
    against: bool,
    images: int = 0,
    levels: int = DenoiserSpec.levels,
) -> Training:
    """What `denoiser_commands` types: a denoiser for a model, kept in the store.

    Args:
        data: Images like those it is for; it trains on the split `train` of them.
        against: Whether gradients flow through the model, so that its own answers can be kept.
        images: Training images; 0 where that is not known.
    """
    last = DenoiserSpec(
        images_text(data),
        _DENOISER,
        (sigma,),
        epochs=epochs_over(images, DENOISER_EPOCHS),
        levels=levels,
        size=data.size,
        channels=data.channels,
    )
    bare = replace(model, denoiser=None)
    if not against:
        return Training((last,), True, bare, _DENOISER_BYTES, data)
    second = replace(
        last,
        start=_FIRST,
        against=model.weights,
        arch=model.arch,
        mean=model.mean,
        std=model.std,
        channel_order=model.channel_order,
    )
    return Training((replace(last, out=_FIRST), second), True, bare, _DENOISER_BYTES, data)


def finetuning(
    model: ModelSpec, data: DataSpec, sigma: float, *, arch: str, size_bytes: int, images: int = 0
) -> Training:
    """What `finetune_command` types: a classifier trained further under noise, kept in the store.

    Args:
        arch: The model's architecture.
        size_bytes: Its size.
        images: Training images; 0 where that is not known.
    """
    step = TrainSpec(
        arch=arch,
        out=_TUNED,
        data=data.kind,
        root=data.root,
        size=data.size,
        channels=data.channels,
        sigma=sigma,
        epochs=epochs_over(images, TUNING_EPOCHS),
        lr=TUNING_RATE,
        start=model.weights,
        mean=model.mean,
        std=model.std,
        channel_order=model.channel_order,
        classes=data.class_list,
    )
    return Training((step,), True, replace(model, denoiser=None), size_bytes, data)


def fitting_levels(height: int, width: int) -> int:
    """How often a denoiser may halve images of that size: at most its default, to 2 pixels.

    0 for sides that are odd: no denoiser takes them.
    """
    most = math.gcd(height, width)
    found = [one for one in range(1, DenoiserSpec.levels + 1) if most % 2**one == 0]
    return max((one for one in found if min(height, width) // 2**one >= 2), default=0)


def _named(model: str) -> str:
    """A classifier as a title names it, without the folder of its file."""
    name = model.partition("#")[0]
    return plain(name if name.startswith(SHIPPED_PREFIX) else Path(name).name, NAME)


def _from_anywhere(step: Step) -> Step:
    out, start = settled(step.out), step.start and settled(step.start)
    if isinstance(step, DenoiserSpec):
        kind, colon, root = step.images.partition(":")
        whole = data_kind(step.images) is None
        images = settled(step.images) if whole else f"{kind}{colon}{settled(root)}"
        against = step.against and settled(step.against)
        return replace(step, out=out, start=start, images=images, against=against)
    return replace(
        step,
        out=out,
        start=start,
        root=step.root and settled(step.root),
        classes=step.classes and settled(step.classes),
        qat_from=step.qat_from and settled(step.qat_from),
    )


def _step(described: Mapping[str, Any]) -> Step:
    fields = _with_tuples(described)
    return _KINDS[fields.pop("kind")](**fields)


def _with_tuples(described: Mapping[str, Any]) -> dict[str, Any]:
    # JSON has no tuples.
    fields: dict[str, Any] = json.loads(json.dumps(dict(described)))
    return {name: tuple(one) if isinstance(one, list) else one for name, one in fields.items()}
