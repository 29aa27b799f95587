"""What can be done to a network to make it smaller: plain descriptions, no torch.

`irs_core.approx` applies them. The text form (`prune:0.1`) is what the command line, the app and
stored studies use; `compression_kinds` reads it and says what people are told about each kind.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, Protocol

from irs_core.errors import SpecError


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


FILE_PREFIX, NORMALIZED_PREFIX, OBJECT_PREFIX = "file", "file-normalized", "object"
_DIGEST = re.compile(r"[0-9a-f]{16}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

HalfFormat = Literal["fp16", "bf16"]
PruneScope = Literal["global", "layer"]


class Compression(Protocol):
    """A description of a compression: a frozen dataclass whose text reads back as the same."""

    @property
    def title(self) -> str:
        """A short name for people."""


@dataclass(frozen=True)
class HalfWeights:
    """Weights rounded to a 16-bit format; arithmetic stays in 32 bits."""

    format: HalfFormat

    def __str__(self) -> str:
        return self.format

    @property
    def title(self) -> str:
        """A short name for people."""
        return f"{self.format} weights"


@dataclass(frozen=True)
class HalfCompute:
    """Weights, activations and arithmetic in a 16-bit format; needs a device that has it."""

    format: HalfFormat

    def __str__(self) -> str:
        return f"{self.format}-compute"

    @property
    def title(self) -> str:
        """A short name for people."""
        return f"{self.format} compute"


@dataclass(frozen=True)
class Int8Dynamic:
    """PyTorch's dynamic int8: linear layers only; every convolution stays in 32 bits."""

    def __str__(self) -> str:
        return "int8-dynamic"

    @property
    def title(self) -> str:
        """A short name for people."""
        return "int8 dynamic (linear only)"


@dataclass(frozen=True)
class Int8Static:
    """Static int8 of all convolutions and linear layers: weights per channel, activations too.

    Args:
        max_disagreement: Leave the layers that cost most in 32 bits until the network answers
            differently on at most this share of noisy calibration images, in (0, 1). None
            quantises every layer.
    """

    max_disagreement: float | None = None

    def __post_init__(self) -> None:
        if self.max_disagreement is not None and not 0 < self.max_disagreement < 1:
            raise SpecError(f"int8 disagreement must be in (0, 1); got {self.max_disagreement}")

    def __str__(self) -> str:
        if self.max_disagreement is None:
            return "int8"
        return f"int8-mixed:{number_text(self.max_disagreement)}"

    @property
    def title(self) -> str:
        """A short name for people."""
        if self.max_disagreement is None:
            return "int8"
        return f"int8 mixed, at most {100 * self.max_disagreement:g}% changed"


@dataclass(frozen=True)
class IntegerOnly:
    """A network that computes in integers from the pixels to the scores (Lin et al. 2021).

    Weights per channel, activations of 8 bits, 32-bit sums, multiplier and shift after each layer;
    batch normalisation is folded in.

    Args:
        bits: Bits of a weight, 2 to 8.
    """

    bits: int = 8

    def __post_init__(self) -> None:
        if self.bits not in range(2, 9):
            raise SpecError(f"an integer network has weights of 2 to 8 bits; got {self.bits}")

    def __str__(self) -> str:
        return "integer" if self.bits == 8 else f"integer:{self.bits}"

    @property
    def title(self) -> str:
        """A short name for people."""
        return f"integer only, {self.bits}-bit weights"


@dataclass(frozen=True)
class MagnitudePrune:
    """The smallest weights of convolutions and linear layers set to zero.

    Args:
        ratio: Share of weights set to zero, in (0, 1).
        scope: `global` ranks all layers together, `layer` each layer on its own.
    """

    ratio: float
    scope: PruneScope = "global"

    def __post_init__(self) -> None:
        if not 0 < self.ratio < 1:
            raise SpecError(f"pruning ratio must be in (0, 1); got {self.ratio}")

    def __str__(self) -> str:
        name = "prune" if self.scope == "global" else "prune-layer"
        return f"{name}:{number_text(self.ratio)}"

    @property
    def title(self) -> str:
        """A short name for people."""
        where = "" if self.scope == "global" else " per layer"
        return f"prune {100 * self.ratio:g}%{where}"


@dataclass(frozen=True)
class LowRank:
    """Convolutions and linear layers replaced by two thinner ones (truncated SVD).

    Args:
        energy: Share of each layer's squared singular values kept, in (0, 1].
    """

    energy: float

    def __post_init__(self) -> None:
        if not 0 < self.energy <= 1:
            raise SpecError(f"low-rank energy must be in (0, 1]; got {self.energy}")

    def __str__(self) -> str:
        return f"lowrank:{number_text(self.energy)}"

    @property
    def title(self) -> str:
        """A short name for people."""
        return f"low rank {100 * self.energy:g}% energy"


@dataclass(frozen=True)
class FileModel:
    """A compressed network that is a file already: the one that is deployed.

    Args:
        path: Absolute path of an .onnx or .xml file, of weights for the original's architecture, of
            an integer network or of a TorchScript archive.
        digest: First 16 hexadecimal digits of the SHA-256 of its content. A study is about this
            content: another path makes no other study, another content is refused.
        normalize: The file's network takes normalised images, so that the original's
            normalisation comes before it; else it takes [0, 1] images.
    """

    path: str
    digest: str
    normalize: bool = False

    def __post_init__(self) -> None:
        if not self.path or _UNPRINTABLE.search(self.path):
            raise SpecError(f"a path must be a text without control characters; got {self.path!r}")
        if not _DIGEST.fullmatch(self.digest):
            raise SpecError(f"a file's digest has 16 hexadecimal digits; got {self.digest!r:.40}")

    def __str__(self) -> str:
        return f"{self._kind}:{self.path}#{self.digest}"

    @property
    def identity(self) -> str:
        """The content alone, wherever the file lies."""
        return f"{self._kind}:{self.digest}"

    @property
    def title(self) -> str:
        """A short name for people."""
        return f"{PurePath(self.path).name} {self.digest[:8]}"

    @property
    def _kind(self) -> str:
        return NORMALIZED_PREFIX if self.normalize else FILE_PREFIX


@dataclass(frozen=True)
class ObjectModel:
    """A compressed network that is an object of the process that certifies it.

    Args:
        name: For people.
        digest: 16 hexadecimal digits that stand for what it answers.
    """

    name: str
    digest: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]{1,60}", self.name) or not _DIGEST.fullmatch(self.digest):
            raise SpecError(
                f"an object is named as object:NAME#DIGEST; got {self.name!r:.80} and "
                f"{self.digest!r:.40}"
            )

    def __str__(self) -> str:
        return f"{OBJECT_PREFIX}:{self.name}#{self.digest}"

    @property
    def title(self) -> str:
        """A short name for people."""
        return self.name


def identity(compression: Compression) -> str:
    """What of a compression decides about predictions: its text, but of a file the content."""
    return str(getattr(compression, "identity", compression))


def check_once(compressions: Sequence[Compression]) -> None:
    """Refuse compressions that make the same predictions.

    Raises:
        SpecError: Names two of them, of files their paths.
    """
    known: dict[str, str] = {}
    for one in compressions:
        shown = one.path if isinstance(one, FileModel) else str(one)
        key = identity(one)
        if key in known and known[key] != shown:
            raise SpecError(
                f"{known[key]} and {shown} are the same file, byte for byte; name one of them"
            )
        if key in known:
            raise SpecError(f"each compression may appear once; got {shown} twice")
        known[key] = shown
