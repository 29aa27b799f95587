"""Mixed compression: what happens to each layer of a network, as a plain description."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from irs_core.errors import SpecError
from irs_core.spec.compressions import number_text

MIXED_PREFIX = "mixed"
Precision = Literal["fp32", "fp16", "bf16", "int8", "int4"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
TWO_FOUR = "2:4"

_SHARES = ("prune", "channels", "lowrank")
_NAMED = 2


@dataclass(frozen=True)
class Treatment:
    """What is done to one layer: at most one change of its shape or its zeros, then a precision.

    Args:
        precision: `int8` is 8-bit weights per output channel and 8-bit inputs, computed in
            integers; `int4` is weights alone, emulated: stored in 4 bits, computed in 32. `fp16`
            and `bf16` are weights alone as well.
        prune: Share of the smallest weights set to zero, in (0, 1).
        two_four: Of every four neighbouring weights of an output, the two smallest become zero.
        channels: Share of the outputs that are removed with all that reads them, in (0, 1); only
            for the first convolution of a residual block.
        lowrank: Share of squared singular values that two thinner layers keep, in (0, 1).

    Raises:
        SpecError: A share is out of range, or several changes are asked for at once.
    """

    precision: Precision = "fp32"
    prune: float | None = None
    two_four: bool = False
    channels: float | None = None
    lowrank: float | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise SpecError(f"a precision must be one of {known}; got {self.precision!r}")
        for name in _SHARES:
            share = getattr(self, name)
            if share is not None and not 0 < share < 1:
                raise SpecError(f"{name} takes a share in (0, 1); got {share}")
        changes = self.two_four + sum(getattr(self, name) is not None for name in _SHARES)
        if changes > 1:
            raise SpecError(f"a layer is pruned or factorised in one way at most; got {self}")

    def __str__(self) -> str:
        parts = [TWO_FOUR] if self.two_four else []
        shares = {name: getattr(self, name) for name in _SHARES}
        parts += [f"{name}:{number_text(one)}" for name, one in shares.items() if one is not None]
        if self.precision != "fp32" or not parts:
            parts.append(self.precision)
        return "+".join(parts)


def parse_treatment(text: str) -> Treatment:
    """The treatment that a text names, e.g. `int8`, `prune:0.3`, `channels:0.25+int8`, `2:4`.

    Raises:
        SpecError: A part is unknown, given twice or out of range.
    """
    found: dict[str, object] = {}
    for part in text.split("+"):
        name, value = _part(part.strip(), text)
        if name in found:
            raise SpecError(f"name each part of a treatment once; got {text!r}")
        found[name] = value
    return Treatment(**found)  # type: ignore[arg-type]


def _part(part: str, text: str) -> tuple[str, object]:
    if part in PRECISIONS:
        return "precision", part
    if part == TWO_FOUR:
        return "two_four", True
    name, colon, number = part.partition(":")
    if name in _SHARES and colon:
        try:
            return name, float(number)
        except ValueError:
            pass
    known = ", ".join((*PRECISIONS, TWO_FOUR, *(f"{one}:SHARE" for one in _SHARES)))
    raise SpecError(f"a treatment is made of {known}, joined by +; got {text!r}")


@dataclass(frozen=True)
class Mixed:
    """A treatment for every convolution and linear layer, each by name or by default.

    Args:
        default: Of layers that are not named.
        layers: Names of layers with treatments other than the default, sorted by name.
    """

    default: Treatment
    layers: tuple[tuple[str, Treatment], ...] = ()

    def __post_init__(self) -> None:
        names = [name for name, _ in self.layers]
        if names != sorted(set(names)):
            raise SpecError(f"layers must be sorted by name, each once; got {names}")
        for name in names:
            if not name or any(one in name for one in ",=:#+ "):
                raise SpecError(f"{name!r} cannot be the name of a layer")
        if any(treatment == self.default for _, treatment in self.layers):
            raise SpecError("a layer with the default treatment is not named")
        if not self.layers and self.default == Treatment():
            raise SpecError("a mixed compression changes at least one layer")

    def __str__(self) -> str:
        named = (f"{name}={treatment}" for name, treatment in self.layers)
        return f"{MIXED_PREFIX}:" + ",".join((str(self.default), *named))

    @property
    def title(self) -> str:
        """A short name for people; digits of its text tell those with many layers apart."""
        if not self.layers:
            return f"{self.default} everywhere"
        if len(self.layers) <= _NAMED:
            return f"{self.default}, " + ", ".join(f"{n} {t}" for n, t in self.layers)
        digits = hashlib.sha256(str(self).encode()).hexdigest()[:4]
        return f"{self.default} but {len(self.layers)} layers ({digits})"

    def of(self, layer: str) -> Treatment:
        """What is done to a layer."""
        return dict(self.layers).get(layer, self.default)

    @property
    def uniform(self) -> bool:
        """Whether every layer gets the same."""
        return not self.layers


def mixed(default: Treatment, layers: Mapping[str, Treatment]) -> Mixed:
    """The description of treatments by layer; those that are the default are left out."""
    own = {name: one for name, one in layers.items() if one != default}
    return Mixed(default, tuple(sorted(own.items())))


def parse_mixed(text: str) -> Mixed:
    """The compression that a text names, e.g. `mixed:int8,conv1=fp32,fc=int4`.

    Raises:
        SpecError: It is malformed, or names a layer twice.
    """
    prefix, _, rest = text.partition(":")
    if prefix != MIXED_PREFIX or not rest:
        raise SpecError(f"write mixed:TREATMENT,LAYER=TREATMENT,...; got {text!r}")
    default, *parts = rest.split(",")
    layers: dict[str, Treatment] = {}
    for part in parts:
        name, equals, treatment = (one.strip() for one in part.partition("="))
        if not equals or name in layers:
            raise SpecError(f"write each layer once, as LAYER=TREATMENT; got {part!r}")
        layers[name] = parse_treatment(treatment)
    return mixed(parse_treatment(default), layers)
