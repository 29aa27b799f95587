"""What the app takes of a child's answer: texts are cut, numbers are made numbers."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from irs_core.errors import SandboxError

# That a model is tried on where somebody waits for it on a page.
TRIED_IMAGES = 50
_MOST_TEXT = 2000
_HEX = re.compile(r"[0-9a-f]{8,64}")
_SENSELESS = "the file's reader gave an answer that makes no sense: save the file again"
Row = TypeVar("Row")
Part = TypeVar("Part")


@dataclass(frozen=True)
class ModelFacts:
    """What a weights file turned out to hold."""

    arch: str
    num_classes: int
    input_shape: tuple[int, ...] | None
    parameters: int
    size_bytes: int
    digest: str


@dataclass(frozen=True)
class DataFacts:
    """What a data specification selects.

    Args:
        total: Images in the split.
        reported, held_out: Images selected for each role.
    """

    description: str
    classes: int
    total: int
    reported: int
    held_out: int


@dataclass(frozen=True)
class DryRow:
    """What a dry run measured of one classifier; as in `irs_core.check.CheckRow`."""

    title: str
    clean: float
    noisy: float
    voted: float
    agreement: float
    rate: float
    digest: str
    execution: str


@dataclass(frozen=True)
class DryRun:
    """A dry run.

    Args:
        data: The images, in a sentence.
        rows: The original, then each compressed classifier.
        warnings: Sentences about what is likely to disappoint or to be a mistake.
        ways: What helps a model that was not trained under the noise; see
            `irs_core.check.CheckReport`.
        offers: What to type for each of them and to compare them, a sentence each.
        channels, class_list: What was changed of the data to fit the model; see `DataSpec`.
    """

    data: str
    rows: tuple[DryRow, ...]
    warnings: tuple[str, ...]
    ways: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    channels: int | None = None
    class_list: str | None = None


@dataclass(frozen=True)
class WayRow:
    """What a pilot tells of one way; as in `irs_core.ways.Way`."""

    name: str
    clean: float
    noisy: float
    voted: float
    certified: tuple[float, ...]
    rate: float
    trained: str
    seconds: float
    refused: str


@dataclass(frozen=True)
class Ways:
    """A pilot.

    Args:
        radii: Of the certified shares that it predicts.
        levels: How often a denoiser may halve the images.
        images: Training images of the data set; 0 where it has none.
    """

    radii: tuple[float, ...]
    rows: tuple[WayRow, ...]
    levels: int
    images: int


@dataclass(frozen=True)
class ResultsRow:
    """Per-input results that somebody reports, in numbers; nothing of them was verified here."""

    name: str
    inputs: int
    accuracy: float
    acr: float
    rounded: bool
    origin: str
    digest: str


def row(kind: type[Row], found: Any) -> Row:
    """A row of texts and numbers; whatever else was said is left out.

    Raises:
        SandboxError: A field is missing, or of another kind.
    """
    try:
        return kind(**{one.name: _MAKERS[one.type](found[one.name]) for one in fields(kind)})  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise SandboxError(_SENSELESS) from None


def text(value: Any) -> str:
    """A text of bounded length."""
    return str(value)[:_MOST_TEXT]


def part(found: Any, name: str, kind: type[Part]) -> Part:
    """A named part of an answer.

    Raises:
        SandboxError: It is missing, or of another kind.
    """
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, kind):
        raise SandboxError(_SENSELESS)
    return value


def parts(found: Any, kind: type[Part]) -> list[Part]:
    """The members of a list, all of one kind.

    Raises:
        SandboxError: It is no list, or a member is of another kind.
    """
    if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
        raise SandboxError(_SENSELESS)
    return found


def hexadecimal(value: Any) -> str:
    """An id or a digest.

    Raises:
        SandboxError: It is none.
    """
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise SandboxError(_SENSELESS)
    return value


def _shape(value: Any) -> tuple[int, ...] | None:
    return None if value is None else tuple(int(one) for one in value)


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(float(one) for one in value)


_MAKERS: dict[Any, Callable[[Any], Any]] = {
    str: text,
    int: int,
    float: float,
    bool: bool,
    tuple[int, ...] | None: _shape,
    tuple[float, ...]: _numbers,
}
