"""How large a bundle may be, asked of its table of contents before anything is unpacked."""

import zipfile
from collections import Counter
from collections.abc import Sequence

from irs_core.errors import BundleError

# Of the file, and of all that it unpacks to.
MAX_FILE_BYTES = 1 << 30
MAX_BYTES = 1 << 30
MAX_FILES = 200_000
MAX_STUDY_BYTES = 1 << 25
# A chunk has 32 x 500 class ids of two bytes at most, compressed; its note takes a line or a few.
_CHUNK, _DESCRIPTION, _NOTES_PER_CHUNK = 1 << 16, 1 << 16, 1 << 11


def check_total(sizes: Sequence[int], most: int = MAX_BYTES) -> None:
    """Refuse too many or too large files.

    Raises:
        BundleError: The rule that is broken.
    """
    if len(sizes) > MAX_FILES:
        raise BundleError(f"a bundle may hold {MAX_FILES} files; this one has {len(sizes)}")
    if sum(sizes) > most:
        way = "" if most == MAX_BYTES else ": raise IRS_UPLOAD_MB, or import it by ./irs import"
        raise BundleError(f"a bundle may unpack to {most} bytes; this one to {sum(sizes)}{way}")


def check_entries(entries: Sequence[zipfile.ZipInfo], most: int = MAX_BYTES) -> None:
    """Refuse an archive by the sizes that it declares, which unpacking never exceeds.

    Raises:
        BundleError: It holds too much, or a file that is larger than its kind can be.
    """
    check_total([one.file_size for one in entries], most)
    chunks = Counter(_array(one.filename) for one in entries if _is_chunk(one.filename))
    for one in entries:
        allowed = _allowed(one.filename, chunks)
        if one.file_size > allowed:
            raise BundleError(
                f"{one.filename[:80]!r} of a bundle may have {allowed} bytes; this one has "
                f"{one.file_size}"
            )


def _allowed(name: str, chunks: Counter[str]) -> int:
    if _is_chunk(name):
        return _CHUNK
    if name.endswith("/zarr.json"):
        return _DESCRIPTION
    if name.endswith("/journal.jsonl"):
        return _DESCRIPTION + _NOTES_PER_CHUNK * chunks[_array(name)]
    return MAX_STUDY_BYTES


def _is_chunk(name: str) -> bool:
    return "/c/" in name or "/d/" in name


def _array(name: str) -> str:
    return "/".join(name.split("/", 2)[:2])
