"""Kinds of compressions: one entry each, which forms, tables, colours and documents loop over."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from irs_core.errors import SpecError, UnknownKeyError
from irs_core.spec.compressions import (
    FILE_PREFIX,
    NORMALIZED_PREFIX,
    OBJECT_PREFIX,
    Compression,
    FileModel,
    HalfCompute,
    HalfWeights,
    Int8Dynamic,
    Int8Static,
    IntegerOnly,
    LowRank,
    MagnitudePrune,
    ObjectModel,
    number_text,
)
from irs_core.spec.mixed import MIXED_PREFIX, parse_mixed
from irs_core.spec.outside import CALL_PREFIX, SERVER_PREFIXES, CodeModel, ServedModel
from irs_core.spec.parts import PARTS, PartOnly

_LIKE_A_FILE = re.compile(r"/|\.[A-Za-z]\w*$")


@dataclass(frozen=True)
class Number:
    """The number that a kind of compression takes after its colon.

    Args:
        choices: Values that a form offers; any other in range can be typed.
        default: The value chosen at first.
        strength: How strongly a value compresses, about 0 to 1; decides how dark its colour is.
        optional: Whether the kind goes without.
    """

    choices: tuple[str, ...]
    default: str
    strength: Callable[[float], float]
    optional: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of compression: all that forms, tables, colours and documents know about it.

    Args:
        name: What its text form begins with.
        title: For people.
        sentence: What really happens to the network.
        hue: Place in the palette of models; each kind has its own.
        make: The description, from the number or from None.
        number: The number it takes; None for none.
    """

    name: str
    title: str
    sentence: str
    hue: int
    make: Callable[[float | None], Compression]
    number: Number | None = None

    @property
    def form(self) -> str:
        """Its text form, with a word in the place of the number."""
        return self.name if self.number is None else f"{self.name}:NUMBER"

    @property
    def example(self) -> str:
        """A text form that can be used as it is."""
        if self.number is None or self.number.optional:
            return self.name
        return f"{self.name}:{self.number.default}"


KINDS: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Make a kind of compression known.

    Raises:
        SpecError: Its name or its hue is taken.
    """
    for other in KINDS.values():
        if kind.name == other.name or kind.hue == other.hue:
            raise SpecError(
                f"a kind of compression needs a name and a hue of its own; {kind.name} and "
                f"{other.name} share one"
            )
    KINDS[kind.name] = kind


def _whole(number: float | None) -> int:
    if number is None:
        return 8
    if not number.is_integer():
        raise SpecError(f"bits of a weight must be a whole number; got {number_text(number)}")
    return int(number)


def _needed(
    make: Callable[[float], Compression], name: str
) -> Callable[[float | None], Compression]:
    def made(number: float | None) -> Compression:
        if number is None:
            raise SpecError(f"{name} needs a number, as in {name}:0.1; got none")
        return make(number)

    return made


def _halvings(number: float) -> float:
    """Each doubling of a share counts as much."""
    return math.log2(max(number, 1e-3) / 0.05) / 3


_SHARES = Number(("0.05", "0.1", "0.2", "0.3"), "0.1", _halvings)
for _kind in (
    Kind(
        "fp16",
        "16-bit weights (fp16)",
        "Weights rounded to half precision; arithmetic in 32 bits.",
        0,
        lambda _: HalfWeights("fp16"),
    ),
    Kind(
        "bf16",
        "16-bit weights (bf16)",
        "Weights rounded to bfloat16; arithmetic in 32 bits.",
        5,
        lambda _: HalfWeights("bf16"),
    ),
    Kind(
        "fp16-compute",
        "16-bit arithmetic (fp16)",
        "Everything in half precision; meant for a GPU.",
        9,
        lambda _: HalfCompute("fp16"),
    ),
    Kind(
        "bf16-compute",
        "16-bit arithmetic (bf16)",
        "Everything in bfloat16, where the device can do it.",
        7,
        lambda _: HalfCompute("bf16"),
    ),
    Kind(
        "int8",
        "8-bit static (int8)",
        "Every convolution and linear layer in int8, weights and activations; CPU only.",
        3,
        lambda _: Int8Static(),
    ),
    Kind(
        "int8-dynamic",
        "8-bit dynamic",
        "PyTorch's dynamic int8, one scale per image: linear layers only, every convolution stays "
        "in 32 bits.",
        8,
        lambda _: Int8Dynamic(),
    ),
    Kind(
        "integer",
        "Integers only",
        "No floating point from the pixels to the scores: weights of 2 to 8 bits, 8 where no "
        "number is given, 8-bit activations, 32-bit sums. Best with noise on the pixel grid.",
        10,
        lambda number: IntegerOnly(_whole(number)),
        Number(("8", "6", "4"), "8", _halvings, optional=True),
    ),
    Kind(
        "int8-mixed",
        "8-bit static, mixed",
        "As int8, but the layers that change most answers stay in 32 bits, until at most the given "
        "share of noisy calibration images, in (0, 1), changes its class.",
        6,
        _needed(Int8Static, "int8-mixed"),
        Number(("0.005", "0.01", "0.02"), "0.01", lambda number: number / 0.03),
    ),
    Kind(
        "prune",
        "Pruning, global",
        "The smallest weights of the whole network are set to zero, by a ratio in (0, 1).",
        1,
        _needed(lambda number: MagnitudePrune(number, "global"), "prune"),
        _SHARES,
    ),
    Kind(
        "prune-layer",
        "Pruning, per layer",
        "The smallest weights of each layer are set to zero, by a ratio in (0, 1).",
        4,
        _needed(lambda number: MagnitudePrune(number, "layer"), "prune-layer"),
        _SHARES,
    ),
    Kind(
        "lowrank",
        "Low rank",
        "Each layer becomes two thinner ones that keep a share of its energy, in (0, 1].",
        2,
        _needed(LowRank, "lowrank"),
        Number(("0.8", "0.9", "0.95", "0.99"), "0.95", lambda number: (1 - number) / 0.2),
    ),
):
    register_kind(_kind)


def known_compressions() -> tuple[str, ...]:
    """All text forms, with a word in the place of a number or a path."""
    kinds = KINDS.values()
    plain = [one.name for one in kinds if one.number is None or one.number.optional]
    numbered = [one.form for one in kinds if one.number is not None]
    written = (f"{MIXED_PREFIX}:LIST", f"{FILE_PREFIX}:PATH", f"{NORMALIZED_PREFIX}:PATH")
    return (*plain, *numbered, *written)


def parse_compression(text: str) -> Compression:
    """The compression that a text names, e.g. `fp16`, `prune:0.1`, `lowrank:0.95`.

    No file is read: `file:PATH#DIGEST` needs the digest, which `irs_core.graphs` finds.

    Raises:
        UnknownKeyError: No compression has that name.
        SpecError: The number is missing, malformed or out of range.
    """
    text = text.strip()
    name, colon, number = text.partition(":")
    if name in (FILE_PREFIX, NORMALIZED_PREFIX):
        path, _, digest = number.rpartition("#")
        return FileModel(path, digest, name == NORMALIZED_PREFIX)
    for part in PARTS:
        if name == part:
            return PartOnly(part, parse_compression(number))
    if name == MIXED_PREFIX:
        return parse_mixed(text)
    if name == OBJECT_PREFIX:
        label, _, digest = number.rpartition("#")
        return ObjectModel(label, digest)
    if name == CALL_PREFIX:
        address, _, digest = number.rpartition("#")
        return CodeModel(address, digest)
    if name in SERVER_PREFIXES:
        url, _, digest = text.rpartition("#")
        return ServedModel(url, digest)
    kind = KINDS.get(name)
    if kind is None or (colon and kind.number is None):
        if _LIKE_A_FILE.search(text):
            raise UnknownKeyError(f"a model's file is named as file:{text}; got {text!r}")
        known = ", ".join(known_compressions())
        raise UnknownKeyError(f"unknown compression {text!r}; known: {known}")
    if not colon:
        return kind.make(None)
    try:
        value = float(number)
    except ValueError:
        raise SpecError(f"{name} needs a number, as in {kind.example}; got {text!r}") from None
    return kind.make(value)
