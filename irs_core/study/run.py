"""Run a study: fill the evidence that is missing, and nothing else."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Predictor
from irs_core.certify import build_cache
from irs_core.data import Dataset, load_dataset
from irs_core.errors import CancelledError, DatasetError
from irs_core.hardware import describe_hardware, software_versions
from irs_core.models import LoadedModel, load_model
from irs_core.sampling.sampler import Request, sample
from irs_core.specs import Stream, StudySpec
from irs_core.store import (
    BASE,
    DataRecord,
    EvidenceArray,
    EvidenceKey,
    Library,
    ModelRecord,
    StudyRecord,
)
from irs_core.study.options import Progress, RunOptions
from irs_core.study.plan import Need, Unit, plan_units
from irs_core.study.prepare import Prepared, prepare
from irs_core.study.tally import count_classes

logger = logging.getLogger(__name__)

_BASE_STREAMS: tuple[Stream, ...] = ("select", "estimate")
_COMPRESSED_STREAMS: tuple[Stream, ...] = ("estimate", "scratch-select", "scratch-estimate")


@dataclass(frozen=True)
class _Runnable:
    record: ModelRecord
    predictor: Predictor
    arrays: Mapping[Stream, EvidenceArray]


def run_study(
    spec: StudySpec,
    library: Library,
    *,
    options: RunOptions | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> StudyRecord:
    """Compute what a study still lacks and save its manifest.

    Whatever is stored already is kept, so a cancelled or killed run continues where it was, and
    its evidence is bit for bit that of an uninterrupted run.

    Raises:
        CancelledError: `should_stop` said so; all finished chunks are kept.
        IrsError: The model, the data or the disk refuse.
    """
    options = options or RunOptions()
    dataset = load_dataset(spec.data)
    base = load_model(spec.model)
    _check_fit(base, dataset)
    runnables = [
        _runnable(spec, dataset, library, base.num_classes, one)
        for one in prepare(spec, base, dataset, options)
    ]
    record = _record(spec, dataset, [runnable.record for runnable in runnables])
    library.save(record)
    runner = _Runner(
        dataset,
        spec,
        {one.record.name: one.predictor for one in runnables},
        on_progress,
        should_stop,
    )
    every = np.ones(len(dataset.labels), np.bool_)
    runner.fill(
        [
            Need(BASE, "select", spec.n0, runnables[0].arrays["select"], every),
            Need(BASE, "estimate", spec.n, runnables[0].arrays["estimate"], every),
        ],
        after=_later_draws(spec, len(every)),
    )
    runner.fill(_compressed_needs(spec, runnables, dataset))
    record = replace(record, finished=True, digests=_digests(spec, runnables))
    library.save(record)
    return record


def _check_fit(model: LoadedModel, dataset: Dataset) -> None:
    if model.input_shape is not None and tuple(model.input_shape) != tuple(dataset.input_shape):
        raise DatasetError(
            f"the model takes inputs of shape {tuple(model.input_shape)}; "
            f"the images have {tuple(dataset.input_shape)}"
        )
    if len(dataset.classes) > model.num_classes:
        raise DatasetError(
            f"the model has {model.num_classes} classes; the data have {len(dataset.classes)}"
        )


def _runnable(
    spec: StudySpec, dataset: Dataset, library: Library, classes: int, prepared: Prepared
) -> _Runnable:
    execution = prepared.predictor.execution
    keys = {
        stream: EvidenceKey(prepared.digest, dataset.digest, spec.noise, stream, execution)
        for stream in (_BASE_STREAMS if prepared.name == BASE else _COMPRESSED_STREAMS)
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
    )
    return _Runnable(record, prepared.predictor, arrays)


def _record(spec: StudySpec, dataset: Dataset, models: Sequence[ModelRecord]) -> StudyRecord:
    return StudyRecord(
        spec=spec,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        finished=False,
        data=DataRecord(
            digest=dataset.digest,
            description=dataset.description,
            classes=dataset.classes,
            indices=tuple(int(index) for index in dataset.indices),
            labels=tuple(int(label) for label in dataset.labels),
            reported=tuple(bool(flag) for flag in dataset.reported),
        ),
        models=tuple(models),
        hardware=describe_hardware(),
        versions=software_versions(),
        digests={},
    )


def _later_draws(spec: StudySpec, inputs: int) -> int:
    """An upper estimate of the second stage's draws, for the progress bar of the first."""
    each = spec.n0 + 2 * spec.n_p[-1] if spec.baseline else spec.n_p[-1]
    return inputs * len(spec.compressions) * each


def _compressed_needs(
    spec: StudySpec, runnables: Sequence[_Runnable], dataset: Dataset
) -> list[Need]:
    every = np.ones(len(dataset.labels), np.bool_)
    paired, fresh = every, every
    if not spec.baseline:
        # Without the baseline, each input needs only the draws of its own branch.
        direct = _direct_branch(spec, runnables[0])
        paired, fresh = ~direct, direct
    needs = []
    for one in runnables[1:]:
        needs.append(
            Need(one.record.name, "estimate", spec.n_p[-1], one.arrays["estimate"], paired)
        )
        needs.append(
            Need(
                one.record.name,
                "scratch-estimate",
                spec.n_p[-1],
                one.arrays["scratch-estimate"],
                fresh,
            )
        )
        if spec.baseline:
            needs.append(
                Need(
                    one.record.name, "scratch-select", spec.n0, one.arrays["scratch-select"], every
                )
            )
    return needs


def _direct_branch(spec: StudySpec, base: _Runnable) -> NDArray[np.bool_]:
    selection = base.arrays["select"].read_complete(spec.n0)
    estimation = base.arrays["estimate"].read_complete(spec.n)
    classes = 1 + int(max(selection.max(), estimation.max()))
    cache = build_cache(
        count_classes(selection, classes),
        count_classes(estimation, classes),
        n0=spec.n0,
        n=spec.n,
        alpha=spec.alpha,
    )
    return np.asarray(cache.p_lower >= spec.gamma)


def _digests(spec: StudySpec, runnables: Sequence[_Runnable]) -> dict[str, str]:
    draws: dict[Stream, int] = {
        "select": spec.n0,
        "estimate": spec.n_p[-1],
        "scratch-select": spec.n0,
        "scratch-estimate": spec.n_p[-1],
    }
    found = {}
    for one in runnables:
        for stream, array in one.arrays.items():
            length = spec.n if (one.record.name, stream) == (BASE, "estimate") else draws[stream]
            found[one.record.evidence[stream]] = array.digest(length)
    return found


class _Runner:
    """The loop over units, with its counters."""

    def __init__(
        self,
        dataset: Dataset,
        spec: StudySpec,
        predictors: Mapping[str, Predictor],
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._dataset = dataset
        self._spec = spec
        self._predictors = predictors
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._done = 0
        self._started = perf_counter()

    def fill(self, needs: Sequence[Need], *, after: int = 0) -> None:
        """Compute all units of the needs; `after` draws are known to follow."""
        units = list(plan_units(needs))
        total = self._done + sum(unit.draws for unit in units) + after
        for unit in units:
            if self._should_stop():
                raise CancelledError("the run was cancelled; what it computed is kept")
            self._report(unit, total)
            self._compute(unit)
            self._done += unit.draws
            self._report(unit, total)

    def _compute(self, unit: Unit) -> None:
        rows = unit.needs[0].array.rows(unit.at.tile)
        images = self._dataset.images(np.arange(rows.start, rows.stop))
        group = self._spec.noise.group
        groups = [
            int(self._dataset.indices[row - row % group]) for row in range(rows.start, rows.stop)
        ]
        requests = [
            Request(self._predictors[need.name], wanted)
            for need, wanted in zip(unit.needs, unit.rows, strict=True)
        ]
        results = sample(
            images,
            groups,
            requests,
            noise=self._spec.noise,
            stream=unit.stream,
            chunk=unit.at.chunk,
            start=unit.start,
            stop=unit.stop,
        )
        for need, request, result in zip(unit.needs, requests, results, strict=True):
            stored = need.array.read_chunk(unit.at).copy()
            stored[request.rows, unit.start : unit.stop] = result.classes[request.rows]
            need.array.write_chunk(
                unit.at,
                stored,
                seconds=result.seconds,
                draws=int(request.rows.sum()) * (unit.stop - unit.start),
                hardware=describe_hardware(),
            )

    def _report(self, unit: Unit, total: int) -> None:
        spent = perf_counter() - self._started
        names = unit.needs[0].name if len(unit.needs) == 1 else f"{len(unit.needs)} classifiers"
        stage = f"{names} on {unit.stream} draws"
        self._on_progress(
            Progress(stage, self._done, total, self._done / spent if spent > 0 else 0.0)
        )
