"""Units of work in worker processes, which see neither the store nor the driver's disk.

A unit names its classifiers by the keys of their payloads. A worker that lacks one says so, and
gets the bytes once; it keeps the classifiers that it built.
"""

import logging
import os
import platform
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from irs_core.backends import Predictor
from irs_core.backends.device import hardware_of
from irs_core.hardware import THREADS_VARIABLE, usable_cores
from irs_core.sampling.bookmarks import Bookmarks
from irs_core.sampling.payload import ModelPayload
from irs_core.sampling.pinning import Devices, pin
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import NoiseSpec, Stream

logger = logging.getLogger(__name__)

# A cluster outlives a study: what nobody used for so long is dropped when something else comes.
FORGET_SECONDS = 3600.0


@dataclass(frozen=True, eq=False)
class Task:
    """One unit of work; see `sample` for what the fields mean.

    Args:
        number: The driver's name for it.
        models: Payload keys.
        rows: Per model, which rows of the tile it still needs.
        masks: Per model, which draws of these rows; None for all.
    """

    number: int
    models: tuple[str, ...]
    rows: tuple[NDArray[np.bool_], ...]
    masks: tuple[NDArray[np.bool_] | None, ...]
    images: NDArray[np.float32] | NDArray[np.uint8]
    groups: tuple[int, ...]
    noise: NoiseSpec
    stream: Stream
    chunk: int
    start: int
    stop: int
    scale: int = 255


@dataclass(frozen=True, eq=False)
class Answer:
    """What a task gave.

    Args:
        classes: Per model, int32 (rows, draws); -1 on rows that were not asked for.
        seconds: Per model, measured on the worker.
        hardware: The worker's.
    """

    number: int
    classes: tuple[NDArray[np.int32], ...]
    seconds: tuple[float, ...]
    hardware: str


@dataclass(frozen=True)
class Missing:
    """A task that could not run because its worker lacks classifiers.

    Args:
        worker: Name of the worker process, unique over time.
        address: Where Dask reaches it; empty elsewhere.
        received: Deliveries that it had got by then.
        models: Payload keys that it lacks.
    """

    number: int
    worker: str
    address: str
    received: int
    models: tuple[str, ...]


class _Shelf:
    """The classifiers of this process."""

    def __init__(self) -> None:
        self.name = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.received = 0
        self.marks = Bookmarks()
        # A worker with several threads runs one unit at a time: predictors are not shared.
        self.busy = threading.Lock()
        self._packed: dict[str, ModelPayload] = {}
        self._built: dict[str, Predictor] = {}
        self._used: dict[str, float] = {}

    def put(self, payloads: Sequence[ModelPayload]) -> int:
        """Keep payloads until they are first used; the number of deliveries so far."""
        now = time.monotonic()
        for key in [key for key, used in self._used.items() if now - used > FORGET_SECONDS]:
            for shelf in (self._packed, self._built, self._used):
                shelf.pop(key, None)
        for payload in payloads:
            self._packed[payload.key] = payload
            self._used[payload.key] = now
        self.received += 1
        return self.received

    def lacks(self, keys: Sequence[str]) -> tuple[str, ...]:
        """Those of the keys that were never delivered, or were dropped."""
        now = time.monotonic()
        self._used.update({key: now for key in keys if key in self._used})
        return tuple(key for key in keys if key not in self._used)

    def get(self, key: str) -> Predictor:
        """A classifier that is not lacking, built at its first use."""
        if key not in self._built:
            self._built[key] = self._packed[key].predictor()
            del self._packed[key]
        return self._built[key]


_shelf = _Shelf()


def receive(payloads: Sequence[ModelPayload]) -> int:
    """Take classifiers; the number of deliveries that this process got so far."""
    return _shelf.put(payloads)


def start_process(
    payloads: Sequence[ModelPayload], threads: int, devices: Devices | None = None
) -> None:
    """Prepare a worker process of this machine: classifiers, threads and, if used, its GPU."""
    os.environ[THREADS_VARIABLE] = str(threads)
    # A device with a number was chosen by a person.
    if devices is not None and any(payload.setting.device == "cuda" for payload in payloads):
        pin(devices)
    receive(payloads)


def run_task(task: Task) -> Answer | Missing:
    """Run a unit of work, or say which classifiers are missing.

    Raises:
        IrsError: A classifier cannot run here, or gives no valid scores.
    """
    with _shelf.busy:
        lacking = _shelf.lacks(task.models)
        if lacking:
            return Missing(task.number, _shelf.name, _dask_address(), _shelf.received, lacking)
        if THREADS_VARIABLE in os.environ and torch.get_num_threads() != usable_cores():
            torch.set_num_threads(usable_cores())
        requests = [
            Request(_shelf.get(key), rows, mask)
            for key, rows, mask in zip(task.models, task.rows, task.masks, strict=True)
        ]
        results = sample(
            task.images,
            task.groups,
            requests,
            noise=task.noise,
            stream=task.stream,
            chunk=task.chunk,
            start=task.start,
            stop=task.stop,
            scale=task.scale,
            marks=_shelf.marks,
        )
    return Answer(
        task.number,
        tuple(result.classes.astype(np.int32) for result in results),
        tuple(result.seconds for result in results),
        hardware_of(
            [request.predictor.execution for request in requests],
            [getattr(request.predictor, "device", "cpu") for request in requests],
        ),
    )


def _dask_address() -> str:
    try:
        from distributed import get_worker

        return str(get_worker().address)
    except (ImportError, ValueError):
        return ""
