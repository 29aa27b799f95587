"""What was measured of the layers of a network, and where it is kept."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from irs_core.errors import SpecError, StoreError, reason
from irs_core.spec.fields import stable_id
from irs_core.spec.mixed import parse_treatment
from irs_core.store.files import write_bytes

SCHEMA = 1
FOLDER = "tune"


@dataclass(frozen=True)
class Hurt:
    """An input on which a change is felt.

    Args:
        index: Of the input in its data set.
        left: Draws on which the answer changed.
    """

    index: int
    left: int


@dataclass(frozen=True)
class Effect:
    """What one treatment of one layer, or of the layers of a group, does.

    Args:
        name: The layer, or the group, such as a residual block.
        layers: Names of the layers that it changes.
        depth: Place of the first of them in the network, from 0.
        treatment: As text, e.g. `int8`.
        left: Draws on which the network answers another class.
        low, high: Interval of the leave rate on these images; those of all effects hold together.
        lost, gained: Images right and certified at the radius by the original alone, and by the
            changed network alone, at equal draws and equal noise.
        kl: Mean Kullback-Leibler divergence of the changed answer from the original's, nats.
        mse: Mean squared difference of the scores.
        saved_bytes: Of the packed weights.
        hurts: The images on which most answers change, most first.
        saved_seconds: That its kernels save of one image alone; see `irs_core.tune.times`. None
            where it was not measured or is emulated.
    """

    name: str
    layers: tuple[str, ...]
    depth: int
    treatment: str
    left: int
    low: float
    high: float
    lost: int
    gained: int
    kl: float
    mse: float
    saved_bytes: int
    hurts: tuple[Hurt, ...]
    saved_seconds: float | None = None

    @property
    def group(self) -> bool:
        """Whether it changes several layers at once."""
        return len(self.layers) > 1


@dataclass(frozen=True)
class Sensitivity:
    """Effects of treatments on a network, on images that no certificate is about.

    Args:
        model: Digest of the network. `weights`: where it was read from.
        data: Digest of the images. `images`: which ones, in words.
        indices: Of the images in their data set.
        draws: Noisy copies of each image.
        certified: Images right and certified at the radius by the original with these draws.
        confidence: With which all intervals hold together.
        pictures: PNG images by index, as base64, of those that are hurt most.
        seconds: That the measurement took.
        passes: What it cost, in passes of the whole network over all draws.
        kept_bytes: Activations held at once.
    """

    model: str
    weights: str
    data: str
    images: str
    indices: tuple[int, ...]
    sigma: float
    seed: int
    radius: float
    draws: int
    certified: int
    confidence: float
    effects: tuple[Effect, ...]
    pictures: Mapping[str, str]
    seconds: float
    passes: float
    kept_bytes: int
    hardware: str

    @property
    def total(self) -> int:
        """Noisy images that each change answered."""
        return len(self.indices) * self.draws

    @property
    def id(self) -> str:
        """Stable: of what was asked, not of how long it took."""
        asked = replace(
            self, effects=(), pictures={}, seconds=0, passes=0, kept_bytes=0, hardware=""
        )
        what = [(one.name, one.treatment) for one in self.effects]
        return stable_id([asdict(asked), what])

    def ranked(self, treatment: str | None = None, *, groups: bool = False) -> list[Effect]:
        """Effects of a treatment, or of all, the most sensitive first.

        Ties in changed answers go by divergence, which is never equal by chance.
        """
        found = [
            one
            for one in self.effects
            if treatment in (None, one.treatment) and one.group == groups
        ]
        return sorted(found, key=lambda one: (-one.left, -one.kl, one.depth))

    @property
    def treatments(self) -> tuple[str, ...]:
        """All that were measured, in their order."""
        return tuple(dict.fromkeys(one.treatment for one in self.effects))

    @property
    def emulated(self) -> str:
        """What of the treatments is emulated, for a reader; empty for none."""
        if not any(parse_treatment(one).precision == "int8" for one in self.treatments):
            return ""
        return (
            "int8 is emulated here: weights and inputs rounded to 8 bits, computed in 32, biases "
            "not corrected."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, read back by `from_json`."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> "Sensitivity":
        """The record that `to_json` described.

        Raises:
            SpecError: It is malformed or of another version.
        """
        try:
            fields = dict(described)
            if fields.pop("schema") != SCHEMA:
                raise SpecError("it is of another version")
            effects = tuple(_effect(one) for one in fields.pop("effects"))
            fields["indices"] = tuple(int(one) for one in fields["indices"])
            return cls(effects=effects, **fields)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise SpecError(f"no record of sensitivities: {error}") from None


def _effect(described: Mapping[str, Any]) -> Effect:
    fields = dict(described)
    hurts = tuple(Hurt(int(one["index"]), int(one["left"])) for one in fields.pop("hurts"))
    parse_treatment(fields["treatment"])
    return Effect(**{**fields, "layers": tuple(fields["layers"]), "hurts": hurts})


def save(root: Path, found: Sensitivity) -> Path:
    """Keep a record in a store; gives its file."""
    path = root / FOLDER / f"{found.id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, json.dumps(found.to_json(), indent=1, sort_keys=True).encode())
    return path


def read(path: Path) -> Sensitivity:
    """The record in a file.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        return Sensitivity.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path.name}: {reason(error)}") from None


def kept(root: Path) -> list[Sensitivity]:
    """All records of a store that can be read, latest first."""
    files = sorted((root / FOLDER).glob("*.json"), key=lambda one: -one.stat().st_mtime)
    found = []
    for file in files:
        try:
            found.append(read(file))
        except StoreError:
            continue
    return found
