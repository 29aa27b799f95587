"""Studies and what a page shows of them, cached.

Caches, here and in `inventory`, `work`, `reproduction`, `results` and `predictions`, are keyed by
ids and by what makes a manifest differ; heavy arguments carry a leading underscore, which keeps
Streamlit from hashing them.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import streamlit as st

from irs_core.analysis.analysis import Analysis, Memo
from irs_core.analysis.equal_draws import EqualDraws, equal_draws
from irs_core.analysis.kept_tally import open_tally
from irs_core.analysis.ledger import Ledger, study_ledger
from irs_core.analysis.results import Comparison
from irs_core.analysis.sweep import Sweep, swept
from irs_core.analysis.why import why_table
from irs_core.foreign import asking as foreign
from irs_core.foreign.answers import ResultsRow
from irs_core.methods.cirs import METHOD
from irs_core.methods.kit.counts import StudyTally
from irs_core.people.register import is_demo
from irs_core.spec.fields import stable_id
from irs_core.spec.settings import Settings
from irs_core.store import SUFFIX, Library, Study, StudyRecord, default_root
from irs_core.store.about import notes_folders
from irs_core.store.library import Survey, shipped_folder
from irs_core.store.trash import deleted_records
from ui.shared import theme
from ui.shared.entries import ModelRow, Panel, ZetaEntry, model_rows

StudyKey = tuple[str, ...]
ROWS_KEPT = 128
"""Choices of settings, of all studies, of which the rows of the models are kept."""


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


@st.cache_resource(max_entries=16, show_spinner="Counting predictions...")
def _tally(key: StudyKey, _study: Study) -> StudyTally:
    return open_tally(_study, store_root())


# Of 10,000 inputs and eight models an analysis holds 16 MB; a memo 36 MB, with ISS and CIRS more.
@st.cache_resource(max_entries=16, show_spinner=False)
def _analysis(key: StudyKey, settings: Settings, held_out: bool, _study: Study) -> Analysis:
    memo = _memo(key, settings.alpha, settings.alpha_zeta, held_out)
    return Analysis(_tally(key, _study), settings, held_out=held_out, memo=memo)


@st.cache_resource(max_entries=12, show_spinner=False)
def _memo(key: StudyKey, alpha: float, alpha_zeta: float, held_out: bool) -> Memo:
    """What analyses of one study share, whatever their gamma."""
    del key, alpha, alpha_zeta, held_out  # What it is kept by.
    return {}


def analysis(study: Study, settings: Settings, *, held_out: bool = False) -> Analysis:
    """Certificates and summaries of a study.

    Raises:
        MissingEvidenceError: The original's draws are not all stored.
    """
    return _analysis(study_key(study), settings, held_out, study)


@st.cache_resource(max_entries=ROWS_KEPT, show_spinner="Certifying...")
def _model_rows(
    key: StudyKey, settings: Settings, _study: Study, _work: Analysis | None = None
) -> list[ModelRow]:
    return model_rows(_study.record, _work or analysis(_study, settings))


def overview(study: Study, settings: Settings) -> list[ModelRow]:
    """Every classifier of a study, the original first."""
    return _model_rows(study_key(study), settings, study)


@st.cache_resource(max_entries=1024, show_spinner="Certifying...")
def _compare(
    key: StudyKey, settings: Settings, name: str, _study: Study, _work: Analysis | None = None
) -> Comparison:
    return (_work or analysis(_study, settings)).compare(name)


def panels(
    study: Study, settings: Settings, names: Sequence[str], others: Sequence[Study] = ()
) -> list[Panel]:
    """Incremental against from scratch, one panel per compressed model and study that has it.

    Raises:
        MissingEvidenceError: A study ran without the baseline.
    """
    labels = study_labels([one.record for one in (study, *others)])
    return [
        Panel(
            model.name,
            model.title,
            colours_of(one.record)[model.name],
            _compare(study_key(one), settings, model.name, one),
            labels[one.record.id],
        )
        for one in (study, *others)
        for model in one.record.compressed
        if model.name in names
    ]


def own_analysis(study: Study, settings: Settings, beside: Settings | None = None) -> Analysis:
    """As `analysis`, but not kept, so that none that somebody looks at makes room for it.

    Args:
        beside: Settings that somebody looks at; what does not depend on gamma is shared with them.
    """
    key, levels = study_key(study), (settings.alpha, settings.alpha_zeta)
    shared = beside is not None and levels == (beside.alpha, beside.alpha_zeta)
    memo = _memo(key, *levels, False) if shared else None
    return Analysis(_tally(key, study), settings, memo=memo)


def foresee(study: Study, work: Analysis) -> Iterator[None]:
    """Make rows and curves of all models, which pages then find made, in short steps.

    Raises:
        MissingEvidenceError: Draws are not all stored.
    """
    for model in study.record.models:
        work.summary(model.name)
        yield
    key, settings = study_key(study), work.settings
    _model_rows(key, settings, study, work)
    for model in study.record.compressed:
        _compare(key, settings, model.name, study, work)


@st.cache_resource(max_entries=128, show_spinner=False)
def _equal(
    key: StudyKey, settings: Settings, name: str, _study: Study, _work: Analysis | None
) -> EqualDraws | None:
    return equal_draws(_work or analysis(_study, settings), name)


def at_equal_draws(
    study: Study, settings: Settings, name: str, work: Analysis | None = None
) -> EqualDraws | None:
    """Radii of the original and of a compressed model on the same draws; None where not stored.

    Args:
        work: An analysis of these settings, where it is made for later.
    """
    return _equal(study_key(study), settings, name, study, work)


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


@st.cache_resource(max_entries=64, show_spinner="Comparing predictions...")
def _zetas(key: StudyKey, settings: Settings, _study: Study) -> list[ZetaEntry]:
    result = analysis(_study, settings)
    colours = colours_of(_study.record)
    return [
        ZetaEntry(model.title, colours[model.name], result.zeta(model.name, budget))
        for model in _study.record.compressed
        for budget in range(len(result.tally.budgets))
    ]


def zetas(study: Study, settings: Settings) -> list[ZetaEntry]:
    """Disagreement of every compressed model at every budget."""
    return _zetas(study_key(study), settings, study)


@st.cache_resource(max_entries=64, show_spinner="Sweeping gamma...")
def _sweep(key: StudyKey, settings: Settings, name: str, budget: int, _study: Study) -> Sweep:
    return swept(analysis(_study, settings, held_out=True), name, budget)


def sweep(study: Study, settings: Settings, name: str, budget: int) -> Sweep:
    """ACR of one compressed model against gamma, on the held-out inputs."""
    return _sweep(study_key(study), settings, name, budget, study)


def colours_of(record: StudyRecord) -> Mapping[str, str]:
    """Colour of every model of a study, by name."""
    return theme.model_colours([model.name for model in record.compressed])


def titles_of(record: StudyRecord) -> dict[str, str]:
    """Title of every compressed model of a study, by name."""
    return {model.name: model.title for model in record.compressed}


@st.cache_resource(max_entries=32, show_spinner=False)
def _why(key: StudyKey, settings: Settings, name: str, _study: Study) -> pd.DataFrame | None:
    result = analysis(_study, settings)
    if not result.shows(name, METHOD.name):
        return None
    return why_table(_study.record, result, name, len(result.tally.budgets) - 1)


def why(study: Study, settings: Settings, name: str) -> pd.DataFrame | None:
    """Branch, bounds and draws of each input under CIRS at the largest budget; None where it is not
    shown."""
    return _why(study_key(study), settings, name, study)
