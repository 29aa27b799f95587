"""What is noted beside studies and uploads: to whom they belong, another title, put away or not.

A note lies in a file of its own, so that no id and no digest knows of it. Each shelf has its own
notes: who brings in a bundle of a study owns nothing of the study computed here.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from irs_core.errors import StoreError
from irs_core.store.bundle import SUFFIX
from irs_core.store.files import read_json, write_json
from irs_core.store.study import Origin, Study

logger = logging.getLogger(__name__)

Shelf = Literal["studies", "bundles", "shipped", "uploads"]
SHELVES: Mapping[Origin, Shelf] = {"live": "studies", "imported": "bundles", "shipped": "shipped"}
_ENDINGS: Mapping[Shelf, str] = {"studies": ".json", "bundles": SUFFIX, "uploads": ""}
MAX_TITLE = 200
MAX_TAG, MAX_TAGS = 40, 8
_FOLDER = "about"


@dataclass(frozen=True)
class About:
    """What is noted.

    Args:
        owner: Name of whom it belongs to; empty for nobody, and so for admins.
        title: Shown in place of its own; empty for its own.
        archived: Left out of lists and pickers; links still open it.
        pinned: First in lists and pickers.
        tags: Words by which studies are found, in alphabetical order.
    """

    owner: str = ""
    title: str = ""
    archived: bool = False
    pinned: bool = False
    tags: tuple[str, ...] = ()


def stored_path(root: Path, shelf: Shelf, name: str) -> Path:
    """Where what a note is about lies; nothing of the shelf `shipped` lies in the store."""
    return root / shelf / f"{name}{_ENDINGS[shelf]}"


def notes_folders(root: Path) -> dict[Path, str]:
    """Folders of notes, and the pattern of their files."""
    return {root / _FOLDER / shelf: "*.json" for shelf in SHELVES.values()}


def read_about(root: Path, shelf: Shelf, name: str) -> About:
    """What is noted; nothing where there is no note or it cannot be read."""
    path = _path(root, shelf, name)
    if not path.exists():
        return About()
    try:
        return checked_about(read_json(path))
    except StoreError as error:
        logger.warning("the note %s/%s is not used: %s", shelf, name, error)
        return About()


def write_about(root: Path, shelf: Shelf, name: str, about: About) -> None:
    """Note something in place of what was noted before.

    Raises:
        StoreError: The title is too long or cannot be printed, or the disk refuses.
    """
    checked_about(asdict(about))
    path = _path(root, shelf, name)
    if about == About():
        path.unlink(missing_ok=True)
    else:
        write_json(path, asdict(about))


def described(study: Study, root: Path) -> Study:
    """The study with what is noted beside it."""
    about = read_about(root, SHELVES[study.origin], study.record.id)
    if about == About():
        return study
    record = study.record
    if about.title:
        # The name is no part of the id; see `StudySpec.id`.
        record = replace(record, spec=replace(record.spec, name=about.title))
    return replace(
        study,
        record=record,
        owner=about.owner,
        archived=about.archived,
        pinned=about.pinned,
        tags=about.tags,
    )


def checked_about(found: object) -> About:
    """A note as it was stored.

    Raises:
        StoreError: It is none.
    """
    try:
        about = About(**found)  # type: ignore[arg-type]
        about = replace(about, tags=tuple(about.tags))
    except TypeError as error:
        raise StoreError(f"no note: {error}") from None
    texts = (about.owner, about.title, *about.tags)
    truths = (about.archived, about.pinned)
    if not all(isinstance(one, bool) for one in truths) or not all(
        isinstance(one, str) for one in texts
    ):
        raise StoreError(f"a note is of texts and truth values; got {found!r:.80}")
    if len(about.title) > MAX_TITLE or not about.title.isprintable():
        raise StoreError(
            f"a title has up to {MAX_TITLE} printable characters; got {about.title!r:.80}"
        )
    for tag in about.tags:
        if not 0 < len(tag) <= MAX_TAG or not tag.isprintable() or "," in tag:
            raise StoreError(
                f"a tag has up to {MAX_TAG} printable characters and no comma; got {tag!r:.80}"
            )
    if len(about.tags) > MAX_TAGS:
        raise StoreError(f"a study has up to {MAX_TAGS} tags; got {len(about.tags)}")
    return about


def _path(root: Path, shelf: Shelf, name: str) -> Path:
    return root / _FOLDER / shelf / f"{name}.json"
