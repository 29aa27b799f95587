"""Run a study: fill the evidence that is missing, and nothing else."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from irs_core.approx import compress, describe
from irs_core.backends.base import Predictor
from irs_core.backends.torch_backend import TorchPredictor, check_device
from irs_core.certify import build_cache
from irs_core.compressions import Compression, HalfCompute
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
from irs_core.study.tally import count_classes

logger = logging.getLogger(__name__)


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
    runnables = _prepare(spec, base, dataset, library, options)
    record = _record(spec, dataset, [runnable.record for runnable in runnables])
    library.save(record)
    runner = _Runner(
        dataset,
        spec,
        {one.record.name: one.predictor for one in runnables},
        options,
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


def _prepare(
    spec: StudySpec, base: LoadedModel, dataset: Dataset, library: Library, options: RunOptions
) -> list[_Runnable]:
    device = str(check_device(options.device))
    own: tuple[Stream, ...] = ("estimate", "scratch-select", "scratch-estimate")
    size = base.size_bytes
    first = TorchPredictor(base.module, classes=base.num_classes, device=device)
    runnables = [
        _runnable(
            spec,
            dataset,
            library,
            base,
            first,
            ("select", "estimate"),
            ModelRecord(
                BASE,
                "original (fp32)",
                base.digest,
                first.execution,
                "The uncompressed classifier.",
                size,
                base.parameters,
                {},
            ),
        )
    ]
    for compression in spec.compressions:
        module = compress(base.module, compression)
        report = describe(base.module, compression)
        predictor = TorchPredictor(
            module,
            classes=base.num_classes,
            device=_device_for(compression, device),
            arithmetic=_arithmetic(compression),
        )
        digest = sha256(f"{base.digest} {compression}".encode()).hexdigest()
        record = ModelRecord(
            str(compression),
            compression.title,
            digest,
            predictor.execution,
            report.note,
            report.size_bytes,
            report.nonzero_parameters,
            {},
        )
        runnables.append(_runnable(spec, dataset, library, base, predictor, own, record))
    return runnables


def _device_for(compression: Compression, device: str) -> str:
    # PyTorch's dynamic int8 kernels exist on the CPU only.
    return "cpu" if str(compression) == "int8-dynamic" else device


def _arithmetic(compression: Compression) -> str:
    if isinstance(compression, HalfCompute):
        return compression.format
    return "int8 linear" if str(compression) == "int8-dynamic" else "fp32"


def _runnable(
    spec: StudySpec,
    dataset: Dataset,
    library: Library,
    base: LoadedModel,
    predictor: Predictor,
    streams: Sequence[Stream],
    record: ModelRecord,
) -> _Runnable:
    keys = {
        stream: EvidenceKey(record.digest, dataset.digest, spec.noise, stream, predictor.execution)
        for stream in streams
    }
    pixels = int(np.prod(dataset.input_shape))
    arrays = {
        stream: library.open_evidence(
            key, n_inputs=len(dataset.labels), classes=base.num_classes, pixels=pixels
        )
        for stream, key in keys.items()
    }
    return _Runnable(
        replace(record, evidence={stream: key.id for stream, key in keys.items()}),
        predictor,
        arrays,
    )


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
        options: RunOptions,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._dataset = dataset
        self._spec = spec
        self._predictors = predictors
        self._batch = options.batch
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
            batch=self._batch,
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
