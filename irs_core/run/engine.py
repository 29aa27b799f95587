"""Worker processes, on this machine or on a Dask cluster, that compute units of work.

joblib hands the units out and gives the answers back in whatever order they come.
"""

import contextlib
import logging
import multiprocessing
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from irs_core.errors import EngineError
from irs_core.hardware import usable_cores
from irs_core.run.options import EngineChoice, parse_engine
from irs_core.sampling.pinning import Devices, device_names

if TYPE_CHECKING:
    from irs_core.sampling.payload import ModelPayload
    from irs_core.sampling.remote import Answer, Missing, Task

logger = logging.getLogger(__name__)

# So often units may be handed out anew because workers were lost, or gave no answer.
LOSSES = 5
# A unit takes seconds. After such a silence, doubled each time, the units are handed out anew.
SILENCE_SECONDS = 600.0


class Pool(Protocol):
    """Where units run.

    Attributes:
        lost: Exceptions which say that workers were lost, so that units must be redone.
    """

    lost: tuple[type[BaseException], ...]

    def load(self, payloads: "Mapping[str, ModelPayload]") -> None:
        """Take the classifiers of a study, by payload key."""

    def joblib(self, patience: float) -> Any:
        """A `joblib.Parallel` that runs there and raises TimeoutError after such a silence."""

    def deliver(self, missing: "Missing") -> bool:
        """Send a worker what it lacks; False if that failed."""

    def close(self) -> None:
        """End what was started."""


class Engine:
    """Runs tasks on a pool, each until it has an answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._keys: dict[str, str] = {}

    def load(self, payloads: "Mapping[str, ModelPayload]") -> None:
        """Take the classifiers of a study, by name; before the first task."""
        self._keys = {name: payload.key for name, payload in payloads.items()}
        self._pool.load({payload.key: payload for payload in payloads.values()})

    def key(self, name: str) -> str:
        """The payload key of a classifier."""
        return self._keys[name]

    def answers(self, tasks: int, make: "Callable[[int], Task]") -> "Generator[Answer, None, None]":
        """The answers of tasks 0, 1, ..., each once, in the order in which they come.

        Closing the iterator withdraws what has not been begun.

        Args:
            make: Makes a task when it is about to be sent; may run in another thread.

        Raises:
            EngineError: Workers cannot be reached, or were lost too often.
            IrsError: A task failed.
        """
        pending = dict.fromkeys(range(tasks))
        losses = 0
        while pending:
            before = len(pending)
            try:
                with contextlib.closing(self._round(list(pending), make, losses)) as found:
                    for answer in found:
                        if answer.number in pending:
                            del pending[answer.number]
                            yield answer
            except self._pool.lost as error:
                losses += 1
                reason = str(error) or type(error).__name__
                logger.warning("workers were lost and their units are redone: %s", reason)
            else:
                losses += len(pending) == before
            if losses > LOSSES:
                raise EngineError(
                    f"workers were lost {losses} times; {len(pending)} units are not computed"
                )

    def _round(
        self, numbers: list[int], make: "Callable[[int], Task]", losses: int
    ) -> "Generator[Answer, None, None]":
        from joblib import delayed

        # Workers compute by torch, which a run in this process may do without.
        from irs_core.sampling.remote import Missing, run_task

        todo, failed = deque(numbers), list[Exception]()

        def calls() -> Iterator[Any]:
            while todo and not failed:
                try:
                    task = make(todo.popleft())
                except Exception as error:  # joblib would lose it: it asks from threads of its own
                    failed.append(error)
                    return
                yield delayed(run_task)(task)

        answers = self._pool.joblib(SILENCE_SECONDS * 2**losses)(calls())
        try:
            for answer in answers:
                if not isinstance(answer, Missing):
                    yield answer
                elif self._pool.deliver(answer):
                    todo.append(answer.number)
        finally:
            with warnings.catch_warnings():
                # Ending early is meant.
                warnings.simplefilter("ignore")
                answers.close()
        if failed:
            raise failed[0]


class LocalProcesses:
    """Processes of this machine, by joblib's loky, which share its cores evenly."""

    def __init__(self, processes: int, gpus: int = 0) -> None:
        """Begin nothing yet.

        Args:
            gpus: CUDA devices of this machine, of which each process gets one.
        """
        if multiprocessing.current_process().daemon:
            raise EngineError("a daemon process may not start workers; use the engine local")
        from joblib.externals.loky.process_executor import BrokenProcessPool

        self.lost: tuple[type[BaseException], ...] = (BrokenProcessPool,)
        self.processes = processes
        self._threads = max(1, usable_cores() // processes)
        self._payloads: tuple[ModelPayload, ...] = ()
        self._folder = tempfile.TemporaryDirectory(prefix="irs-devices-")
        self._devices = (
            Devices(device_names(gpus), Path(self._folder.name), processes) if gpus else None
        )

    def load(self, payloads: "Mapping[str, ModelPayload]") -> None:
        """Every process gets all classifiers when it starts."""
        self._payloads = tuple(payloads.values())

    def joblib(self, patience: float) -> Any:
        """See `Pool`; loky itself notices when a process dies."""
        from joblib import Parallel, parallel_config

        from irs_core.sampling.remote import start_process

        with parallel_config(
            "loky",
            n_jobs=self.processes,
            inner_max_num_threads=self._threads,
            initializer=start_process,
            initargs=(self._payloads, self._threads, self._devices),
        ):
            return Parallel(batch_size=1, return_as="generator_unordered", pre_dispatch="2*n_jobs")

    def deliver(self, missing: "Missing") -> bool:
        """Nothing is ever missing here."""
        raise EngineError(f"worker {missing.worker} was started without its classifiers")

    def close(self) -> None:
        """End the processes."""
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)
        self._folder.cleanup()


@contextlib.contextmanager
def open_engine(text: str | None, *, gpus: int = 0) -> Iterator[Engine | None]:
    """The engine that a text or IRS_ENGINE asks for; None for this process.

    Args:
        gpus: CUDA devices that the run may use. Where there are several, `local` becomes one
            process for each.

    Raises:
        SpecError: The text names no engine.
        EngineError: The cluster cannot be reached.
    """
    choice = parse_engine(text)
    if choice == EngineChoice() and gpus > 1:
        choice = EngineChoice(processes=gpus)
    if choice == EngineChoice():
        yield None
        return
    pool: Pool
    if choice.scheduler is None:
        pool = LocalProcesses(choice.processes, gpus)
    else:
        # Only a cluster needs Dask.
        from irs_core.run.cluster import DaskCluster

        pool = DaskCluster(choice.scheduler)
    try:
        yield Engine(pool)
    finally:
        pool.close()
