"""What a model costs where it is deployed: its size, packed, and its speed, without noise.

Times in a study's own tables are those of its batches, noise included. Here one image goes through
alone, as it does in a service, on the same runtime.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Measurable
from irs_core.backends.served import ServedPredictor
from irs_core.data import load_dataset
from irs_core.errors import ApproximationError, StoreError
from irs_core.hardware import describe_hardware
from irs_core.models import load_model
from irs_core.run.fit import check_fit
from irs_core.run.options import RunOptions
from irs_core.run.prepare import prepare_fixed
from irs_core.spec.compressions import Compression
from irs_core.spec.cost import ModelCost, Speed
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import Library, StudyRecord

RUNS, WARM_UP, LEAST_SECONDS = 200, 20, 0.5
Clock = Callable[[], float]


@dataclass(frozen=True)
class CostRow:
    """What one classifier costs.

    Args:
        name: `base`, or the text of the compression.
        title, note: For people: what it is, and what is and is not compressed.
        digest: SHA-256, as in the key of its evidence.
        execution: What ran it, as in that key.
    """

    name: str
    title: str
    note: str
    digest: str
    execution: str
    cost: ModelCost


def measure_costs(
    model: ModelSpec,
    data: DataSpec,
    compressions: Sequence[Compression] = (),
    *,
    runs: int = RUNS,
    options: RunOptions | None = None,
) -> tuple[CostRow, ...]:
    """Size and speed of a model and of its compressed versions, the original first.

    Args:
        data: Images that it is measured on; int8 sets its ranges on such images as well.
        runs: Images that go through alone.

    Raises:
        IrsError: The model, the data or a compression cannot be used, or they do not fit.
    """
    spec = StudySpec(model, data, NoiseSpec(0.5), tuple(compressions), n0=1, n=1, n_p=(1,))
    return tuple(_rows(spec, runs, options or RunOptions()))


def keep_costs(
    library: Library,
    study_id: str,
    *,
    runs: int = RUNS,
    options: RunOptions | None = None,
    names: Collection[str] | None = None,
) -> StudyRecord:
    """Measure the models of a live study and write that into its manifest.

    Its id, its evidence and its digests of evidence stay as they are.

    Args:
        names: Compressed models to measure, beside the original; None for all.

    Raises:
        StoreError: The study is a bundle, which is never written, or a model is another one here.
        IrsError: A model or the data are not at hand.
    """
    study = library.open(study_id)
    if study.bundle is not None:
        raise StoreError(
            f"study {study.record.id} is a bundle, which stays as it is; measure its model with "
            "./irs models cost MODEL"
        )
    spec = study.record.spec
    wanted = tuple(one for one in spec.compressions if names is None or str(one) in names)
    measured = replace(spec, compressions=wanted)
    rows = {one.name: one for one in _rows(measured, runs, options or RunOptions())}
    models = []
    for one in study.record.models:
        found = rows.get(one.name)
        if found is None:
            models.append(one)
            continue
        if (found.digest, found.execution) != (one.digest, one.execution):
            raise StoreError(
                f"{one.title} is another model here than in study {study.record.id}: "
                f"{found.digest[:16]} on {found.execution}, not {one.digest[:16]} on "
                f"{one.execution}"
            )
        models.append(replace(one, cost=found.cost))
    record = replace(study.record, models=tuple(models))
    library.save(record)
    return record


def measure_speed(
    predictor: Measurable,
    images: NDArray[np.float32],
    *,
    runs: int = RUNS,
    warm_up: int = WARM_UP,
    least_seconds: float = LEAST_SECONDS,
    clock: Clock = perf_counter,
) -> Speed:
    """Times of single images, and images per second in full batches, on a classifier's runtime.

    A server is asked for scores alone, without the requests that look whether it has changed.
    Single images go through in a batch of one, or, where a file fixes its batch, in that with
    copies. The threads are those that certification uses; a server may choose others.

    Args:
        images: Without noise, (N, channels, height, width), N at least 1; taken in turn.
        runs: Images that are timed alone, at least 1.
        warm_up: Images before that, which are not timed.
        least_seconds: Batches are run for at least so long.
    """
    if isinstance(predictor, ServedPredictor):
        predictor = predictor.unchecked()
    try:
        single = predictor.with_batch(1)
    except ApproximationError:
        single = predictor
    turns = [images[at % len(images)][None] for at in range(runs + warm_up)]
    for image in turns[:warm_up]:
        single(image)
    milliseconds = np.array([_timed(single, one, clock) for one in turns[warm_up:]]) * 1000
    batch = np.concatenate([images] * -(-predictor.batch // len(images)))[: predictor.batch]
    p50, p95 = np.quantile(milliseconds, [0.5, 0.95], method="inverted_cdf")
    return Speed(
        p50_ms=float(p50),
        p95_ms=float(p95),
        runs=runs,
        per_second=_throughput(predictor, batch, least_seconds, clock),
        batch=len(batch),
        runtime=predictor.execution,
        hardware=describe_hardware(),
    )


def _rows(spec: StudySpec, runs: int, options: RunOptions) -> Iterator[CostRow]:
    dataset = load_dataset(spec.data)
    base = load_model(spec.model, programs=options.programs)
    check_fit(spec, base, dataset)
    images = dataset.images(np.arange(min(len(dataset), 100)))
    for one in prepare_fixed(spec, base, dataset, options):
        cost = ModelCost(one.size(), measure_speed(one.predictor, images, runs=runs))
        yield CostRow(one.name, one.title, one.note, one.digest, one.predictor.execution, cost)


def _throughput(
    predictor: Measurable, batch: NDArray[np.float32], least_seconds: float, clock: Clock
) -> float:
    predictor(batch)
    times = 1
    while True:
        many = np.concatenate([batch] * times)
        spent = _timed(predictor, many, clock)
        # A runtime that works on several batches at once needs several to be busy.
        if spent >= least_seconds or times >= 64:
            return len(many) / spent
        times *= 2


def _timed(predictor: Measurable, images: NDArray[np.float32], clock: Clock) -> float:
    started = clock()
    predictor(images)
    return clock() - started
