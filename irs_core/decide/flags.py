"""Dubious evaluations raise flags; each has a sentence and a place in docs/flags.md."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, binomial_upper_bound, least_n_to_certify
from irs_core.stats.binomial import chance_of_at_least, integers

# A flag that rests on chance is raised wrongly at most so often.
_LEVEL = 0.01
# Below so many inputs shares are coarse, whatever is asked.
_FEW = 100
# Noise that costs more than half of the accuracy was not trained for.
_LEFT_UNDER_NOISE = 0.5


@dataclass(frozen=True)
class Flag:
    """Something that makes an evaluation doubtful.

    Args:
        code: For programs.
        sentence: For readers: what was seen, and what to do.
        anchor: Where the documentation explains it.
    """

    code: str
    sentence: str
    anchor: str


def accuracy_flag(right: int, inputs: int, classes: int) -> Flag | None:
    """Accuracy that is not shown to be above guessing, or is shown to be below.

    Args:
        right: Correct answers, of `inputs`.
        classes: Number of classes, at least 2.
    """
    chance = 1 / _at_least("classes", classes, 2)
    shown = f"{right} of {inputs} inputs are right; guessing among {classes} classes gives "
    shown += f"about {inputs * chance:.0f}"
    if float(binomial_upper_bound(right, inputs, _LEVEL)) < chance:
        return _flag("accuracy-below-chance", f"{shown}: check the order of the labels")
    if float(binomial_lower_bound(right, inputs, _LEVEL)) <= chance:
        return _flag("accuracy-near-chance", f"{shown}: check model, labels and normalisation")
    return None


def shared_noise_flag(group: int) -> Flag | None:
    """Inputs that share draws of the noise, so that they are not independent.

    Args:
        group: So many consecutive inputs share them; 1 for none.
    """
    if group == 1:
        return None
    return _flag(
        "shared-noise",
        f"each {group} inputs share draws of the noise: 95% intervals over inputs, and of shares "
        "of them, are too narrow; certificates and verdicts allow for it",
    )


def permuted_labels_flag(confusion: ArrayLike) -> Flag | None:
    """Labels that would fit much better after renaming classes.

    Raised where, among the inputs on which own and renamed labels disagree, significantly more
    predictions fit the renamed ones. The level is divided over all renamings of as many classes.

    Args:
        confusion: Counts, true class by predicted class, shape (classes, classes).
    """
    counts = integers("confusion", confusion)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any():
        raise InvalidSampleError(f"confusion must be a square of counts; got {counts.shape}")
    if (counts.diagonal() == counts.max(axis=1, initial=0)).all():
        # No renaming fits better where each class is mostly called itself.
        return None
    # As long to import as the rest of this package, and few studies need it.
    from scipy.optimize import (  # type: ignore[import-untyped, unused-ignore]
        linear_sum_assignment,
    )

    rows, named = linear_sum_assignment(counts, maximize=True)
    moved = rows != named
    k, classes = int(moved.sum()), len(counts)
    if k == 0:
        return None
    fits, own = int(counts[rows, named][moved].sum()), int(counts[rows, rows][moved].sum())
    # Renamings of k classes: at most classes! / (classes - k)!.
    renamings = math.lgamma(classes + 1) - math.lgamma(classes - k + 1)
    if _log_chance(fits, fits + own) + renamings + math.log(classes) > math.log(_LEVEL):
        return None
    total, right = int(counts.sum()), int(np.trace(counts))
    return _flag(
        "labels-permuted",
        f"{right} of {total} inputs are right as labelled, {right + fits - own} would be after "
        f"renaming {k} classes: check the order of the class names",
    )


def _log_chance(heads: int, tosses: int) -> float:
    """The logarithm of the chance of so many heads or more; where it underflows, of a bound."""
    chance = float(chance_of_at_least(heads, tosses, 0.5))
    if chance > 0:
        return math.log(chance)
    share = heads / tosses
    tails = (1 - share) * math.log(2 * (1 - share)) if share < 1 else 0.0
    return -tosses * (share * math.log(2 * share) + tails)


def folder_order_flag(names: Sequence[str]) -> Flag | None:
    """Class folders named by numbers and sorted as text: 1, 10, 2.

    Args:
        names: Class names in the order of their ids.
    """
    if not names or not all(one.isascii() and one.isdigit() for one in names):
        return None
    listed = list(names)
    if listed != sorted(listed) or listed == sorted(listed, key=int):
        return None
    at = next(
        i for i, (a, b) in enumerate(zip(listed, sorted(listed, key=int), strict=True)) if a != b
    )
    return _flag(
        "numeric-folder-order",
        f"class folders are numbers in the order of text, so class {at} is folder {listed[at]!r}: "
        "give the class names in the order the model was trained with",
    )


def normalisation_flags(
    *, guessed: bool, used: tuple[int, int], alternatives: Mapping[str, tuple[int, int]]
) -> tuple[Flag, ...]:
    """Normalisation that nobody stated, or that fits worse than another.

    Args:
        guessed: Whether it was guessed.
        used: Correct answers with it, of how many inputs.
        alternatives: The same with others, by name.
    """
    found = []
    if guessed:
        found.append(
            _flag(
                "normalisation-guessed",
                "the normalisation of the images was guessed: state the one used in training",
            )
        )
    if alternatives:
        level = _LEVEL / (2 * len(alternatives))
        upper = float(binomial_upper_bound(*used, level))
        name, (right, of) = max(alternatives.items(), key=lambda one: one[1][0] / one[1][1])
        if float(binomial_lower_bound(right, of, level)) > upper:
            found.append(
                _flag(
                    "normalisation-fits-worse",
                    f"with the normalisation {name!r} {right} of {of} inputs are right, with the "
                    f"one in use {used[0]} of {used[1]}: check which was used in training",
                )
            )
    return tuple(found)


def channel_order_flag(used: ArrayLike, other: ArrayLike, *, options: str) -> Flag | None:
    """Channels of colours in an order that fits worse than the other one.

    Raised where, among the inputs that only one of the two orders gets right, significantly more
    are right in the other one.

    Args:
        used, other: Whether each input is right in the order in use, and in the other one.
        options: What takes the other one, for the sentence.
    """
    first, second = (np.asarray(one, bool) for one in (used, other))
    gained, lost = int(np.sum(second & ~first)), int(np.sum(first & ~second))
    if _log_chance(gained, gained + lost) > math.log(_LEVEL):
        return None
    return _flag(
        "channel-order-fits-worse",
        f"with the channels reversed ({options}) {int(second.sum())} of {len(second)} inputs are "
        f"right, as they are {int(first.sum())}: check which order the model was trained with",
    )


def draws_flag(n: int, alpha: float) -> Flag | None:
    """Too few draws to certify anything at all.

    Args:
        n: Estimation draws.
        alpha: Failure probability of a certificate.
    """
    least = least_n_to_certify(alpha)
    if n >= least:
        return None
    return _flag(
        "too-few-draws",
        f"{n} draws certify nothing at alpha = {alpha:g}, even if all agree: use at least {least}",
    )


def noise_flag(clean_right: int, noisy_right: int, inputs: int, sigma: float) -> Flag | None:
    """A model that loses more than half of its accuracy under the noise.

    Args:
        clean_right, noisy_right: Correct answers without noise and with one draw of it.
        inputs: Of how many.
        sigma: Standard deviation of the noise, pixel units.
    """
    kept = float(binomial_upper_bound(noisy_right, inputs, _LEVEL / 2))
    if kept >= _LEFT_UNDER_NOISE * float(binomial_lower_bound(clean_right, inputs, _LEVEL / 2)):
        return None
    return _flag(
        "not-trained-for-noise",
        f"{clean_right} of {inputs} inputs are right without noise, {noisy_right} under noise of "
        f"sigma {sigma:g}: put a denoiser in front of the model (--denoise), or fine-tune it under "
        "this noise (the command finetune)",
    )


def inputs_flag(inputs: int) -> Flag | None:
    """Too few inputs for shares of them to say much.

    Args:
        inputs: Reported inputs.
    """
    if inputs >= _FEW:
        return None
    return _flag("few-inputs", f"{inputs} inputs are few: shares are coarse below {_FEW}")


def unequal_draws_flag(base: int, compressed: int) -> Flag | None:
    """Original and compressed model compared at different numbers of draws.

    Args:
        base, compressed: Draws behind the two numbers that are compared.
    """
    if base == compressed:
        return None
    return _flag(
        "unequal-draws",
        f"the original is shown at {base:,} draws and the compressed model at {compressed:,}: "
        "part of the gap is due to the draws, so compare both at equal draws",
    )


def integer_sums_flag(executions: Iterable[str]) -> Flag | None:
    """An 8-bit model that ran on a processor whose 8-bit sums may saturate.

    Args:
        executions: What computed the evidence, in words; see `irs_core.backends`.
    """
    if not any("8-bit sums may saturate" in one for one in executions):
        return None
    return _flag(
        "inexact-8-bit-sums",
        "this processor may cut off sums of 8-bit products, so the model can answer differently "
        "elsewhere: certify it on the hardware it will run on",
    )


def _flag(code: str, sentence: str) -> Flag:
    return Flag(code, sentence, f"docs/flags.md#{code}")


def _at_least(name: str, value: int, least: int) -> int:
    if value < least:
        raise InvalidSampleError(f"{name} must be at least {least}; got {value}")
    return value
