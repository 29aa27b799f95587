"""What a model costs where it is deployed: bytes of its weights, time of an image."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from irs_core.errors import SpecError
from irs_core.spec.fields import check_fields

_LARGEST = 2**63
BATCHES = "one pass in the study's batches, noise included"
ALONE = "one image, alone, without noise"


@dataclass(frozen=True)
class LayerBits:
    """Bits that a weight of one layer takes.

    Args:
        weights: Number of weights, at least 1.
        bits: Per weight, packed, in (0, 64]; with a bit for each zero where zeros are left out.
        held: Per weight as it was held where it ran, in (0, 64].
    """

    name: str
    weights: int
    bits: float
    held: float

    def __post_init__(self) -> None:
        check_fields(self, str, "name")
        check_fields(self, int, "weights")
        check_fields(self, float, "bits", "held")
        if not 0 < self.weights < _LARGEST:
            raise SpecError(f"a layer has at least one weight; got {self.weights}")
        for value in (self.bits, self.held):
            if not 0 < value <= 64:
                raise SpecError(f"bits of a weight must be in (0, 64]; got {value}")


@dataclass(frozen=True)
class Size:
    """Bytes of a model's weights.

    Args:
        packed_bytes: Packed, as a device that knows the format stores them.
        held_bytes: As they were held where the model ran.
        layers: Bits of convolutions and linear layers; empty where they are not known.
    """

    packed_bytes: int
    held_bytes: int
    layers: tuple[LayerBits, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self, int, "packed_bytes", "held_bytes")
        if not all(isinstance(one, LayerBits) for one in self.layers):
            raise SpecError(f"layers must be LayerBits; got {self.layers!r:.80}")
        for value in (self.packed_bytes, self.held_bytes):
            if not 0 <= value < _LARGEST:
                raise SpecError(f"bytes must be in [0, 2^63); got {value}")

    @property
    def emulated(self) -> bool:
        """Whether it ran with larger weights than it is said to take."""
        return self.packed_bytes < self.held_bytes

    @property
    def words(self) -> str:
        """The size as a phrase, e.g. `12,345 bytes packed (emulated: 49,380 where it ran)`."""
        if not self.emulated:
            return f"{self.packed_bytes:,} bytes"
        return f"{self.packed_bytes:,} bytes packed (emulated: {self.held_bytes:,} where it ran)"


@dataclass(frozen=True)
class Speed:
    """Measured times of a model on the runtime that certifies it, without noise.

    Args:
        p50_ms, p95_ms: Median and 95th percentile of the milliseconds of one image alone.
        runs: Images that they were measured on, after a warm-up.
        per_second: Images per second in full batches.
        batch: Images per forward pass of those batches.
        runtime, hardware: What ran it, in words.
    """

    p50_ms: float
    p95_ms: float
    runs: int
    per_second: float
    batch: int
    runtime: str
    hardware: str

    def __post_init__(self) -> None:
        check_fields(self, float, "p50_ms", "p95_ms", "per_second")
        check_fields(self, int, "runs", "batch")
        check_fields(self, str, "runtime", "hardware")
        for name in ("p50_ms", "p95_ms", "per_second", "runs", "batch"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise SpecError(f"{name} must be positive and finite; got {value}")
        if self.p95_ms < self.p50_ms:
            raise SpecError(
                f"p95_ms must be at least p50_ms; got {self.p95_ms} below {self.p50_ms}"
            )


@dataclass(frozen=True)
class ModelCost:
    """Size and speed of one model."""

    size: Size
    speed: Speed

    def to_json(self) -> dict[str, Any]:
        """Plain values, read back by `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> "ModelCost":
        """The cost that `to_json` described.

        Raises:
            SpecError: A field is missing, unknown, of the wrong type or out of range.
        """
        try:
            size = dict(described["size"])
            layers = tuple(LayerBits(**one) for one in size.pop("layers"))
            made = cls(Size(layers=layers, **size), Speed(**described["speed"]))
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise SpecError(f"not the cost of a model: {error}") from None
        if set(described) != {"size", "speed"}:
            raise SpecError(f"the cost of a model is its size and speed; got {set(described)}")
        return made
