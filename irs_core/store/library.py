"""All studies that can be looked at: the live store's, the shipped and the imported bundles'."""

import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from irs_core.errors import StoreError
from irs_core.store.bundle import SUFFIX, Bundle, open_bundle, read_bundle, write_bundle
from irs_core.store.evidence import EvidenceArray, EvidenceKey, create_evidence, read_evidence
from irs_core.store.files import read_json, write_bytes, write_json
from irs_core.store.records import StudyRecord

logger = logging.getLogger(__name__)

Origin = Literal["live", "shipped", "imported"]
_SOURCE = Path(__file__).resolve().parents[2]
# An installed package keeps its results with the user, not among the packages.
_PROJECT = _SOURCE if (_SOURCE / "pyproject.toml").exists() else Path.home() / ".irs"


def default_root() -> Path:
    """Folder of the live store: IRS_STORE, or `cached_results/live` beside the program."""
    return Path(os.environ.get("IRS_STORE") or _PROJECT / "cached_results" / "live")


def shipped_folder() -> Path:
    """Folder of read-only bundles: IRS_SHIPPED, or `cached_results` beside the program."""
    return Path(os.environ.get("IRS_SHIPPED") or _PROJECT / "cached_results")


@dataclass(frozen=True)
class Study:
    """A study with access to its evidence.

    Args:
        folder: Where live evidence lies.
        bundle: What holds the evidence of a study that is not live.
        origin: Computed here, come with the program, or reported by somebody else.
    """

    record: StudyRecord
    folder: Path
    bundle: Bundle | None = None
    origin: Origin = "live"

    @property
    def shipped(self) -> bool:
        """Whether it comes from a bundle, of either origin, and cannot be extended in place."""
        return self.bundle is not None

    def evidence(self, evidence_id: str) -> EvidenceArray:
        """One of its arrays.

        Raises:
            StoreError: It is not there or cannot be opened.
        """
        if self.bundle is not None:
            return self.bundle.evidence(evidence_id)
        return read_evidence(self.folder / evidence_id, self.folder / evidence_id / "journal.jsonl")


class Library:
    """A live store below `root`, beside a folder of read-only bundles."""

    def __init__(self, root: Path | None = None, shipped: Path | None = None) -> None:
        """Use the given folders, by default the program's own; neither has to exist."""
        self.root = root or default_root()
        self._shipped = shipped or shipped_folder()

    @property
    def evidence_folder(self) -> Path:
        """Where live evidence lies."""
        return self.root / "evidence"

    def study_path(self, study_id: str) -> Path:
        """The manifest of a live study."""
        return self.root / "studies" / f"{study_id}.json"

    def save(self, record: StudyRecord) -> None:
        """Write or replace a live study's manifest."""
        write_json(self.study_path(record.id), record.to_dict())

    def discard(self, study_id: str) -> None:
        """Remove a live study's manifest; its evidence stays for others that use it."""
        self.study_path(study_id).unlink(missing_ok=True)

    def live_record(self, study_id: str) -> StudyRecord | None:
        """The manifest of a live study; None where there is none that can be read."""
        try:
            return StudyRecord.from_dict(read_json(self.study_path(study_id)))
        except StoreError:
            return None

    def save_pilot(self, record: StudyRecord) -> None:
        """Write or replace what the pilot of a study left behind; it is no study of the store."""
        write_json(self._pilot_path(record.id), record.to_dict())

    def pilot_record(self, study_id: str) -> StudyRecord | None:
        """What `save_pilot` wrote; None where there is none that can be read."""
        try:
            return StudyRecord.from_dict(read_json(self._pilot_path(study_id)))
        except StoreError:
            return None

    def _pilot_path(self, study_id: str) -> Path:
        return self.root / "pilots" / f"{study_id}.json"

    def open_evidence(
        self, key: EvidenceKey, *, n_inputs: int, classes: int, pixels: int
    ) -> EvidenceArray:
        """A live array to read and extend, made if it is not there."""
        return create_evidence(
            self.evidence_folder, key, n_inputs=n_inputs, classes=classes, pixels=pixels
        )

    def studies(self) -> list[Study]:
        """Every readable study, latest first; unreadable ones are logged and left out.

        Of several with one specification the finished ones come first; among those, and among
        unfinished ones, live wins over shipped, and shipped over imported.
        """
        imported = self._from_bundles(self._imported, "imported")
        shipped = self._from_bundles(self._shipped, "shipped")
        found: dict[str, Study] = {}
        for study in (*imported, *shipped, *self._live()):
            known = found.get(study.record.id)
            if known is None or study.record.finished or not known.record.finished:
                found[study.record.id] = study
        return sorted(found.values(), key=lambda study: study.record.created, reverse=True)

    def open(self, study_id: str) -> Study:
        """The study of that id.

        Raises:
            StoreError: There is none.
        """
        for study in self.studies():
            if study.record.id == study_id:
                return study
        raise StoreError(f"no study {study_id!r} in the store")

    def export(self, study_id: str, path: Path) -> None:
        """Write a study of the live store to a bundle file.

        Raises:
            StoreError: There is no such live study, its evidence is missing or damaged, or the
                disk refuses.
        """
        study = self.open(study_id)
        if study.bundle is not None:
            raise StoreError(f"study {study_id} is a bundle already")
        write_bundle(path, study.record, self.evidence_folder)

    def bundle_bytes(self, study_id: str) -> bytes:
        """A study as a bundle file: written anew if it is live, else the file that it came in.

        Raises:
            StoreError: There is no such study, or its evidence is missing or damaged.
        """
        study = self.open(study_id)
        if study.bundle is None:
            with TemporaryDirectory() as folder:
                path = Path(folder) / f"{study_id}{SUFFIX}"
                write_bundle(path, study.record, self.evidence_folder)
                return path.read_bytes()
        for place in (self._shipped, self._imported):
            for path in sorted(place.glob(f"*{SUFFIX}")):
                try:
                    bundle = self._open_bundle(path)
                except (StoreError, OSError):
                    continue
                if bundle.record.id == study_id:
                    return path.read_bytes()
        raise StoreError(f"the bundle of study {study_id} is gone")

    def import_bundle(self, path: Path) -> StudyRecord:
        """Verify a bundle and keep a copy of it beside the live store.

        Its evidence stays in the bundle, read-only: predictions that somebody else reports must
        never be taken for the predictions of a model that runs here.

        Raises:
            BundleError: The bundle is damaged or unsafe; the store is untouched.
        """
        bundle = read_bundle(path)
        write_bytes(self._imported / f"{bundle.record.id}{SUFFIX}", path.read_bytes())
        return bundle.record

    @property
    def _imported(self) -> Path:
        return self.root / "bundles"

    def _live(self) -> list[Study]:
        studies = []
        for path in sorted((self.root / "studies").glob("*.json")):
            try:
                studies.append(Study(StudyRecord.from_dict(read_json(path)), self.evidence_folder))
            except StoreError as error:
                logger.warning("left out %s: %s", path.name, error)
        return studies

    def _from_bundles(self, folder: Path, origin: Origin) -> list[Study]:
        studies = []
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                bundle = self._open_bundle(path)
                studies.append(Study(bundle.record, self.evidence_folder, bundle, origin))
            except (StoreError, OSError) as error:
                logger.warning("left out %s: %s", path.name, error)
        return studies

    def _open_bundle(self, path: Path) -> Bundle:
        return _opened(path, path.stat().st_mtime_ns, self.root / "verified")


@lru_cache(maxsize=64)
def _opened(path: Path, _modified: int, verified: Path) -> Bundle:
    return open_bundle(path, verified)
