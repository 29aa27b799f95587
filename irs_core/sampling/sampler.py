"""The hot loop: one block of noise, one or several classifiers, class ids out."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Predictor
from irs_core.sampling.bookmarks import Bookmarks
from irs_core.sampling.counter_noise import counter_key
from irs_core.sampling.noise import Noise, chosen_blocks, noisy
from irs_core.spec.study import NoiseSpec, Stream
from irs_core.store import CHUNK_DRAWS

# Values of noise held at once: 16 MB, whatever the images and the number of draws.
BLOCK_VALUES = 4_000_000
T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """One classifier's part of a unit.

    Args:
        rows: Which rows it still needs.
        mask: Which draws [start, stop) of each row, (rows, draws); None for all.
    """

    predictor: Predictor
    rows: NDArray[np.bool_]
    mask: NDArray[np.bool_] | None = None

    def wanted(self, row: int, draws: int) -> NDArray[np.bool_]:
        """Which of `draws` draws the row needs, (draws,)."""
        if self.mask is None or not self.rows[row]:
            return np.full(draws, self.rows[row])
        return np.asarray(self.mask[row])


@dataclass(frozen=True)
class Sampled:
    """What one classifier predicted, and what that cost.

    Args:
        classes: int64 (rows, draws); -1 where not asked for.
        seconds: Its own inference, and the noise of the rows that it was asked for, all of it:
            what another classifier on the same rows needed as well is not shared out.
    """

    classes: NDArray[np.int64]
    seconds: float


@dataclass(frozen=True, eq=False)
class _Draws:
    """Draws [start, stop) of one chunk, of every row of a tile; see `sample`."""

    images: NDArray[np.float32] | NDArray[np.uint8]
    groups: Sequence[int]
    noise: NoiseSpec
    stream: Stream
    chunk: int
    start: int
    stop: int
    scale: int

    @property
    def count(self) -> int:
        """Draws of one row."""
        return self.stop - self.start

    def unanswered(self) -> NDArray[np.int64]:
        """Class ids before any is known, (rows, draws)."""
        return np.full((len(self.images), self.count), -1, np.int64)


def sample(
    images: NDArray[np.float32] | NDArray[np.uint8],
    groups: Sequence[int],
    requests: Sequence[Request],
    *,
    noise: NoiseSpec,
    stream: Stream,
    chunk: int,
    start: int,
    stop: int,
    scale: int = 255,
    block: int | None = None,
    marks: Bookmarks | None = None,
) -> list[Sampled]:
    """Run every requested classifier on the same noise.

    The next block of noise is made while the classifiers run on the current one.

    Args:
        images: Inputs of one tile, (rows, channels, height, width): float32 pixels in [0, 1]
            for Gaussian noise, uint8 grid steps for integer noise.
        groups: Noise group of each row; neighbours with equal groups share noise.
        chunk, start, stop: Draws [start, stop) of that chunk.
        scale: The pixel value that means 1.0; matters to integer noise only.
        block: Draws held at once; None for as many as fit `BLOCK_VALUES`. Changes nothing else.
        marks: Where chosen draws spare making the noise before them. Changes nothing else.

    Returns:
        One result per request, in order.
    """
    draws = _Draws(images, groups, noise, stream, chunk, start, stop, scale)
    fused = [_fused(one, noise) for one in requests]
    # In the order of the requests, whichever way each of them goes.
    host = [one for one, alone in zip(requests, fused, strict=True) if not alone]
    answers = iter(_on_host(draws, host, block=block, marks=marks) if host else ())
    return [
        _on_device(draws, one) if alone else next(answers)
        for one, alone in zip(requests, fused, strict=True)
    ]


def _fused(request: Request, noise: NoiseSpec) -> bool:
    """Whether a device makes the noise of this request itself."""
    return noise.generator == "philox" and bool(getattr(request.predictor, "fused", False))


def _on_device(draws: _Draws, request: Request) -> Sampled:
    # Torch is there where a predictor is fused.
    from irs_core.sampling.device_loop import loop_of

    clock = perf_counter()
    images: Any = draws.images
    wanted = np.stack([request.wanted(row, draws.count) for row in range(len(images))])
    rows, columns = wanted.nonzero()
    classes = draws.unanswered()
    if len(rows):
        loop = loop_of(request.predictor, draws.noise, images, draws.scale)
        keys = [counter_key(draws.noise, draws.stream, group) for group in draws.groups]
        numbers = draws.chunk * CHUNK_DRAWS + draws.start + columns
        classes[rows, columns] = loop(rows, keys, numbers)
    return Sampled(classes, perf_counter() - clock)


def _noise_of(
    draws: _Draws, requests: Sequence[Request], block: int | None, marks: Bookmarks | None
) -> Iterator[tuple[list[int], NDArray[np.intp], Noise]]:
    """Rows that share noise, places of draws, and the noise there."""
    wanted = np.flatnonzero(np.any([request.rows for request in requests], axis=0)).tolist()
    shape = draws.images.shape[1:]
    for group, run in groupby(wanted, key=lambda row: draws.groups[row]):
        rows = list(run)
        needed = [one.wanted(row, draws.count) for one in requests for row in rows]
        for places, values in chosen_blocks(
            draws.noise,
            draws.stream,
            group,
            draws.chunk,
            np.any(needed, axis=0),
            shape=shape,
            start=draws.start,
            block=block or max(1, BLOCK_VALUES // int(np.prod(shape))),
            scale=draws.scale,
            marks=marks if any(one.mask is not None for one in requests) else None,
        ):
            yield rows, places, values


def _on_host(
    draws: _Draws, requests: Sequence[Request], *, block: int | None, marks: Bookmarks | None
) -> list[Sampled]:
    classes = [draws.unanswered() for _ in requests]
    seconds = np.zeros(len(requests))
    noise, images, scale = draws.noise, draws.images, draws.scale
    with ThreadPoolExecutor(1) as behind:
        # What computes in this thread beside another one would take its time, too.
        alone = all(getattr(one.predictor, "overlaps", False) for one in requests)
        pools = [
            _Pool(one, classes[index], behind if alone else None)
            for index, one in enumerate(requests)
        ]
        for (rows, places, values), made in _prefetched(_noise_of(draws, requests, block, marks)):
            seconds[[bool(one.rows[rows].any()) for one in requests]] += made
            for row in rows:
                for steps, members in _by_form(requests, row, noise):
                    clock = perf_counter()
                    # Predictors that take whole steps say so, which no type can.
                    inputs: Any = noisy(images[row], values, scale, steps=steps)
                    seconds[members] += perf_counter() - clock
                    for index in members:
                        pools[index].add(row, places, inputs)
        for pool in pools:
            pool.flush()
    seconds += [pool.seconds for pool in pools]
    return [Sampled(found, float(spent)) for found, spent in zip(classes, seconds, strict=True)]


def _by_form(
    requests: Sequence[Request], row: int, noise: NoiseSpec
) -> Iterator[tuple[bool, list[int]]]:
    """Requests for a row by the form of input they take: whole grid steps, or float32."""
    wanted = [index for index, request in enumerate(requests) if request.rows[row]]
    whole = [
        index
        for index in wanted
        if noise.integer and getattr(requests[index].predictor, "takes_steps", False)
    ]
    for steps, members in ((False, [one for one in wanted if one not in whole]), (True, whole)):
        if members:
            yield steps, members


class _Pool:
    """Draws of several rows, run together, so that few batches are padded.

    Args:
        behind: Where the predictor runs while the next draws are made; None for where it is asked.
    """

    def __init__(
        self, request: Request, classes: NDArray[np.int64], behind: ThreadPoolExecutor | None
    ) -> None:
        self._request, self._classes = request, classes
        # Predictors that pad to a batch say its size, which not all do.
        self._batch = int(getattr(request.predictor, "batch", 1))
        self._behind = behind
        self._running: Future[None] | None = None
        self._inputs: list[NDArray[Any]] = []
        self._places: list[NDArray[np.intp]] = []
        self.seconds = 0.0

    def add(self, row: int, places: NDArray[np.intp], inputs: NDArray[Any]) -> None:
        """Take the chosen ones of a row's draws, which stand at `places`."""
        mask = self._request.mask
        wanted = None if mask is None else mask[row, places]
        whole = wanted is None or wanted.all()
        columns = places if whole else places[wanted]
        if len(columns):
            self._inputs.append(inputs if whole else inputs[wanted])
            self._places.append(np.stack([np.full_like(columns, row), columns]))
        if sum(part.size for part in self._inputs) >= BLOCK_VALUES // 4:
            self._run(sum(map(len, self._inputs)) // self._batch * self._batch)

    def flush(self) -> None:
        """Run what is there, to its end."""
        self._run(sum(map(len, self._inputs)))
        self._wait()

    def _run(self, count: int) -> None:
        if not count:
            return
        inputs, places = _joined(self._inputs, axis=0), _joined(self._places, axis=1)
        left = count < len(inputs)
        self._inputs = [inputs[count:]] if left else []
        self._places = [places[:, count:]] if left else []
        # One at a time, so that little is held at once; and what failed is raised here.
        self._wait()
        if self._behind is None:
            self._answer(inputs[:count], places[:, :count])
        else:
            self._running = self._behind.submit(self._answer, inputs[:count], places[:, :count])

    def _answer(self, inputs: NDArray[Any], places: NDArray[np.intp]) -> None:
        clock = perf_counter()
        self._classes[*places] = self._request.predictor(inputs)
        self.seconds += perf_counter() - clock

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None


def _joined(parts: Sequence[NDArray[Any]], axis: int) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis)


def _prefetched(items: Iterator[T]) -> Iterator[tuple[T, float]]:
    """The items, each made one step ahead in a thread, with the seconds that it took to make."""

    def make() -> tuple[T | None, float]:
        clock = perf_counter()
        return next(items, None), perf_counter() - clock

    with ThreadPoolExecutor(1) as pool:
        ahead: Future[tuple[T | None, float]] = pool.submit(make)
        while True:
            item, spent = ahead.result()
            if item is None:
                return
            ahead = pool.submit(make)
            yield item, spent
