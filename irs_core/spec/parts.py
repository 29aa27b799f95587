"""Compressions of one part of a model that denoises first: the denoiser, or the classifier."""

from dataclasses import dataclass
from typing import Literal

from irs_core.errors import SpecError
from irs_core.spec.compressions import Compression, FileModel, identity

Part = Literal["classifier", "denoiser"]
PARTS: tuple[Part, ...] = ("classifier", "denoiser")


@dataclass(frozen=True)
class PartOnly:
    """A compression of one part; the other part stays as it is.

    Args:
        part: Which part is compressed.
        of: What is done to it; of a file (`classifier:file:PATH`), the file takes its place.
    """

    part: Part
    of: Compression

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise SpecError(f"a part is {' or '.join(PARTS)}; got {self.part!r:.40}")
        if isinstance(self.of, PartOnly):
            raise SpecError(f"one part is named once; got {self.part}:{self.of}")

    def __str__(self) -> str:
        return f"{self.part}:{self.of}"

    @property
    def identity(self) -> str:
        """The content alone, wherever a file lies."""
        return f"{self.part}:{identity(self.of)}"

    @property
    def title(self) -> str:
        """A short name for people."""
        return f"{self.of.title}, {self.part} only"


def file_of(compression: Compression) -> FileModel | None:
    """The file that a compressed model, or one part of it, comes from; None where there is none."""
    whole = compression.of if isinstance(compression, PartOnly) else compression
    return whole if isinstance(whole, FileModel) else None
