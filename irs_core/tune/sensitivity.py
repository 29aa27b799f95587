"""What each treatment of each layer does to a network's answers under noise.

For every noisy image the network runs once and each changed copy from its changed layer on
(`irs_core.tune.replay`). All see the same noise, so that a changed answer is due to the change.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from irs_core.approx.layers import weighted_layers
from irs_core.certify import build_cache_from_hits, certify_cache
from irs_core.errors import ApproximationError, CancelledError, SpecError
from irs_core.hardware import describe_hardware
from irs_core.models import LoadedModel
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.study import NoiseSpec, Stream
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.tune.changes import Change, input_ranges, layers_of, saved_bytes
from irs_core.tune.images import ApartImages
from irs_core.tune.pictures import pictures
from irs_core.tune.record import Effect, Hurt, Sensitivity
from irs_core.tune.replay import Replay, batch_within

# Draws that choose the class a certificate is about, and images that set ranges of inputs.
SELECTION, RANGE_IMAGES, RANGE_DRAWS = 32, 50, 2
_HURTS = 8
Ints = NDArray[np.int64]


@dataclass
class _Count:
    """What is counted of one change, image by image."""

    left: list[int] = field(default_factory=list)
    hits: list[int] = field(default_factory=list)
    kl: float = 0.0
    square: float = 0.0


def measure(
    model: LoadedModel,
    images: ApartImages,
    changes: Sequence[Change],
    *,
    noise: NoiseSpec,
    radius: float,
    draws: int,
    weights: str = "",
    confidence: float = 0.99,
    alpha: float = 0.001,
    times: bool = False,
    on_progress: Callable[[int, int], None] = lambda _, __: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Sensitivity:
    """Leave rates, certified losses and bytes of every change.

    The draws of an image are independent, and so are images, so that the number of changed answers
    is a sum of independent trials with unequal chances. Its tails are those of the binomial
    distribution of the mean chance or lighter (Hoeffding 1956, Theorem 4), hence `leave_interval`
    is one of the mean leave rate over these images. Each has level (1 - confidence) / changes, so
    that all hold together at the confidence.

    Args:
        changes: At least one.
        noise: `pilot` draws set ranges, `select` draws choose the class, `estimate` draws count.
        radius: L2 radius in pixel units at which certificates are compared.
        draws: Noisy copies of each image, at least 1.
        confidence: Of all intervals together, in (0, 1).
        alpha: Failure probability of a certificate per image.
        times: Also measure the seconds that each change saves; needs OpenVINO and, for int8, NNCF.
        on_progress: Takes images done and in all.

    Raises:
        SpecError: There is nothing to measure, or noise is shared or in whole steps.
        ApproximationError: A layer cannot be treated so, or OpenVINO cannot run the network.
        CancelledError: `should_stop` said so.
    """
    if not changes or draws < 1 or not len(images):
        raise SpecError("sensitivity needs a change, an image and a draw; got none of one of them")
    if noise.integer or noise.group > 1:
        raise SpecError("sensitivity is measured under Gaussian noise of each image's own")
    started = perf_counter()
    # Twice as fast on CPUs.
    module = copy.deepcopy(model.module).to(memory_format=torch.channels_last)
    run = _Run(module, images, changes, noise, draws)
    seconds = _seconds(model, run) if times else [None] * len(changes)
    try:
        for row in range(len(images)):
            if should_stop():
                raise CancelledError("the measurement was cancelled; nothing of it is kept")
            run.image(row)
            on_progress(row + 1, len(images))
    finally:
        run.replay.close()
    right, own = _certified(run.base, run, images, noise.sigma, radius, alpha)
    level = (1 - confidence) / len(changes)
    saved = {one: saved_bytes(module, one) for one in changes}
    effects = [
        replace(
            _effect(one, run, images, (right, own), noise.sigma, radius, alpha, level, saved[one]),
            saved_seconds=took,
        )
        for one, took in zip(changes, seconds, strict=True)
    ]
    return Sensitivity(
        model=model.digest,
        weights=weights,
        data=images.digest,
        images=images.words,
        indices=images.indices,
        sigma=noise.sigma,
        seed=noise.seed,
        radius=radius,
        draws=draws,
        certified=int(own.sum()),
        confidence=confidence,
        effects=tuple(effects),
        pictures=pictures(effects, images),
        seconds=perf_counter() - started,
        passes=run.passes,
        kept_bytes=run.kept_bytes,
        hardware=describe_hardware(),
    )


class _Run:
    """The pass over all images; counts lie in it."""

    def __init__(
        self,
        module: nn.Module,
        images: ApartImages,
        changes: Sequence[Change],
        noise: NoiseSpec,
        draws: int,
    ) -> None:
        self._images, self._noise, self._draws = images, noise, draws
        self.range_images = self._spread_images()
        ranges = input_ranges(module, self.range_images)
        self._layers = [layers_of(module, one, ranges) for one in changes]
        self.order = list(weighted_layers(module))
        self.changes = changes
        self.counts = [_Count() for _ in changes]
        self.base = _Count()
        self.candidates: list[int] = []
        self.replay = Replay(module)
        self._batch = batch_within(self.replay, torch.from_numpy(images.pixels[0]), draws)
        self.kept_bytes = 0
        self._base_seconds = self._seconds = 0.0

    @property
    def passes(self) -> float:
        """Time of everything as a multiple of that of the network's own passes over the draws."""
        return self._seconds / max(self._base_seconds, 1e-9)

    def image(self, row: int) -> None:
        """Count the draws of one image."""
        started = perf_counter()
        votes = np.bincount(
            np.concatenate(
                [_classes(self.replay.record(one)) for one in self._noisy(row, "select", SELECTION)]
            )
        )
        candidate = int(votes.argmax())
        self.candidates.append(candidate)
        left, hits, base_hits = [0] * len(self.changes), [0] * len(self.changes), 0
        for values in self._noisy(row, "estimate", self._draws):
            clock = perf_counter()
            scores = self.replay.record(values)
            self._base_seconds += perf_counter() - clock
            self.kept_bytes = max(self.kept_bytes, self.replay.kept_bytes)
            classes = _classes(scores)
            base_hits += int((classes == candidate).sum())
            for at, layers in enumerate(self._layers):
                found = self.replay.changed(values, layers)
                answers = _classes(found)
                left[at] += int((answers != classes).sum())
                hits[at] += int((answers == candidate).sum())
                self.counts[at].kl += _divergence(scores, found)
                self.counts[at].square += float((scores - found).square().mean(dim=1).sum())
        self.base.hits.append(base_hits)
        for count, gone, stayed in zip(self.counts, left, hits, strict=True):
            count.left.append(gone)
            count.hits.append(stayed)
        self._seconds += perf_counter() - started

    def _noisy(self, row: int, stream: Stream, draws: int) -> list[Tensor]:
        image = self._images.pixels[row]
        blocks = noise_blocks(
            self._noise, stream, row, 0, shape=image.shape, stop=draws, block=self._batch
        )
        return [
            torch.from_numpy(noisy(image, one, 255, steps=False)).contiguous(
                memory_format=torch.channels_last
            )
            for one in blocks
        ]

    def _spread_images(self) -> Tensor:
        self._batch = RANGE_DRAWS
        # Spread, because images come sorted by class.
        rows = np.linspace(0, len(self._images) - 1, min(RANGE_IMAGES, len(self._images)))
        parts = [part for row in rows for part in self._noisy(int(row), "pilot", RANGE_DRAWS)]
        return torch.cat(parts)


def _seconds(model: LoadedModel, run: _Run) -> Sequence[float | None]:
    from irs_core.tune.times import saved_seconds

    return saved_seconds(model.module, run.changes, run.range_images.numpy(), model.num_classes)


def _classes(scores: Tensor) -> Ints:
    if not bool(torch.isfinite(scores).all()):
        raise ApproximationError("a changed network gives scores that are not finite")
    found: Ints = scores.argmax(dim=1).numpy()
    return found


def _divergence(scores: Tensor, changed: Tensor) -> float:
    """Kullback-Leibler divergences, nats, added up."""
    own, other = functional.log_softmax(scores, 1), functional.log_softmax(changed, 1)
    return float(functional.kl_div(other, own, reduction="sum", log_target=True))


def _certified(
    count: _Count, run: _Run, images: ApartImages, sigma: float, radius: float, alpha: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Images whose candidate is right, and those that are certified at the radius as well."""
    candidate = np.array(run.candidates, np.int64)
    cache = build_cache_from_hits(
        candidate,
        np.array(count.hits, np.int64),
        n0=SELECTION,
        n=run._draws,
        alpha=alpha,
    )
    right = candidate == images.labels
    made = certify_cache(cache, sigma=sigma)
    return right, right & (made.radius >= radius)


def _effect(
    change: Change,
    run: _Run,
    images: ApartImages,
    own: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    sigma: float,
    radius: float,
    alpha: float,
    level: float,
    saved: int,
) -> Effect:
    count = run.counts[run.changes.index(change)]
    left, total = np.array(count.left), len(images) * run._draws
    gone = int(left.sum())
    _, certified = _certified(count, run, images, sigma, radius, alpha)
    worst = np.argsort(-left, kind="stable")[:_HURTS]
    low, high = leave_interval(gone, total, level)
    return Effect(
        name=change.name,
        layers=change.layers,
        depth=run.order.index(change.layers[0]),
        treatment=str(change.treatment),
        left=gone,
        low=low,
        high=high,
        lost=int((own[1] & ~certified).sum()),
        gained=int((certified & ~own[1]).sum()),
        kl=count.kl / total,
        mse=count.square / total,
        saved_bytes=saved,
        hurts=tuple(Hurt(images.indices[row], int(left[row])) for row in worst if left[row]),
    )


def leave_interval(left: int, draws: int, level: float) -> tuple[float, float]:
    """Interval of the mean chance of independent trials with unequal chances.

    Clopper-Pearson, but where one trial alone stands out: there unequal chances have heavier tails
    than equal ones, and the sum of the chances bounds that of any (docs/methods/tune.md).

    Args:
        left: Trials that came true, of `draws`, at least 1.
        level: Chance that the mean lies outside, below 1/2; half on either side.
    """
    half = level / 2
    low = float(binomial_lower_bound(left, draws, half))
    high = float(binomial_upper_bound(left, draws, half))
    return (
        half / draws if left == 1 else low,
        1 - half / draws if left == draws - 1 else high,
    )
