"""Run a study: fill the evidence that is missing, and nothing else."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter

import numpy as np

from irs_core import methods
from irs_core.analysis.kept_tally import open_tally
from irs_core.backends.device import hardware_of, usable_gpus
from irs_core.data import Dataset, load_dataset
from irs_core.hardware import software_versions
from irs_core.methods import compressed_streams
from irs_core.methods.kit.cirs_plan import pilot_spec
from irs_core.run.engine import open_engine
from irs_core.run.fit import check_network
from irs_core.run.options import Part, Progress, RunOptions, Until
from irs_core.run.plan import expected_draws, study_draws
from irs_core.run.prepared import Prepared
from irs_core.run.ready import prepared_classifiers
from irs_core.run.stages import (
    Runnable,
    base_stage,
    compressed_stages,
    original_stages,
    pilot_stage,
)
from irs_core.run.timings import Stopwatch
from irs_core.run.units import Runner, check_owned
from irs_core.spec.study import Stream, StudySpec
from irs_core.store import (
    BASE,
    DataRecord,
    EvidenceArray,
    EvidenceKey,
    Library,
    ModelRecord,
    Study,
    StudyRecord,
)
from irs_core.store.audit import check_trusted
from irs_core.store.records import BASE_STREAMS
from irs_core.text import NAME, plain

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Runnable:
    record: ModelRecord
    arrays: Mapping[Stream, EvidenceArray]


@dataclass(frozen=True)
class _Ends:
    """What ends a run early, asked between stages; see `run_study`."""

    enough: Callable[[], bool]
    leave: Callable[[], Collection[str]]


def run_study(
    spec: StudySpec,
    library: Library,
    *,
    options: RunOptions | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
    enough: Callable[[StudyRecord], bool] = lambda _: False,
    leave: Callable[[StudyRecord], Collection[str]] = lambda _: (),
    until: Until = "end",
    owned: Callable[[], bool] = lambda: True,
) -> StudyRecord:
    """Compute what is missing of a study and save its manifest.

    Whatever is stored already is kept, so a cancelled or killed run continues where it was, and
    its evidence is bit for bit that of an uninterrupted run.

    Args:
        enough: Whether the draws of the compressed models are enough as they are, asked after
            each stage; the study is then finished with what it has. Of an original that stops by
            itself, it is asked before each of its rounds.
        leave: Names of compressed models that take no more draws, asked before each stage; those
            of the others go on.
        until: `end`, or `pilot`: only what the base classifier and the pilot of CIRS need, from
            which costs and radii can be predicted; the study is then none of the library's.
        owned: Whether this process still has the work, asked right before each write; one that
            was taken for dead and comes back must not write.

    Raises:
        CancelledError: `should_stop` or `owned` said so; all stored chunks are kept.
        IrsError: The model, the data or the disk refuse.
    """
    options = options or RunOptions()
    began = perf_counter()
    with open_engine(options.engine, gpus=_gpus(options)) as engine:
        dataset = load_dataset(spec.data)
        ready = prepared_classifiers(spec, library, dataset, options, on_progress)
        prepared, classes = ready.classifiers, ready.classes
        check_network(spec, prepared[0].digest, options)
        watch = Stopwatch(library.root, spec, options, kept=ready.kept, since=began)
        runnables = [_runnable(spec, dataset, library, classes, one) for one in prepared]
        record = _record(spec, dataset, [runnable.record for runnable in runnables])
        previous = library.live_record(spec.id)
        if previous is not None:
            _warn_of_another_original(record, previous)
            record = _continued(record, previous)
        if until == "end" and (previous is None or not previous.finished):
            check_owned(owned)
            library.save(record)
        if engine is not None:
            engine.load({one.name: one.pack() for one in prepared})
        predictors = {one.name: one.predictor for one in prepared}
        runner = Runner(
            dataset, spec, predictors, engine, on_progress, should_stop, owned, watch.drawing
        )
        ends = _Ends(lambda: enough(record), lambda: leave(record))
        _fill(runner, spec, dataset, runnables, until, ends)
        watch.drawn()
    check_owned(owned)
    if any(method.plans for method in methods.asked(spec)):
        _save_pilot(record, library)
    if until == "pilot":
        return record
    _check_unchanged(record, previous, library)
    record = replace(record, finished=True, digests=_digests(record, runnables))
    check_owned(owned)
    library.save(record)
    # Counted now, while somebody waits for the job anyway, and not when a page is opened.
    open_tally(Study(record, library.evidence_folder), library.root)
    watch.keep(runner.spent, study_draws(spec, len(dataset.labels)))
    return record


def _gpus(options: RunOptions) -> int:
    return 0 if options.backend == "openvino" else usable_gpus(options.device)


def _fill(
    runner: Runner,
    spec: StudySpec,
    dataset: Dataset,
    runnables: Sequence[_Runnable],
    until: Until,
    ends: _Ends,
) -> None:
    plain = [Runnable(one.record.name, one.arrays) for one in runnables]
    inputs = len(dataset.labels)
    runner.fill(base_stage(spec, plain[0], inputs), later=_later(spec, inputs, until))
    if until == "pilot":
        runner.fill(pilot_stage(spec, plain, dataset.reported))
        return
    for needs in original_stages(spec, plain[0], dataset.reported):
        if ends.enough():
            return
        runner.fill(needs)
    for needs in compressed_stages(spec, plain, dataset.reported):
        # Asked before the first stage as well: a run that goes on may find all of them settled.
        gone = ends.leave()
        wanted = [need for need in needs if need.name not in gone]
        if needs and not wanted:
            return
        runner.fill(wanted)
        if ends.enough():
            return


def _runnable(
    spec: StudySpec, dataset: Dataset, library: Library, classes: int, prepared: Prepared
) -> _Runnable:
    execution = prepared.predictor.execution
    keys = {
        stream: EvidenceKey(prepared.digest, dataset.digest, spec.noise, stream, execution)
        for stream in (BASE_STREAMS if prepared.name == BASE else compressed_streams(spec))
    }
    pixels = int(np.prod(dataset.input_shape))
    arrays = {
        stream: library.open_evidence(
            key, n_inputs=len(dataset.labels), classes=classes, pixels=pixels
        )
        for stream, key in keys.items()
    }
    record = ModelRecord(
        name=prepared.name,
        title=prepared.title,
        digest=prepared.digest,
        execution=execution,
        note=prepared.note,
        size_bytes=prepared.size_bytes,
        nonzero=prepared.nonzero,
        evidence={stream: key.id for stream, key in keys.items()},
        clean=prepared.clean,
        fixed=prepared.fixed,
    )
    return _Runnable(record, arrays)


def _record(spec: StudySpec, dataset: Dataset, models: Sequence[ModelRecord]) -> StudyRecord:
    return StudyRecord(
        spec=spec,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        finished=False,
        data=DataRecord(
            digest=dataset.digest,
            # Folders and files may have any name; a record with controls would not be read again.
            description=plain(dataset.description, NAME),
            classes=tuple(plain(one, NAME) for one in dataset.classes),
            indices=tuple(int(index) for index in dataset.indices),
            labels=tuple(int(label) for label in dataset.labels),
            reported=tuple(bool(flag) for flag in dataset.reported),
        ),
        models=tuple(models),
        hardware=hardware_of(model.execution for model in models),
        versions=software_versions(),
        digests={},
    )


def _warn_of_another_original(record: StudyRecord, previous: StudyRecord) -> None:
    """A study is named by the path of its original, which may lead to another file by now."""
    if record.base.digest != previous.base.digest:
        _log.warning(
            "study %s was about another network at %s (digest %s, now %s): its results are "
            "replaced; models at paths of their own keep their studies",
            record.id[:6],
            record.spec.model.weights,
            previous.base.digest[:16],
            record.base.digest[:16],
        )


def _continued(record: StudyRecord, previous: StudyRecord) -> StudyRecord:
    """The record of a study that was started before: its date, and where nothing new is computed
    its machine."""
    record = replace(record, created=previous.created)
    record = replace(record, models=tuple(_with_cost(one, previous) for one in record.models))
    # What was measured anew of the same classifiers computes nothing.
    before, after = ([replace(one, fixed="") for one in r.models] for r in (previous, record))
    if previous.finished and before == after:
        record = replace(record, hardware=previous.hardware, versions=previous.versions)
    return record


def _with_cost(model: ModelRecord, previous: StudyRecord) -> ModelRecord:
    """A model with the cost that was measured of it before, if it is still the same one."""
    for one in previous.models:
        if (one.name, one.digest, one.execution) == (model.name, model.digest, model.execution):
            return replace(model, cost=one.cost)
    return model


def _save_pilot(record: StudyRecord, library: Library) -> None:
    """Keep what the pilot left behind, at the date of the first: forecasts could be seen since."""
    pilot = replace(record, spec=pilot_spec(record.spec), finished=False, digests={})
    first = library.pilot_record(pilot.id)
    library.save_pilot(pilot if first is None else replace(pilot, created=first.created))


def _later(spec: StudySpec, inputs: int, until: Until) -> list[Part]:
    """Draws that follow the first stage, an upper estimate, for the progress of that one."""
    return [
        Part(name, stream, 0, inputs * draws)
        for name, stream, draws in expected_draws(spec, until)
        if name != BASE
    ]


def _check_unchanged(record: StudyRecord, previous: StudyRecord | None, library: Library) -> None:
    """Refuse to finish a study anew on evidence that was changed since it was finished before.

    Raises:
        StoreError: It was.
    """
    if previous is None or not previous.finished:
        return
    if [one.evidence for one in previous.models] == [one.evidence for one in record.models]:
        check_trusted(Study(previous, library.evidence_folder))


def _digests(record: StudyRecord, runnables: Sequence[_Runnable]) -> dict[str, str]:
    draws, found = record.digest_draws(), dict[str, str]()
    for one in runnables:
        for stream, array in one.arrays.items():
            # The manifest promises what the journals vouch for, so they reach the disk before it.
            array.settle()
            evidence_id = one.record.evidence[stream]
            found[evidence_id] = array.digest(draws[evidence_id])
    return found
