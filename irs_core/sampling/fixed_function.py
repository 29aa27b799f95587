"""Whether a classifier is a fixed function of one image, measured before anything is certified.

A certificate counts draws of one function. A classifier whose answer depends on the images beside
it, on chance, or on kernels that turn NaN into a number is none. What its operators are called says
little about that, so it answers some noisy images several times and its scores are compared.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from irs_core.backends import Measurable
from irs_core.data import Dataset
from irs_core.errors import ApproximationError, ModelOutputError
from irs_core.sampling.noise import noise_blocks, noisy
from irs_core.spec.study import NoiseSpec

IMAGES = 16
SIZES = (1, 3, 7)
# Shares of the spread of an image's scores. Where kernel, batch size and place stay the same, other
# neighbours change no bit; other batch sizes and backends may round otherwise.
SAME, ROUNDING, ROUNDING_FEW_BITS = 1e-5, 1e-3, 0.05
_ONE_BY_ONE = " one by one"

Floats = NDArray[np.float32]
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Fixedness:
    """How a classifier answered the same noisy images in several ways; numbers of images.

    Args:
        images: Noisy images.
        batches: Batch sizes that were compared, the classifier's own among them.
        batch_dependent: Scores differ in another batch size or order, or beside other images.
        random: Scores differ between two runs in the same batches.
        backends_differ: Scores differ on the second backend by more than rounding; other answers
            follow only where the two best scores are that near.
        near_ties: The two highest scores lie within the tolerance for rounding, so that batch size
            or backend may decide between them; counted apart.
        non_finite: A score is NaN or infinite.
        hidden: NaN arises inside, and the scores are finite.
        second: Execution of the second backend; empty where there is none.
        one_by_one: It runs one image at a time, since its answers depend on the batch.
    """

    images: int
    batches: tuple[int, ...]
    batch_dependent: int = 0
    random: int = 0
    backends_differ: int = 0
    near_ties: int = 0
    non_finite: int = 0
    hidden: int = 0
    second: str = ""
    one_by_one: bool = False

    @property
    def fixed(self) -> bool:
        """Its answers depend on one image and on nothing else."""
        return not (self.batch_dependent or self.random or self.non_finite or self.hidden)

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        sizes = ", ".join(map(str, self.batches))
        found = f"the same answers to {self.images} noisy images in batches of {sizes}, twice"
        if self.one_by_one:
            found = (
                f"answers depend on the batch ({self.batch_dependent} of {self.images} noisy "
                "images), so it runs one image at a time; that way they are the same twice"
            )
        parts = [found[0].upper() + found[1:]]
        if self.second:
            other = f"{self.backends_differ} differ" if self.backends_differ else "the same"
            parts.append(f"on {self.second}: {other}")
        if self.near_ties:
            parts.append(f"near-ties that rounding may decide: {self.near_ties}")
        return "; ".join(parts) + "."


def measure(predictor: Measurable, images: Floats) -> Fixedness:
    """Answer the images alone, among others, in other orders, twice and on a second backend.

    Args:
        images: Noisy images, as the predictor takes them.

    Raises:
        ModelOutputError: The model fails on some images, or its scores have another shape.
    """
    wide = _wide(predictor)
    scores = wide.scores(images)
    bad = ~np.isfinite(scores).all(axis=1)
    others = list(_other_sizes(predictor, wide.batch))
    sizes = tuple(sorted({wide.batch, *(one.batch for one in others)}))
    found = Fixedness(len(images), sizes, non_finite=int(bad.sum()))
    if bad.any():
        return found
    limit = _rounding(predictor)
    found = replace(found, near_ties=int(_near_ties(scores, limit).sum()))
    again = _differ(scores, wide.scores(images), SAME)
    if again.any():
        return replace(found, random=int(again.sum()))
    other = _second(predictor)
    if other is not None:
        found = _compare_backends(found, scores, other, images, limit)
    if other is None or found.backends_differ:
        found = replace(found, hidden=found.hidden or _nan_inside(predictor, images))
    dependent = _companions(wide, images, scores) | _order(wide, images, scores, limit)
    for resized in others:
        dependent |= _differ(scores, resized.scores(images), limit)
    return replace(found, batch_dependent=int(dependent.sum()))


def held_fixed(title: str, predictor: Measurable, images: Floats) -> tuple[Measurable, Fixedness]:
    """The predictor as it can be certified, with what was measured of it.

    Args:
        title: The classifier's, for messages.
        images: Noisy images, as the predictor takes them.

    Returns:
        The predictor itself, or one that takes one image at a time where its answers depend on the
        batch; then its execution, which is part of the evidence's key, says so.

    Raises:
        ModelOutputError: Its answers are random, not finite, or rest on NaN inside, or depend on
            the batch while it cannot take a single image.
    """
    found = measure(predictor, images)
    _refuse(title, found)
    if found.fixed:
        return predictor, found
    try:
        single = one_by_one(predictor)
    except ApproximationError as error:
        raise ModelOutputError(
            f"the answers of {title} depend on the batch and it cannot run one image at a time "
            f"({error}); export it for one image, or for any number"
        ) from None
    scores = single.scores(images)
    changed = _differ(scores, single.scores(np.ascontiguousarray(images[::-1]))[::-1], SAME)
    _refuse(
        title,
        replace(
            found,
            random=int(changed.sum()),
            non_finite=int((~np.isfinite(scores).all(axis=1)).sum()),
        ),
    )
    return single, replace(found, one_by_one=True)


def one_by_one(predictor: Measurable) -> Measurable:
    """The same classifier, one image at a time; its execution says so.

    Raises:
        ApproximationError: It was made for another number of images.
    """
    single = copy.copy(predictor.with_batch(1))
    single.execution = predictor.execution.removesuffix(_ONE_BY_ONE) + _ONE_BY_ONE
    return single


def is_one_by_one(execution: str) -> bool:
    """Whether an execution is that of a classifier that takes one image at a time."""
    return execution.endswith(_ONE_BY_ONE)


def trial_images(dataset: Dataset, noise: NoiseSpec, *, steps: bool) -> Floats:
    """Noisy images on which classifiers are measured, from draws that no certificate uses.

    Args:
        steps: Give whole grid steps instead of pixels; integer noise only.
    """
    rows = np.linspace(0, len(dataset) - 1, IMAGES).astype(int)
    found = []
    for number, row in enumerate(rows):
        image = dataset.pixels[row] if noise.integer else dataset.images([row])[0]
        draws = noise_blocks(
            noise, "pilot", number, 0, shape=image.shape, scale=dataset.scale, stop=1
        )
        found.append(noisy(image, next(draws), dataset.scale, steps=steps)[0])
    return np.stack(found)


def _refuse(title: str, found: Fixedness) -> None:
    share = f"{{}} of {found.images} noisy images"
    if found.non_finite:
        raise ModelOutputError(
            f"{title} gives NaN or infinite scores on {share.format(found.non_finite)}; every "
            "score must be finite: keep roots and logarithms away from negative pixels, which "
            "noise makes"
        )
    if found.random:
        raise ModelOutputError(
            f"answers of {title} differ between two runs on the same images "
            f"({share.format(found.random)}), so it is no fixed function; export it without random "
            "layers, dropout in evaluation mode"
        )
    if found.hidden:
        raise ModelOutputError(
            f"NaN arises inside {title} on {share.format(found.hidden)}, and a backend turns it "
            "into a number; keep roots and logarithms away from negative pixels, which noise makes"
        )


def _wide(predictor: Measurable) -> Measurable:
    """The predictor itself, or one whose batch has room for other images."""
    if predictor.batch >= SIZES[-1]:
        return predictor
    try:
        return predictor.with_batch(SIZES[-1])
    except ApproximationError:
        return predictor


def _other_sizes(predictor: Measurable, known: int) -> Iterator[Measurable]:
    """The predictor in the other batch sizes that it can take, its own included."""
    # Each size costs a compiled model tens of seconds.
    sizes = SIZES[:1] if "compiled" in predictor.execution else SIZES
    for size in sorted({*sizes, predictor.batch} - {known}):
        try:
            yield predictor if size == predictor.batch else predictor.with_batch(size)
        except ApproximationError:
            continue


def _second(predictor: Measurable) -> Measurable | None:
    try:
        return predictor.second()
    except ApproximationError:
        return None


def _compare_backends(
    found: Fixedness, scores: Floats, other: Measurable, images: Floats, limit: float
) -> Fixedness:
    theirs = other.scores(images)
    bad = ~np.isfinite(theirs).all(axis=1)
    if bad.any():
        return replace(found, second=other.execution, hidden=int(bad.sum()))
    return replace(
        found,
        second=other.execution,
        random=int(_differ(theirs, other.scores(images), SAME).sum()),
        backends_differ=int(_differ(scores, theirs, limit).sum()),
    )


def _nan_inside(predictor: Measurable, images: Floats) -> int:
    try:
        return predictor.nan_inside(images)
    except ApproximationError:
        return 0


def _companions(wide: Measurable, images: Floats, scores: Floats) -> Rows:
    """Images whose scores change when every second one beside them turns black."""
    found = np.zeros(len(images), np.bool_)
    for first in (0, 1):
        changed = images.copy()
        changed[first::2] = 0
        kept = np.arange(len(images)) % 2 != first
        found |= kept & _differ(scores, wide.scores(changed), SAME)
    return found


def _order(wide: Measurable, images: Floats, scores: Floats, limit: float) -> Rows:
    order = np.random.default_rng(0).permutation(len(images))
    return _differ(scores, wide.scores(images[order])[np.argsort(order)], limit)


def _differ(scores: Floats, others: Floats, limit: float) -> Rows:
    """Images of which some score differs by more than a share of their spread; NaN differs."""
    # Scores that are all equal have no spread; they may round all the same.
    least = np.finfo(np.float32).eps * np.abs(scores).max(axis=1)
    spread = np.maximum(np.ptp(scores, axis=1), least / SAME)
    near: Rows = np.abs(scores - others).max(axis=1) <= limit * spread
    return ~near


def _near_ties(scores: Floats, limit: float) -> Rows:
    best = np.sort(scores, axis=1)
    return np.asarray(best[:, -1] - best[:, -2] <= limit * np.ptp(scores, axis=1))


def _rounding(predictor: Measurable) -> float:
    """What rounding may change, as a share of the spread of scores."""
    exact = {"fp32", "integer"} & set(predictor.execution.split())
    return ROUNDING if exact else ROUNDING_FEW_BITS
