"""What a compressed model must meet to replace the original."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from numbers import Integral, Real

import numpy as np

from irs_core.decide.rounding import chosen_percent, exact, less
from irs_core.errors import SpecError

_OPTIONAL = (
    "max_loss",
    "min_certified",
    "min_accuracy",
    "max_latency_ms",
    "max_relative_latency",
    "max_bytes",
)
_SHARES = ("max_loss", "min_certified", "min_accuracy")


@dataclass(frozen=True)
class Requirement:
    """A non-inferiority requirement at one radius, with limits that go with it.

    Radius, tolerance and max_loss are fixed before the draws are looked at; section "Choosing"
    of docs/methods/decisions.md says which of them may be chosen afterwards, and at what price.

    Args:
        radius: L2 radius that counts, pixel units, positive.
        tolerance: How much less the compressed model may withstand where the original withstands
            `radius`, pixel units, in [0, radius].
        max_loss: Allowed share of inputs on which it falls shorter than that, in (0, 1); None
            asks for no comparison with the original.
        confidence: Of the verdict, in [0.75, 1).
        min_certified: Least share of inputs on which the compressed model must be right and
            withstand `radius`, in (0, 1).
        min_accuracy: Least share of inputs that it must classify correctly without noise, in
            (0, 1).
        max_latency_ms: Most milliseconds for a forward pass, positive: of one image alone, 95th
            percentile, where a study keeps that (`models cost --study`), else the mean of a pass in
            the study's batches, noise included. The answer names which.
        max_relative_latency: Most time for a forward pass as a multiple of the original's,
            positive.
        max_bytes: Largest size of the weights, a positive integer: packed where a study keeps
            that, else in the model's own format.

    Raises:
        SpecError: A value breaks its rule, or nothing is required.
    """

    radius: float
    tolerance: float = 0.0
    max_loss: float | None = 0.01
    confidence: float = 0.99
    min_certified: float | None = None
    min_accuracy: float | None = None
    max_latency_ms: float | None = None
    max_relative_latency: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        for one in fields(self):
            number = _number(one.name, getattr(self, one.name), optional=one.name in _OPTIONAL)
            object.__setattr__(self, one.name, number)
        if self.radius <= 0:
            raise SpecError(f"radius must be positive; got {self.radius}")
        if not 0 <= self.tolerance <= self.radius:
            raise SpecError(
                f"tolerance must be between 0 and the radius {self.radius}; got {self.tolerance}"
            )
        if not 0.75 <= self.confidence < 1:
            raise SpecError(f"confidence must be in [0.75, 1); got {self.confidence}")
        self._check_limits()

    def _check_limits(self) -> None:
        for name in _SHARES:
            share = getattr(self, name)
            if share is not None and not 0 < share < 1:
                raise SpecError(f"{name} is a share and must be in (0, 1); got {share}")
        for name in ("max_latency_ms", "max_relative_latency", "max_bytes"):
            limit = getattr(self, name)
            if limit is not None and limit <= 0:
                raise SpecError(f"{name} must be positive; got {limit}")
        if self.max_bytes is not None and self.max_bytes != int(self.max_bytes):
            raise SpecError(f"max_bytes must be an integer; got {self.max_bytes}")
        if all(getattr(self, name) is None for name in _OPTIONAL):
            raise SpecError("nothing is required; give max_loss or another limit")

    @property
    def beta(self) -> float:
        """Allowed failure probability of a statement: 1 - confidence."""
        # In decimals: binary floats make 1 - 0.99 a little more than 0.01.
        return less(1.0, self.confidence)

    @property
    def reach(self) -> float:
        """The radius that the compressed model must withstand: radius less tolerance."""
        return less(self.radius, self.tolerance)

    @property
    def text(self) -> str:
        """One line that `from_text` reads, e.g. `radius=0.5, tolerance=0.05, max-loss=0.01`."""
        return ", ".join(f"{k.replace('_', '-')}={v!r}" for k, v in self.to_json().items())

    @property
    def words(self) -> str:
        """What is required, as a phrase."""
        parts = []
        if self.max_loss is not None:
            kept = exact(self.reach)
            parts.append(
                f"withstands at least {kept} wherever the original withstands "
                f"{exact(self.radius)}, "
                f"with at most {chosen_percent(self.max_loss)} exceptions"
            )
        if self.min_certified is not None:
            share = chosen_percent(self.min_certified)
            parts.append(f"is right and withstands {exact(self.radius)} on at least {share}")
        if self.min_accuracy is not None:
            parts.append(f"is right without noise on at least {chosen_percent(self.min_accuracy)}")
        if self.max_latency_ms is not None:
            parts.append(f"takes at most {self.max_latency_ms:g} ms")
        if self.max_relative_latency is not None:
            parts.append(f"takes at most {self.max_relative_latency:g} times the original's time")
        if self.max_bytes is not None:
            parts.append(f"has at most {self.max_bytes:,} bytes")
        return "; ".join(parts)

    def to_json(self) -> dict[str, float | int | None]:
        """Plain values that `from_json` reads; limits that are not set are left out.

        `max_loss` is always there, because leaving it out means its default.
        """
        every = asdict(self)
        return {k: v for k, v in every.items() if v is not None or k == "max_loss"}

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> "Requirement":
        """The requirement that `to_json` described.

        Raises:
            SpecError: A name is unknown, the radius is missing or a value breaks its rule.
        """
        known = [one.name for one in fields(cls)]
        for name in values:
            if name not in known:
                raise SpecError(f"a requirement has no {name!r}; known are {', '.join(known)}")
        if "radius" not in values:
            raise SpecError("a requirement needs a radius, e.g. radius=0.5")
        return cls(**values)  # type: ignore[arg-type]

    @classmethod
    def from_text(cls, text: str) -> "Requirement":
        """Read `name=value` pairs parted by commas; shares may be written in percent.

        Raises:
            SpecError: A pair cannot be read, or as `from_json`.
        """
        values: dict[str, object] = {}
        for pair in filter(None, (one.strip() for one in text.split(","))):
            name, equals, value = (one.strip() for one in pair.partition("="))
            name = name.replace("-", "_")
            if not equals or name in values:
                raise SpecError(f"write each limit once, as name=value; got {pair!r}")
            values[name] = _value(name, value)
        return cls.from_json(values)


def share_of(text: str) -> float:
    """A share, from a number or a percentage, as exactly as it was written.

    Raises:
        SpecError: It is neither.
    """
    try:
        return float(Decimal(text[:-1]) / 100) if text.endswith("%") else float(text)
    except (ValueError, ArithmeticError):
        raise SpecError(f"a share is a number or a percentage, such as 1%; got {text!r}") from None


def _number(name: str, value: object, *, optional: bool) -> float | int | None:
    """A plain number, also of one of NumPy's; whole ones stay whole."""
    if value is None and optional:
        return None
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        number = int(value) if isinstance(value, Integral) else float(value)
        if -1e300 < number < 1e300:
            return number
    raise SpecError(f"{name} must be a finite number; got {value!r}")


def _value(name: str, text: str) -> float | int | None:
    if text.lower() == "none":
        return None
    try:
        if name == "max_bytes":
            return int(text)
        return share_of(text)
    except (ValueError, SpecError):
        raise SpecError(f"{name} must be a number; got {text!r}") from None
