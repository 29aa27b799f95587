"""Results of others in the field's text format (Cohen et al. 2019): read, kept, evaluated.

The format rounds radii to three significant digits, so whatever is computed from such a file is
as exact as its radii are. A seventh column, `origin`, says whose results they are.
"""

import codecs
import gzip
import hashlib
import io
import json
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.analysis.tsv import HEADER, ORIGIN
from irs_core.certify import ABSTAIN
from irs_core.errors import DatasetError, reason
from irs_core.graphs.files import read_bytes
from irs_core.spec.convention import COLUMN, ONE_SIDED, TWO_SIDED
from irs_core.store.files import write_bytes
from irs_core.text import NAME, plain

MAX_BYTES = 64 << 20
_COLUMNS = tuple(HEADER.split("\t"))
_FOLDER = "results"
_MOST_ORIGIN = 500
_SPAN = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_SUFFIX = re.compile(r"(\.(tsv|txt|csv))?(\.gz)?$", re.IGNORECASE)
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, eq=False)
class CohenResults:
    """Per-input results that somebody reports; nothing of them was verified here.

    Args:
        name: Of the file, for people.
        indices: Position in the full set, int64 (N,).
        labels: True class, int64 (N,).
        predicted: Certified class, -1 for ABSTAIN, int64 (N,).
        radius: Certified radius, pixel units, (N,); 0 where it abstains.
        seconds: Time per input, (N,).
        digest: SHA-256 of the file.
        rounded: The radii have three significant digits or fewer, as the format writes them.
        origin: What the file says about where its results are from; empty where it says nothing.
    """

    name: str
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    radius: NDArray[np.float64]
    seconds: NDArray[np.float64]
    digest: str
    rounded: bool
    origin: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counted(self) -> NDArray[np.float64]:
        """Radius where the class is right, 0 elsewhere, (N,)."""
        return np.where(self.predicted == self.labels, self.radius, 0.0)

    @property
    def acr(self) -> float:
        """Average certified radius over all inputs; wrong and abstaining ones count as 0."""
        return float(np.mean(self.counted))

    @property
    def accuracy(self) -> float:
        """Share of inputs with the right class; abstaining counts as wrong."""
        return float(np.mean(self.predicted == self.labels))

    def certified_accuracy(self, radii: ArrayLike) -> NDArray[np.float64]:
        """Share of inputs that are right with a radius of at least each of `radii`.

        At least, as in the field's scripts; rounding can lift a radius onto the cut.
        """
        cuts = np.asarray(radii, np.float64)
        right = self.predicted == self.labels
        reached = np.sort(self.radius[right])
        return np.asarray(
            (len(reached) - np.searchsorted(reached, cuts, side="left")) / len(self), np.float64
        )


def parse_cohen(content: bytes, name: str) -> CohenResults:
    """Results from the content of a file: six tab-separated columns, `idx label predict radius
    correct time`, and perhaps `origin`, one text for all lines; the time in seconds or as H:MM:SS.
    The file may be gzipped.

    Raises:
        DatasetError: A line breaks a rule; the message names it.
    """
    lines = _lines(content, name)
    columns = _head(lines)
    if COLUMN in columns:
        raise DatasetError(
            f"{name!r} holds {TWO_SIDED} radii, which do not compare with the field's; write it "
            f"with {ONE_SIDED} radii to import it"
        )
    if columns not in (_COLUMNS, (*_COLUMNS, ORIGIN)):
        raise DatasetError(
            f"{name!r} must begin with the columns {', '.join(_COLUMNS)}, and may have {ORIGIN}"
        )
    numbered = list(_numbered(lines))
    if not numbered:
        raise DatasetError(f"{name!r} holds no results")
    rows = [_row(name, number, line, len(columns)) for number, line in numbered]
    origin = _origin(name, numbered) if ORIGIN in columns else ""
    indices, labels, predicted, radius, seconds = zip(*rows, strict=True)
    if len(set(indices)) != len(indices):
        raise DatasetError(f"{name!r} lists an input twice")
    return CohenResults(
        name,
        np.array(indices, np.int64),
        np.array(labels, np.int64),
        np.array(predicted, np.int64),
        np.array(radius, np.float64),
        np.array(seconds, np.float64),
        hashlib.sha256(content).hexdigest(),
        rounded=all(float(f"{one:.3g}") == one for one in radius),
        origin=origin,
    )


def is_results(content: bytes) -> bool:
    """Whether a file's content is in the format, by its first line."""
    try:
        lines = _lines(content, "")
    except DatasetError:
        return False
    return _head(lines)[: len(_COLUMNS)] == _COLUMNS


def _head(lines: list[str]) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in lines[0].split("\t")) if lines else ()


def _lines(content: bytes, name: str) -> list[str]:
    if content.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DatasetError(f"{name!r} is a damaged gzip file: {reason(error)}") from None
        if len(content) > MAX_BYTES:
            raise DatasetError(f"{name!r} may unpack to at most {MAX_BYTES} bytes")
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        # Spreadsheets put a byte-order mark before the first column's name.
        return content.decode("utf-16" if wide else "utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise DatasetError(f"{name!r} is no text file") from None


def import_cohen(path: Path, root: Path) -> CohenResults:
    """Check a file of results and keep a copy below the store's root, by its digest.

    Raises:
        DatasetError: It is not in the format; the store is untouched.
        StoreError: The disk refuses.
    """
    found = read_results(path)
    keep_results(path, root)
    return found


def read_results(path: Path) -> CohenResults:
    """The results in a file.

    Raises:
        DatasetError: It is not in the format.
    """
    if plain(path.name, NAME) != path.name:
        raise DatasetError(
            f"a file name has at most {NAME} letters, no control characters and none that are not "
            f"seen; got {path.name!r:.80}"
        )
    return parse_cohen(read_bytes(path, MAX_BYTES), _named(path))


def keep_results(path: Path, root: Path) -> None:
    """Keep a copy of a file that was checked below the store's root, by its digest.

    Raises:
        StoreError: The disk refuses.
    """
    content = read_bytes(path, MAX_BYTES)
    place = root / _FOLDER / hashlib.sha256(content).hexdigest()[:16]
    write_bytes(place.with_suffix(".json"), json.dumps({"name": _named(path)}).encode())
    write_bytes(place.with_suffix(".tsv"), content)


def _named(path: Path) -> str:
    # Names such as sigma_0.25 have no suffix.
    return _SUFFIX.sub("", path.name)


def imported_results(root: Path) -> list[CohenResults]:
    """All results that were imported into a store, by name; unreadable ones left out."""
    return sorted(_kept(root / _FOLDER), key=lambda one: one.name)


def _kept(folder: Path) -> Iterator[CohenResults]:
    for path in folder.glob("*.tsv"):
        try:
            name = json.loads(path.with_suffix(".json").read_text())["name"]
            yield parse_cohen(read_bytes(path, MAX_BYTES), str(name))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _numbered(lines: list[str]) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(lines[1:], start=2) if line.strip())


def _origin(name: str, numbered: list[tuple[int, str]]) -> str:
    """What all lines say in their last column."""
    first = numbered[0][1].split("\t")[-1].strip()
    if plain(first) != first or not 0 < len(first) <= _MOST_ORIGIN:
        raise DatasetError(
            f"{name!r}: an {ORIGIN} must be a text of 1 to {_MOST_ORIGIN} printable characters; "
            f"got {first[:80]!r}"
        )
    for number, line in numbered:
        if line.split("\t")[-1].strip() != first:
            raise DatasetError(f"{name!r}, line {number}: all lines must have one {ORIGIN}")
    return first


def _row(name: str, number: int, line: str, columns: int) -> tuple[int, int, int, float, float]:
    cells = [cell.strip() for cell in line.split("\t")]
    try:
        index, label, predicted = (_whole(cell) for cell in cells[:3])
        radius, correct, seconds = float(cells[3]), _whole(cells[4]), _seconds(cells[5])
        fits = (
            len(cells) == columns
            and 0 <= index < 2**63
            and 0 <= label < 2**31
            and ABSTAIN <= predicted < 2**31
            and 0 <= radius < math.inf
            and 0 <= seconds < math.inf
            and correct == int(predicted == label)
            and (predicted != ABSTAIN or radius == 0)
        )
    except (ValueError, IndexError):
        fits = False
    if not fits:
        raise DatasetError(
            f"{name!r}, line {number}: need idx, label, predict (-1 abstains, then radius 0), "
            f"radius >= 0, correct (1 where predict is label) and time; got {line[:80]!r}"
        )
    return index, label, predicted, radius, seconds


def _whole(text: str) -> int:
    # Data frames with gaps write whole numbers as 3.0.
    return int(text.removesuffix(".0"))


def _seconds(text: str) -> float:
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        return float(text)
    days, hours, minutes, seconds = match.groups()
    return (int(days or 0) * 24 + int(hours)) * 3600 + int(minutes) * 60 + float(seconds)
