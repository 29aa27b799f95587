"""What is read or computed for a page, cached; only `ui.results` has `st.cache_*` besides.

Caches are keyed by ids and by what makes a manifest differ; heavy arguments carry a leading
underscore, which keeps Streamlit from hashing them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from irs_core.compressions import Compression, FileModel
from irs_core.errors import IrsError
from irs_core.jobs import Job, JobQueue
from irs_core.papers import PARTS, PaperTable, Row, find_part, find_table, measure_table
from irs_core.specs import DataSpec, ModelSpec, StudySpec, stable_id
from irs_core.store import SUFFIX, Library, Study, StudyRecord, default_root
from irs_core.store.library import shipped_folder
from irs_core.study.analysis import Analysis, Memo
from irs_core.study.estimate import Estimate, estimate_study
from irs_core.study.kept_tally import open_tally
from irs_core.study.outlook import expected_gain, looks
from irs_core.study.results import Comparison, Settings
from irs_core.study.tally import StudyTally, tally_study
from irs_core.study.why import why_table
from ui import theme
from ui.looks import look_sentence
from ui.papers import FIGURES, FigureView
from ui.views import ModelRow, Panel, Sweep, ZetaEntry, model_rows, sweep_gammas

if TYPE_CHECKING:
    from irs_core.check import CheckReport

StudyKey = tuple[str, ...]
_LOG_BYTES = 8_000
# Points of some settings of alpha; each may hold two numbers per input.
_MOST_KEPT = 800


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


class BoundedMemo(dict[tuple[object, ...], Any]):
    """A dictionary that forgets what it was told first."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def __setitem__(self, key: tuple[object, ...], value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > self._size:
            self.pop(next(iter(self)), None)


def store_root() -> Path:
    """Folder of the live store."""
    return default_root()


def list_studies() -> tuple[Study, ...]:
    """Every readable study, latest first."""
    root, shipped = store_root(), shipped_folder()
    folders = {root / "studies": "*.json", root / "bundles": f"*{SUFFIX}", shipped: f"*{SUFFIX}"}
    stamps = tuple(
        (str(path), path.stat().st_mtime_ns)
        for folder, pattern in folders.items()
        for path in sorted(folder.glob(pattern))
    )
    return _studies(str(root), str(shipped), stamps)


@st.cache_resource(max_entries=4, show_spinner="Reading studies...")
def _studies(root: str, shipped: str, stamps: tuple[tuple[str, int], ...]) -> tuple[Study, ...]:
    del stamps  # Part of the key only.
    return tuple(Library(Path(root), Path(shipped)).studies())


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


@st.cache_resource(max_entries=64, show_spinner=False)
def _analysis(key: StudyKey, settings: Settings, held_out: bool, _study: Study) -> Analysis:
    return Analysis(_tally(key, _study), settings, held_out=held_out, memo=_memo(key, held_out))


@st.cache_resource(max_entries=16, show_spinner=False)
def _memo(key: StudyKey, held_out: bool) -> Memo:
    """What analyses of one study share, whatever their gamma."""
    return BoundedMemo(_MOST_KEPT)


def analysis(study: Study, settings: Settings, *, held_out: bool = False) -> Analysis:
    """Certificates and summaries of a study.

    Raises:
        MissingEvidenceError: The original's draws are not all stored.
    """
    return _analysis(study_key(study), settings, held_out, study)


@st.cache_resource(max_entries=64, show_spinner="Certifying...")
def _model_rows(key: StudyKey, settings: Settings, _study: Study) -> list[ModelRow]:
    return model_rows(_study.record, analysis(_study, settings))


def overview(study: Study, settings: Settings) -> list[ModelRow]:
    """Every classifier of a study, the original first."""
    return _model_rows(study_key(study), settings, study)


@st.cache_resource(max_entries=256, show_spinner="Certifying...")
def _compare(key: StudyKey, settings: Settings, name: str, _study: Study) -> Comparison:
    return analysis(_study, settings).compare(name)


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
            theme.model_colour(model.name),
            _compare(study_key(one), settings, model.name, one),
            labels[one.record.id],
        )
        for one in (study, *others)
        for model in one.record.compressed
        if model.name in names
    ]


def study_labels(records: Sequence[StudyRecord]) -> dict[str, str]:
    """What tells studies from each other, by id: sigma, else the title, else the id as well."""
    for label in (
        lambda one: f"σ = {one.spec.noise.sigma:g}",
        lambda one: one.title,
        lambda one: f"{one.title} ({one.id[:6]})",
    ):
        labels = {one.id: label(one) for one in records}
        if len(set(labels.values())) == len(labels):
            return labels
    return labels


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
    gammas = sweep_gammas(settings.gamma)
    held_out = analysis(_study, settings, held_out=True)
    return Sweep(gammas, tuple(held_out.gamma_sweep(name, [float(one) for one in gammas], budget)))


def sweep(study: Study, settings: Settings, name: str, budget: int) -> Sweep:
    """ACR of one compressed model against gamma, on the held-out inputs."""
    return _sweep(study_key(study), settings, name, budget, study)


@st.cache_resource(max_entries=32, show_spinner="Measuring...")
def _paper_table(key: str, states: tuple[StudyKey, ...], _studies: tuple[Study, ...]) -> list[Row]:
    del states  # Part of the key only.

    def analyse(study: Study) -> Analysis:
        return analysis(study, Settings.of(study.record.spec))

    return measure_table(find_table(key), _studies, analyse=analyse)


def paper_table(table: PaperTable) -> list[Row]:
    """Published numbers of a table with their counterparts from the studies at hand."""
    studies = list_studies()
    return _paper_table(table.key, tuple(study_key(study) for study in studies), studies)


def _part_studies(key: str) -> list[Study | None]:
    studies = list_studies()
    by_key = {part.key: part for part in PARTS}
    return [find_part(studies, by_key[part]) for part in FIGURES[key].parts]


def paper_figures() -> list[str]:
    """Figures of the paper whose studies are at hand; some of them for a distribution."""
    return [key for key in FIGURES if any(study is not None for study in _part_studies(key))]


def paper_figure(key: str) -> FigureView:
    """What the counterpart of a published figure is drawn from."""
    studies = [study for study in _part_studies(key) if study is not None]
    record, wanted = studies[0].record, FIGURES[key].models
    settings = Settings.of(record.spec)
    present = [name for name in wanted if name in titles_of(record)]
    bounds = tuple(
        (
            f"σ = {study.record.spec.noise.sigma:g}",
            analysis(study, Settings.of(study.record.spec)).cache.p_lower,
        )
        for study in studies
    )
    return FigureView(record, settings, tuple(panels(studies[0], settings, present)), bounds)


def colours_of(record: StudyRecord) -> Mapping[str, str]:
    """Colour of every model of a study, by name."""
    return theme.model_colours([model.name for model in record.compressed])


def titles_of(record: StudyRecord) -> dict[str, str]:
    """Title of every compressed model of a study, by name."""
    return {model.name: model.title for model in record.compressed}


@st.cache_resource(show_spinner="Reading model cards...")
def _shipped(_read: Callable[[], dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    return _read()


def shipped() -> dict[str, dict[str, Any]]:
    """Cards of the models that come along, by name."""
    from irs_core.models import shipped_models

    return _shipped(shipped_models)


def architectures() -> tuple[str, ...]:
    """Names of all known architectures."""
    from irs_core.models import known_architectures

    return known_architectures()


def model_facts(spec: ModelSpec) -> ModelFacts:
    """What a model turns out to be.

    Raises:
        IrsError: It cannot be read or does not fit its architecture.
    """
    path = Path(spec.weights).expanduser()
    return _model_facts(spec, path.stat().st_mtime_ns if path.is_file() else 0)


@st.cache_data(max_entries=32, show_spinner="Reading the weights...")
def _model_facts(spec: ModelSpec, modified: int) -> ModelFacts:
    from irs_core.models import load_model

    del modified  # Part of the key only.
    model = load_model(spec)
    shape = None if model.input_shape is None else tuple(model.input_shape)
    return ModelFacts(
        model.arch, model.num_classes, shape, model.parameters, model.size_bytes, model.digest
    )


def read_model_file(path: Path) -> None:
    """Read a model file of any kind, running nothing of it.

    Raises:
        CheckpointError: It cannot be used.
    """
    from irs_core.graphs import is_graph_file, read_graph
    from irs_core.models import read_checkpoint

    if is_graph_file(str(path)):
        read_graph(path)
    else:
        read_checkpoint(path)


def file_compression(text: str) -> FileModel:
    """The compressed model that `file:PATH` or `file-normalized:PATH` names, with its digest.

    Raises:
        CheckpointError: The file cannot be used.
    """
    path = Path(text.partition(":")[2])
    stamps = tuple(
        one.stat().st_mtime_ns if one.is_file() else 0 for one in (path, path.with_suffix(".bin"))
    )
    return _file_compression(text, stamps)


@st.cache_data(max_entries=32, show_spinner="Reading the file...")
def _file_compression(text: str, stamps: tuple[int, ...]) -> FileModel:
    from irs_core.graphs import file_compression as read

    del stamps  # Part of the key only.
    found = read(text)
    assert found is not None
    return found


def check_model(
    model: ModelSpec, data: DataSpec, sigma: float, compressions: tuple[Compression, ...]
) -> "CheckReport":
    """A dry run of a model; not cached, because the speed is part of it.

    Raises:
        IrsError: The model, the data or a compression cannot be used.
    """
    from irs_core.check import check_model as check

    with st.spinner("Running the model..."):
        return check(model, data, sigma=sigma, compressions=compressions)


@st.cache_data(max_entries=64, ttl=60, show_spinner="Looking at the data...")
def data_facts(spec: DataSpec) -> DataFacts:
    """What a data specification selects; asked again after a minute.

    Raises:
        DatasetError: The data are missing, empty, damaged or too few.
    """
    from irs_core.data import open_source
    from irs_core.data.base import select

    source = open_source(spec)
    _, reported = select(len(source.labels), spec)
    own = int(reported.sum())
    return DataFacts(
        source.description, len(source.classes), len(source.labels), own, len(reported) - own
    )


def estimate(spec: StudySpec, inputs: int) -> Estimate:
    """Draws needed, draws stored and predicted time of a study; asked again after a minute."""
    studies = list_studies()
    known = tuple((study.record.id, study.record.finished) for study in studies)
    return _estimate(spec, inputs, f"{store_root()} {known}", studies)


@st.cache_data(max_entries=64, ttl=60, show_spinner=False)
def _estimate(spec: StudySpec, inputs: int, known: str, _studies: tuple[Study, ...]) -> Estimate:
    del known  # Part of the key only.
    return estimate_study(spec, inputs, _studies)


@st.cache_resource(max_entries=32, show_spinner=False)
def _why(key: StudyKey, settings: Settings, name: str, _study: Study) -> pd.DataFrame | None:
    result = analysis(_study, settings)
    if not result.has(name, "cirs"):
        return None
    return why_table(_study.record, result, name, len(result.tally.budgets) - 1)


def why(study: Study, settings: Settings, name: str) -> pd.DataFrame | None:
    """Branch, bounds and draws of each input under CIRS at the largest budget; None without it."""
    return _why(study_key(study), settings, name, study)


def cirs_so_far(study_id: str, done: int) -> list[str]:
    """What CIRS has certified so far in a running study, and what the next minute may bring.

    Args:
        done: The job's progress; sentences are made anew as it grows.
    """
    return _so_far(str(store_root()), study_id, done)


@st.cache_data(max_entries=16, ttl=20, show_spinner=False)
def _so_far(root: str, study_id: str, done: int) -> list[str]:
    del done  # Part of the key only.
    library = Library(Path(root))
    record = library.live_record(study_id)
    if record is None:
        return []
    try:
        tally = tally_study(Study(record, library.evidence_folder))
    except IrsError:
        # The original is still at work.
        return []
    result = Analysis(tally, Settings.of(record.spec))
    return [
        look_sentence(model.title, looks(result, model.name), expected_gain(result, model.name))
        for model in record.compressed
    ]


def queue() -> JobQueue:
    """The queue of the live store."""
    return JobQueue(store_root())


def jobs() -> list[Job]:
    """All jobs: running, waiting, ended."""
    return queue().jobs()


def log_tail(job_id: int, lines: int = 25) -> str:
    """The last lines of a job's output; empty where there is none."""
    path = queue().log_path(job_id)
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - _LOG_BYTES))
        text = log.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
