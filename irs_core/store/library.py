"""All studies that can be looked at: the live store's, the shipped and the imported bundles'."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from irs_core.errors import BundleError, StoreError
from irs_core.spec.paths import expanded
from irs_core.store.about import described
from irs_core.store.audit import exportable
from irs_core.store.bundle import (
    SUFFIX,
    Bundle,
    open_bundle,
    read_bundle,
    remember,
    unpack_evidence,
    write_bundle,
)
from irs_core.store.evidence import EvidenceArray, EvidenceKey, create_evidence
from irs_core.store.files import write_bytes
from irs_core.store.manifests import Manifest, read_manifest, readable_record, write_manifest
from irs_core.store.naming import named
from irs_core.store.per_file import State, file_state, kept_per_file
from irs_core.store.records import StudyRecord
from irs_core.store.study import Origin, Study
from irs_core.store.trash import deleted_records

__all__ = ["Damaged", "Library", "Origin", "Study", "Survey", "default_root", "shipped_folder"]

logger = logging.getLogger(__name__)

_MARK_DIGITS = 12
# Reasons that a notice gives; the command that it names gives all.
_NAMED = 3

_SOURCE = Path(__file__).resolve().parents[2]
# An installed package keeps its results with the user, not among the packages.
_PROJECT = _SOURCE if (_SOURCE / "pyproject.toml").exists() else Path.home() / ".irs"


def default_root() -> Path:
    """Folder of the live store: IRS_STORE, or `cached_results/live` beside the program."""
    return expanded(os.environ.get("IRS_STORE") or _PROJECT / "cached_results" / "live")


def shipped_folder() -> Path:
    """Folder of read-only bundles: IRS_SHIPPED, or `cached_results` beside the program."""
    return expanded(os.environ.get("IRS_SHIPPED") or _PROJECT / "cached_results")


@dataclass(frozen=True)
class Damaged:
    """A file of a study that cannot be opened."""

    path: Path
    reason: str
    origin: Origin

    @property
    def name(self) -> str:
        """Of its file, without the suffix: the study's id, where the file is named by that."""
        return self.path.name.removesuffix(SUFFIX).removesuffix(".json")


@dataclass(frozen=True)
class Survey:
    """What lies in a library.

    Args:
        studies: Those that can be opened, latest first.
        damaged: Those that cannot.
    """

    studies: tuple[Study, ...]
    damaged: tuple[Damaged, ...]

    @property
    def notices(self) -> tuple[str, ...]:
        """What somebody who looks at the studies has to be told, a sentence each."""
        found = []
        if self.damaged:
            several = len(self.damaged) > 1
            reasons = "; ".join(f"{one.name}: {one.reason}" for one in self.damaged[:_NAMED])
            found.append(
                f"{len(self.damaged)} {'studies' if several else 'study'} cannot be opened: "
                f"{reasons}; ./irs verify {'--all' if several else self.damaged[0].name} says "
                "what to do."
            )
        old = [study.record.id for study in self.studies if not study.sealed]
        if old:
            found.append(
                f"Written before manifests carried digests: {', '.join(old)}; check each with "
                "./irs verify ID, then ./irs verify --seal ID."
            )
        return tuple(found)


class Library:
    """A live store below `root`, beside a folder of read-only bundles."""

    def __init__(
        self,
        root: Path | None = None,
        shipped: Path | None = None,
        check: Callable[[Path], object] | None = None,
    ) -> None:
        """Use the given folders, by default the program's own; neither has to exist.

        Args:
            check: What verifies a bundle in another process; None does it in this one.
        """
        self._check = check
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
        write_manifest(self.study_path(record.id), record)

    def discard(self, study_id: str) -> None:
        """Remove a live study's manifest; its evidence stays for others that use it."""
        self.study_path(study_id).unlink(missing_ok=True)

    def live_record(self, study_id: str) -> StudyRecord | None:
        """The manifest of a live study; None where there is none that can be read."""
        return readable_record(self.study_path(study_id))

    def take_over(self, study: Study) -> None:
        """Put a shipped study's draws of the original where live ones lie, to be used again.

        Draws that others reported are never mixed with those computed here.

        Raises:
            StoreError: The disk refuses.
        """
        if study.bundle is not None and study.origin == "shipped":
            ids = set(study.record.base.evidence.values())
            unpack_evidence(study.bundle, self.evidence_folder, ids)

    def save_pilot(self, record: StudyRecord) -> None:
        """Write or replace what the pilot of a study left behind; it is no study of the store."""
        write_manifest(self._pilot_path(record.id), record)

    def pilot_record(self, study_id: str) -> StudyRecord | None:
        """What `save_pilot` wrote; None where there is none that can be read."""
        return readable_record(self._pilot_path(study_id))

    def pilots(self) -> tuple[StudyRecord, ...]:
        """What all pilots left behind; unreadable ones left out."""
        found = [readable_record(path) for path in sorted((self.root / "pilots").glob("*.json"))]
        return tuple(one for one in found if one is not None)

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
        """Every readable study, latest first; `damaged` has the others, which are logged as well.

        Of several with one specification the finished ones come first; among those, and among
        unfinished ones, live wins over shipped, and shipped over imported.
        """
        return list(self.survey().studies)

    def seen_records(self) -> list[StudyRecord]:
        """Records of all studies, deleted ones too: whoever saw results goes on knowing them."""
        there = [study.record for study in self.studies()]
        known = {record.id for record in there}
        gone = {record.id: record for record in deleted_records(self.root).values()}
        return [*there, *(record for name, record in gone.items() if name not in known)]

    def damaged(self) -> list[Damaged]:
        """Every study that cannot be opened, with the reason."""
        return list(self.survey().damaged)

    def survey(self) -> Survey:
        """Both in one go."""
        damaged: list[Damaged] = []
        found: dict[str, Study] = {}
        for opened in self._opened(damaged):
            study = described(opened, self.root)
            known = found.get(study.record.id)
            if known is None or study.record.finished or not known.record.finished:
                found[study.record.id] = study
        latest = sorted(found.values(), key=lambda study: study.record.created, reverse=True)
        return Survey(tuple(latest), tuple(damaged))

    def open(self, study_id: str) -> Study:
        """The study of that id.

        Args:
            study_id: The id, or its first digits where no other study begins with them.

        Raises:
            StoreError: There is none, there are several, or it cannot be opened.
        """
        survey = self.survey()
        found = named(study_id, {one.record.id: one for one in survey.studies})
        if found is not None:
            return found
        damaged = named(study_id, {one.name: one for one in survey.damaged})
        if damaged is not None:
            raise StoreError(
                f"study {damaged.name} cannot be opened: {damaged.reason}; "
                f"./irs verify {damaged.name} says what to do"
            )
        raise StoreError(f"no study {study_id!r} in the store; ./irs studies lists them")

    def files(self) -> list[tuple[Path, Origin]]:
        """The files that studies are opened from: of imported and shipped ones, then live ones."""
        places: tuple[tuple[Origin, Path, str], ...] = (
            ("imported", self._imported, SUFFIX),
            ("shipped", self._shipped, SUFFIX),
            ("live", self.root / "studies", ".json"),
        )
        return [(path, one) for one, at, end in places for path in sorted(at.glob(f"*{end}"))]

    def open_file(self, path: Path, origin: Origin) -> Study:
        """The study in one of `files`.

        Raises:
            StoreError: It is damaged, or is named after another study.
        """
        if origin == "live":
            manifest = _manifest(path, file_state(path))
            return Study(manifest.record, self.evidence_folder, sealed=manifest.sealed)
        bundle = self._open_bundle(path)
        if origin == "imported" and path.name != f"{bundle.record.id}{SUFFIX}":
            raise StoreError(
                f"the bundle is that of study {bundle.record.id}, whose name the file does not bear"
            )
        return Study(bundle.record, self.evidence_folder, bundle, origin)

    def _opened(self, damaged: list[Damaged]) -> Iterator[Study]:
        for path, origin in self.files():
            try:
                yield self.open_file(path, origin)
            except (StoreError, OSError) as error:
                logger.warning("left out %s: %s", path.name, error)
                damaged.append(Damaged(path, str(error), origin))

    def export(self, study_id: str, path: Path) -> None:
        """Write a study of the live store to a bundle file.

        Raises:
            StoreError: There is no such live study, it does not verify, or the disk refuses.
        """
        study = self.open(study_id)
        if study.bundle is not None:
            raise StoreError(f"study {study.record.id} is a bundle already")
        write_bundle(path, exportable(study), self.evidence_folder)

    def bundle_bytes(self, study_id: str) -> bytes:
        """A study as a bundle file: written anew if it is live, else the file that it came in.

        Raises:
            StoreError: There is no such study, or it does not verify.
        """
        study = self.open(study_id)
        if study.bundle is None:
            with TemporaryDirectory() as folder:
                path = Path(folder) / f"bundle{SUFFIX}"
                write_bundle(path, exportable(study), self.evidence_folder)
                return path.read_bytes()
        for place in (self._shipped, self._imported):
            for path in sorted(place.glob(f"*{SUFFIX}")):
                try:
                    bundle = self._open_bundle(path)
                except (StoreError, OSError):
                    continue
                if bundle.record.id == study.record.id:
                    return path.read_bytes()
        raise StoreError(f"the bundle of study {study_id} is gone")

    def import_bundle(self, path: Path, *, replace: bool = False) -> StudyRecord:
        """Verify a bundle and keep a copy of it beside the live store.

        Its evidence stays in the bundle, read-only: predictions that somebody else reports must
        never be taken for the predictions of a model that runs here. A study that was imported
        before from other contents is never overwritten.

        Args:
            replace: Take this bundle in place of one of the same study, which is kept in the
                folder `earlier`, named by the digest of its contents.

        Raises:
            BundleError: The bundle is damaged or unsafe, or another one of its study is there and
                `replace` was not said; the store is untouched.
        """
        record = read_bundle(path).record
        self.keep_bundle(record.id, path.read_bytes(), replace=replace)
        return record

    def keep_bundle(self, study_id: str, content: bytes, *, replace: bool = False) -> None:
        """Keep a bundle that was verified.

        Args:
            study_id: Of its study.
            replace: As in `import_bundle`.

        Raises:
            BundleError: Another one of its study is there and `replace` was not said.
        """
        target = self._imported / f"{study_id}{SUFFIX}"
        former = target.read_bytes() if target.exists() else content
        if former != content and not replace:
            raise BundleError(
                f"study {study_id} was imported before with other contents, which stay; "
                "to show these instead, ./irs import --replace, which keeps the others aside"
            )
        if former != content:
            mark = hashlib.sha256(former).hexdigest()[:_MARK_DIGITS]
            write_bytes(self._imported / "earlier" / f"{study_id}-{mark}{SUFFIX}", former)
        write_bytes(target, content)
        remember(content, self._verified)

    @property
    def _imported(self) -> Path:
        return self.root / "bundles"

    @property
    def _verified(self) -> Path:
        return self.root / "verified"

    def _open_bundle(self, path: Path) -> Bundle:
        return _opened(path, file_state(path), self._verified, self._check)


@kept_per_file
def _opened(
    path: Path, _state: State, verified: Path, check: Callable[[Path], object] | None
) -> Bundle:
    return open_bundle(path, verified, check)


@kept_per_file
def _manifest(path: Path, _state: State) -> Manifest:
    return read_manifest(path)
