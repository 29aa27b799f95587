"""Studies and what a page shows of them, cached.

Caches, here and in `analyses`, `inventory`, `work`, `reproduction`, `results` and `predictions`,
are keyed by ids and by what makes a manifest differ; heavy arguments carry a leading underscore,
which keeps Streamlit from hashing them.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from irs_core.analysis.ledger import Ledger, study_ledger
from irs_core.foreign import asking as foreign
from irs_core.foreign.answers import ResultsRow
from irs_core.people.register import is_demo
from irs_core.spec.fields import stable_id
from irs_core.spec.settings import Settings
from irs_core.store import SUFFIX, Library, Study, StudyRecord, default_root
from irs_core.store.about import notes_folders
from irs_core.store.library import Survey, shipped_folder
from irs_core.store.trash import deleted_records

StudyKey = tuple[str, ...]


def store_root() -> Path:
    """Folder of the live store; of a demo an empty one that goes when the app ends."""
    return Path(_demo_folder().name) if is_demo() else default_root()


@cache
def _demo_folder() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix="irs-demo-")


def opened() -> Library:
    """The library of the live store; bundles in it are verified outside this process."""
    return Library(store_root(), check=foreign.check_bundle)


def list_studies() -> tuple[Study, ...]:
    """Every readable study, latest first."""
    return _survey().studies


def seen_records() -> list[StudyRecord]:
    """Records of all studies, of deleted ones too; see `Library.seen_records`."""
    stamps = _stamps({store_root() / "trash": "*/*.json", store_root() / "spent": "*.json"})
    there = [study.record for study in list_studies()]
    known = {record.id for record in there}
    return [*there, *(one for one in _deleted(str(store_root()), stamps) if one.id not in known)]


@st.cache_resource(max_entries=4, show_spinner=False)
def _deleted(root: str, stamps: str) -> tuple[StudyRecord, ...]:
    del stamps  # Part of the key only.
    return tuple({one.id: one for one in deleted_records(Path(root)).values()}.values())


def notices() -> tuple[str, ...]:
    """What somebody who looks at the studies has to be told, a sentence each."""
    return _survey().notices


def _survey() -> Survey:
    root, shipped = store_root(), shipped_folder()
    folders = {root / "studies": "*.json", root / "bundles": f"*{SUFFIX}", shipped: f"*{SUFFIX}"}
    folders |= notes_folders(root)
    return _studies(str(root), str(shipped), _stamps(folders))


def _stamps(folders: Mapping[Path, str]) -> str:
    """A text for the files of a pattern in each folder and when they were written; empty without.

    Of hundreds of files, Streamlit would take as long to tell two lists apart as to show a page.
    """
    found = sorted(one for folder, pattern in folders.items() for one in _stamped(folder, pattern))
    return sha256(repr(found).encode()).hexdigest() if found else ""


def _stamped(folder: Path, pattern: str) -> Iterator[tuple[str, int]]:
    if "/" in pattern:
        for path in folder.glob(pattern):
            yield str(path), path.stat().st_mtime_ns
    elif folder.is_dir():
        # Several times faster than `glob`, and every page looks.
        with os.scandir(folder) as found:
            for one in found:
                if fnmatch(one.name, pattern):
                    yield one.path, one.stat().st_mtime_ns


@st.cache_resource(max_entries=4, show_spinner=False)
def _pilots(root: str, stamps: str) -> tuple[StudyRecord, ...]:
    del stamps  # Part of the key only.
    return Library(Path(root)).pilots()


@st.cache_resource(max_entries=4, show_spinner="Reading studies...")
def _studies(root: str, shipped: str, stamps: str) -> Survey:
    del stamps  # Part of the key only.
    return Library(Path(root), Path(shipped), foreign.check_bundle).survey()


def results_of_others() -> list[ResultsRow]:
    """Results per input that were imported.

    Raises:
        SandboxError: They take more than they may to read.
    """
    root = store_root()
    return _results(str(root), _stamps({root / "results": "*.tsv"}))


@st.cache_data(max_entries=4, show_spinner="Reading results...")
def _results(root: str, stamps: str) -> list[ResultsRow]:
    return foreign.results(Path(root)) if stamps else []


def study_key(study: Study) -> StudyKey:
    """What distinguishes one state of a study from every other."""
    record = study.record
    return (
        str(study.folder),
        record.id,
        record.created,
        f"{record.finished} {study.origin}",
        stable_id(dict(record.digests)),
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _ledger(
    key: StudyKey,
    settings: Settings,
    others: int,
    pilots: int,
    _study: Study,
    _records: Sequence[StudyRecord],
    _pilots: Sequence[StudyRecord],
) -> Ledger:
    del key, others, pilots  # What it is kept by.
    reported = bool(_study.banner)
    spec = _study.record.spec
    return study_ledger(spec, settings, _records, pilots=_pilots, reported=reported)


def ledger(study: Study, settings: Settings) -> Ledger:
    """What the confidence of a study covers, with all studies at hand in view."""
    studies = list_studies()
    records = seen_records()
    pilots = _pilots(str(store_root()), _stamps({store_root() / "pilots": "*.json"}))
    return _ledger(study_key(study), settings, id(studies), id(pilots), study, records, pilots)


def study_labels(records: Sequence[StudyRecord]) -> dict[str, str]:
    """What tells studies from each other, by id: sigma, else the title, else the id as well.

    What all titles begin with is left out.
    """
    for label in (
        lambda one: f"σ = {one.spec.noise.sigma:g}",
        lambda one: one.title,
        lambda one: f"{one.title} ({one.id[:6]})",
    ):
        texts = _without_common_start([label(one) for one in records])
        labels = {one.id: text for one, text in zip(records, texts, strict=True)}
        if len(set(labels.values())) == len(labels):
            return labels
    return labels


def _without_common_start(texts: Sequence[str]) -> list[str]:
    """Texts without the parts, up to a comma, with which all of them begin; never empty."""
    parts = [text.split(", ") for text in texts]
    shortest = min((len(one) for one in parts), default=1)
    start = 0
    while start < shortest - 1 and len({one[start] for one in parts}) == 1:
        start += 1
    return [", ".join(one[start:]) for one in parts]


def titles_of(record: StudyRecord) -> dict[str, str]:
    """Title of every compressed model of a study, by name."""
    return {model.name: model.title for model in record.compressed}
