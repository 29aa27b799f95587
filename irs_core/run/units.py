"""The loop over units of work, in this process or on an engine's workers."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.close_up import noise_group
from irs_core.backends import Predictor
from irs_core.backends.device import hardware_of
from irs_core.data import Dataset
from irs_core.errors import CancelledError, StoreError
from irs_core.run.bundles import Joint, bundled, joined
from irs_core.run.engine import Engine
from irs_core.run.meter import Meter
from irs_core.run.options import Part, Progress
from irs_core.run.plan import Need, Unit, plan_units
from irs_core.run.words import model_titles, stage_words
from irs_core.sampling.bookmarks import Bookmarks
from irs_core.sampling.sampler import Request, Sampled, sample
from irs_core.spec.study import StudySpec

if TYPE_CHECKING:
    from irs_core.sampling.remote import Answer, Task

# A chunk that is damaged between planning and the end is computed again, so many times.
_ROUNDS = 3


class Runner:
    """Computes units and writes them to the store, which nothing else touches."""

    def __init__(
        self,
        dataset: Dataset,
        spec: StudySpec,
        predictors: Mapping[str, Predictor],
        engine: Engine | None,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
        owned: Callable[[], bool] = lambda: True,
        drawing: Callable[[], None] = lambda: None,
    ) -> None:
        """Without an engine, units run one after the other in this process.

        Args:
            drawing: Called when the first unit is about to be computed.
        """
        self._dataset = dataset
        self._spec = spec
        self._predictors = predictors
        self._engine = engine
        self._on_progress = on_progress
        self._should_stop = should_stop
        self._owned = owned
        self._drawing = drawing
        self._titles = model_titles(spec)
        self._meter = Meter()
        self._marks = Bookmarks()
        self._warm = set[str]()

    def fill(self, needs: Sequence[Need], *, later: Sequence[Part] = ()) -> None:
        """Compute all units of the needs; about the draws of `later` follow in another call.

        Raises:
            CancelledError: `should_stop` said so.
            IrsError: A unit cannot be computed; the others that are finished are kept.
        """
        for _ in range(_ROUNDS):
            units = list(plan_units(needs))
            self._meter.plan(needs, units, later)
            if not units:
                return
            if self._engine is None:
                self._fill_here(units)
            else:
                self._fill_by(self._engine, units)
        # What is still missing after this was damaged or removed while the study ran.
        if next(plan_units(needs), None) is not None:
            raise StoreError("stored evidence disappears while the study runs; check the disk")

    @property
    def spent(self) -> dict[str, tuple[int, float]]:
        """Draws and their wall seconds by classifier, with the loop and all but the last write."""
        return self._meter.spent

    def _fill_here(self, units: Sequence[Unit]) -> None:
        # The first call compiles and allocates; that is nobody's certification time.
        for name in dict.fromkeys(need.name for unit in units for need in unit.needs):
            if name not in self._warm:
                self._predictors[name](self._dataset.images([0]))
                self._meter.expect(name, _batch_rate(self._predictors[name], self._dataset))
                self._warm.add(name)
        self._drawing()
        self._meter.start()
        # While the disk takes what was computed, the next is computed.
        with ThreadPoolExecutor(1) as writer:
            written: Future[None] | None = None
            try:
                for together in bundled(units, self._predictors):
                    self._check_stop()
                    self._report(together[0])
                    joint = joined(together)
                    results = self._compute(joint)
                    if written is not None:
                        written.result()
                    written = writer.submit(self._store, joint, results)
                    self._meter.count(together)
                    self._report(together[-1])
            finally:
                if written is not None:
                    written.result()

    def _fill_by(self, engine: Engine, units: Sequence[Unit]) -> None:
        self._check_stop()
        self._report(units[0])
        self._drawing()
        self._meter.start()

        def task(number: int) -> "Task":
            return self._task(engine, number, units[number])

        with closing(engine.answers(len(units), task)) as answers:
            for answer in answers:
                unit = units[answer.number]
                self._keep(unit, answer)
                self._meter.count([unit])
                self._report(unit)
                self._check_stop()

    def _check_stop(self) -> None:
        if self._should_stop():
            raise CancelledError("the run was cancelled; what it computed is kept")

    def _task(self, engine: Engine, number: int, unit: Unit) -> "Task":
        from irs_core.sampling.remote import Task

        images, groups = self._inputs(unit)
        return Task(
            number=number,
            models=tuple(engine.key(need.name) for need in unit.needs),
            rows=unit.rows,
            masks=unit.masks,
            images=images,
            groups=groups,
            noise=self._spec.noise,
            stream=unit.stream,
            chunk=unit.at.chunk,
            start=unit.start,
            stop=unit.stop,
            scale=self._dataset.scale,
        )

    def _inputs(
        self, unit: Unit
    ) -> tuple[NDArray[np.float32] | NDArray[np.uint8], tuple[int, ...]]:
        """Images of the unit's tile, as its noise needs them, and the noise group of each."""
        rows = unit.needs[0].array.rows(unit.at.tile)
        groups = tuple(
            noise_group(self._spec, self._dataset, row) for row in range(rows.start, rows.stop)
        )
        if self._spec.noise.integer:
            return self._dataset.pixels[rows], groups
        return self._dataset.images(np.arange(rows.start, rows.stop)), groups

    def _compute(self, joint: Joint) -> list[Sampled]:
        """What each need's predictor answers."""
        inputs = [self._inputs(unit) for unit in joint.units]
        first = joint.units[0]
        requests = [
            Request(self._predictors[need.name], rows, mask)
            for need, rows, mask in zip(first.needs, joint.rows, joint.masks, strict=True)
        ]
        return sample(
            np.concatenate([images for images, _ in inputs]),
            [group for _, groups in inputs for group in groups],
            requests,
            noise=self._spec.noise,
            stream=first.stream,
            chunk=first.at.chunk,
            start=joint.start,
            stop=joint.stop,
            scale=self._dataset.scale,
            marks=self._marks,
        )

    def _store(self, joint: Joint, results: Sequence[Sampled]) -> None:
        for index, (need, result) in enumerate(zip(joint.units[0].needs, results, strict=True)):
            predictor = self._predictors[need.name]
            # Predictors on a GPU say on which.
            device = getattr(predictor, "device", "cpu")
            hardware = hardware_of([predictor.execution], [device])
            total = sum(unit.draws_by_need[index] for unit in joint.units)
            for number, unit in enumerate(joint.units):
                seconds = result.seconds * unit.draws_by_need[index] / max(1, total)
                classes = joint.part(number, result.classes)
                self._write(unit, index, classes, seconds, hardware)

    def _keep(self, unit: Unit, answer: "Answer") -> None:
        for index, classes in enumerate(answer.classes):
            self._write(unit, index, classes, answer.seconds[index], answer.hardware)

    def _write(
        self,
        unit: Unit,
        index: int,
        classes: NDArray[np.signedinteger[Any]],
        seconds: float,
        hardware: str,
    ) -> None:
        # Whoever was stopped for long while it computed may have lost the work meanwhile.
        check_owned(self._owned)
        unit.needs[index].array.merge_chunk(
            unit.at,
            unit.rows[index],
            unit.start,
            classes,
            seconds=seconds,
            hardware=hardware,
            mask=unit.masks[index],
        )

    def _report(self, unit: Unit) -> None:
        names = [need.name for need in unit.needs]
        stage = stage_words(names, unit.stream, self._titles)
        self._on_progress(self._meter.progress(stage))


def _batch_rate(predictor: Predictor, dataset: Dataset) -> float:
    """Predictions a second of one batch, by which time left is known before the first unit."""
    images = dataset.images(np.arange(getattr(predictor, "batch", 1)) % len(dataset.labels))
    clock = perf_counter()
    predictor(images)
    return len(images) / max(perf_counter() - clock, 1e-9)


def check_owned(owned: Callable[[], bool]) -> None:
    """Let only the run that still has the work write; asked right before each write.

    Raises:
        CancelledError: Another process has it.
    """
    if not owned():
        raise CancelledError("the run was taken over by another process; what it stored is kept")
