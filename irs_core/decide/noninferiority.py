"""From flagged inputs to statements about a model; proofs in docs/methods/decisions.md.

Every input carries a flag. A *may* flag is missing on an input that has the property only with
probability at most `level` over the input's own draws: "may be lost", "not ruled out". A *proven*
flag is set on an input without the property only with probability at most `level`: "proven
lost", "certified". The functions turn the number of flags into a bound on the share of new
inputs, or on the number of these inputs, that have the property.

Inputs are independent samples of one population, fixed before looking. Each has noise of its
own, unless `shared_noise` says that inputs share draws: then Markov's inequality replaces the
binomial distribution of the failures, and bounds are wider.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from irs_core.errors import InvalidSampleError
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.stats.binomial import chance_of_at_least, chance_of_at_most
from irs_core.stats.sequential import log_e_value

# Bounds and thresholds are moved outward by this factor against floating-point error.
_MARGIN = 1e-9


def share_at_most(
    may: int, inputs: int, *, beta: float, level: float, shared_noise: bool = False
) -> float:
    """Upper bound on the share of new inputs with a property, from *may* flags.

    Too low with probability at most `beta` over inputs and draws. For the loss D against the
    original: D <= U(sum V, N, beta) / (1 - a).

    Args:
        may: How many of the inputs carry the flag.
        inputs: Number of inputs, at least 1.
        beta: Failure probability of the statement, in (0, 0.25].
        level: Probability that the flag is missing where it belongs, in [0, 1).
        shared_noise: Whether inputs share draws.

    Returns:
        A share in (0, 1].

    Raises:
        InvalidSampleError: A value is out of range.
    """
    _check(may, inputs, beta, level)
    hidden, rest = _hidden(inputs, beta, level) if shared_noise else (level, beta)
    if rest <= 0 or (shared_noise and may >= inputs - 1):
        # The binomial bound carries over to unequal chances everywhere but at this edge.
        return 1.0
    upper = float(binomial_upper_bound(may, inputs, rest)) * (1 + _MARGIN)
    return min(1.0, upper / (1 - hidden))


def share_at_least(
    proven: int, inputs: int, *, beta: float, level: float, shared_noise: bool = False
) -> float:
    """Lower bound on the share of new inputs with a property, from *proven* flags.

    Too high with probability at most `beta`. For a proven loss:
    D >= (L(sum G, N, beta) - a_g) / (1 - a_g); for certified accuracy the same with Z and alpha.

    Args and errors are those of `share_at_most`; `level` is the probability that the flag is set
    where it does not belong.

    Returns:
        A share in [0, 1).
    """
    _check(proven, inputs, beta, level)
    wrong, rest = _hidden(inputs, beta, level) if shared_noise else (level, beta)
    if rest <= 0 or (shared_noise and proven <= 1):
        return 0.0
    lower = float(binomial_lower_bound(proven, inputs, rest)) * (1 - _MARGIN)
    return max(0.0, (lower - wrong) / (1 - wrong))


def count_at_most(
    may: int, inputs: int, *, beta: float, level: float, shared_noise: bool = False
) -> int:
    """Upper bound on how many of *these* inputs have a property, from *may* flags.

    With b of them, each flag is missing with probability at most `level`; b is refuted where at
    least b - `may` missing flags have probability at most `beta`.

    Args and errors are those of `share_at_most`.

    Returns:
        A number in [may, inputs].
    """
    _check(may, inputs, beta, level)
    true = np.arange(may, inputs + 1)
    if shared_noise:
        missing = np.maximum(true - may, 1)
        chance = np.where(true == may, 1.0, np.minimum(1.0, level * true / missing))
    else:
        chance = chance_of_at_least(true - may, true, level)
    # No margin: at beta = level, where no flag is set, the chance of b = 1 is beta itself.
    return int(true[chance > beta][-1])


def count_at_least(
    proven: int, inputs: int, *, beta: float, level: float, shared_noise: bool = False
) -> int:
    """Lower bound on how many of *these* inputs have a property, from *proven* flags.

    Wrong flags are at most Binomial(inputs, level) many.

    Args and errors are those of `share_at_most`.

    Returns:
        A number in [0, proven].
    """
    _check(proven, inputs, beta, level)
    if shared_noise:
        # P(wrong flags >= w) <= inputs * level / w.
        wrong = int(np.ceil(inputs * level / beta * (1 + _MARGIN))) - 1 if level > 0 else 0
    else:
        more = chance_of_at_least(np.arange(1, inputs + 2), inputs, level)
        wrong = int(np.argmax(more <= beta * (1 - _MARGIN)))
    return max(0, proven - wrong)


def p_value_holds(may: int, inputs: int, *, max_share: float, level: float) -> float:
    """The chance of so few *may* flags if the share were `max_share` or more.

    At most beta exactly where `share_at_most` is at most `max_share`. For Holm's procedure.

    Args:
        may, inputs, level: As for `share_at_most`.
        max_share: Allowed share, in (0, 1).
    """
    chance = float(chance_of_at_most(may, inputs, max_share * (1 - level)))
    return min(1.0, chance * (1 + _MARGIN))


def p_value_fails(proven: int, inputs: int, *, max_share: float, level: float) -> float:
    """The chance of so many *proven* flags if the share were `max_share` or less.

    Args:
        proven, inputs, level: As for `share_at_least`.
        max_share: Allowed share, in (0, 1).
    """
    most = max_share + level * (1 - max_share)
    return min(1.0, float(chance_of_at_least(proven, inputs, most)) * (1 + _MARGIN))


def walk_holds(may: ArrayLike, *, max_share: float, level: float) -> NDArray[np.float64]:
    """Evidence, after each further input, that the share is below `max_share`.

    Walk inputs in an order fixed beforehand, as many as one likes. The share is below
    `max_share`, except with probability beta, as soon as any value reaches ln(1 / beta). Fixed-N
    bounds do not allow this: they fail with 1.3 beta after two looks. Needs noise of their own.

    Args:
        may: The *may* flags in that order, shape (inputs,).
        max_share: Allowed share, in (0, 1).
        level: As for `share_at_most`.

    Returns:
        Natural logarithms of an e-process, shape (inputs,).
    """
    flags = _flags(may)
    walked = np.arange(1, len(flags) + 1)
    evidence: NDArray[np.float64] = log_e_value(np.cumsum(flags), walked, max_share * (1 - level))
    return evidence


def _flags(values: ArrayLike) -> NDArray[np.bool_]:
    flags = np.asarray(values)
    if flags.dtype != np.bool_ or flags.ndim != 1 or flags.size == 0:
        raise InvalidSampleError(
            f"flags must be truth values of shape (inputs,), at least one; "
            f"got {flags.dtype} of shape {flags.shape}"
        )
    return flags


@lru_cache(maxsize=256)
def _hidden(inputs: int, beta: float, level: float) -> tuple[float, float]:
    """With shared noise: the share c of wrong flags that is tolerated, and what is left of beta.

    A share above c has probability at most level / c (Markov). c is chosen for the sharpest
    bound where nothing is flagged, from numbers that are fixed before looking.
    """
    if level == 0:
        return 0.0, beta
    shares = np.linspace(0, 1, 402)[1:-1]
    shares = shares[level / shares < beta]
    if not len(shares):
        return 0.0, 0.0
    bounds = (1 - (beta - level / shares) ** (1 / inputs)) / (1 - shares)
    best = float(shares[np.argmin(bounds)])
    return best, beta - level / best


def _check(flagged: int, inputs: int, beta: float, level: float) -> None:
    if inputs < 1 or not 0 <= flagged <= inputs:
        raise InvalidSampleError(
            f"need at least one input and no more flags than inputs; got {flagged} of {inputs}"
        )
    if not 0 < beta <= 0.25:
        raise InvalidSampleError(f"beta must be in (0, 0.25]; got {beta}")
    if not 0 <= level < 1:
        raise InvalidSampleError(f"level must be in [0, 1); got {level}")
