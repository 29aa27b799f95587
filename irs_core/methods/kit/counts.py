"""Counts of a study: all that certificates need, small enough to keep in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import MissingEvidenceError
from irs_core.spec.study import NoiseKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Marks a count whose draws are not all there.
UNKNOWN = -1


@dataclass(frozen=True)
class BaseTally:
    """Counts of the base classifier f.

    Args:
        candidate: Class that won the selection draws, (inputs,).
        selected: How many of the selection draws gave it, (inputs,).
        hits: How many of the estimation draws that count gave it, (inputs,).
        seconds: Time of all its draws, (inputs,).
        label_hits: How many of the estimation draws that count gave the true class, (inputs,);
            read by decisions about a model only, never by a certifier.
        early_hits: Of the first n_p estimation draws, how many gave the candidate, (inputs,
            budgets): what f has at equal draws.
        others: How many of the n estimation draws gave each group of other classes, (inputs,
            groups); see `methods.kit.groups`.
        early_other: Of the first n_p, how many gave the group that was given most often,
            (inputs, budgets).
        draws: Estimation draws that count, from the first, (inputs,): n, or where each input
            stopped.
        failed_at: Which of these draws did not give the candidate, from 1 and rising, (inputs,
            most of them); the largest integer where there are no more. Empty where n is fixed.
        open: Draws still to be made before an input is answered, (inputs,); 0 where it is.
    """

    candidate: Ints
    selected: Ints
    hits: Ints
    seconds: Floats
    label_hits: Ints
    early_hits: Ints
    others: Ints
    early_other: Ints
    draws: Ints
    failed_at: Ints
    open: Ints


@dataclass(frozen=True)
class CompressedTally:
    """Counts of one compressed classifier f^p; UNKNOWN where its draws are not all stored.

    Args:
        disagreements: Of the first n_p cached draws, how many f and f^p answered differently,
            (inputs, budgets).
        fresh_hits: Of the first n_p fresh draws, how many gave the base's candidate,
            (inputs, budgets).
        scratch_candidate: Class that won f^p's own selection draws, (inputs,).
        scratch_hits: Of the first n_p fresh draws, how many gave that class, (inputs, budgets).
        paired_seconds, fresh_seconds: Time of the first n_p draws, (inputs, budgets).
        select_seconds: Time of the selection draws, (inputs,).
        leaves, agreements: On how many of the first n_p cached draws f predicted the candidate
            and f^p did not, and on how many f predicted it, (inputs, budgets).
        paired_hits: On how many of the first n_p cached draws f^p predicted the base's candidate,
            (inputs, budgets): what it has on the very draws of `BaseTally.early_hits`.
        scratch_selected: Of f^p's own selection draws, how many gave its candidate, (inputs,).
        leavers: Of the first n_p draws of the stream, all of them counted, on how many f gave its
            candidate and f^p did not, with the largest n_p, (inputs,). Draws on which f gave
            another class need no answer of f^p.
        label_hits: Of the fresh draws at the largest n_p, how many gave the true class, (inputs,);
            read by decisions only.
        scratch_other: Of the first n_p fresh draws, how many gave the group of classes other than
            its own candidate that was given most often, (inputs, budgets).
        paired_other: The same of the first n_p cached draws and classes other than the base's
            candidate.
        own: What single methods count beside these, by their names; see `MethodDef.count`.
    """

    disagreements: Ints
    fresh_hits: Ints
    scratch_candidate: Ints
    scratch_hits: Ints
    paired_seconds: Floats
    fresh_seconds: Floats
    select_seconds: Floats
    leaves: Ints
    agreements: Ints
    paired_hits: Ints
    scratch_selected: Ints
    leavers: Ints
    label_hits: Ints
    scratch_other: Ints
    paired_other: Ints
    own: Mapping[str, Any]


@dataclass(frozen=True)
class StudyTally:
    """Counts of a whole study.

    Args:
        noise: Kind of noise.
        looks: Whether results could be seen while the study ran; see `StudySpec`.
        shared_noise: Whether inputs share draws of the noise, so that what they show is not
            independent.
        shown: Names of the methods that the study was made to show; see
            `irs_core.analysis.levels.shown`.
        budgets: The n_p of the study, increasing, (budgets,).
        labels: True classes, for metrics only, (inputs,).
        reported: False for inputs held out for tuning, (inputs,).
        radii: Radii at which each input of f stopped, pixel units; none where n is fixed.
        compressed: By the name of the compression.
    """

    n0: int
    n: int
    sigma: float
    noise: NoiseKind
    looks: bool
    shared_noise: bool
    shown: tuple[str, ...]
    budgets: Ints
    labels: Ints
    reported: NDArray[np.bool_]
    radii: tuple[float, ...]
    base: BaseTally
    compressed: Mapping[str, CompressedTally]


def require_known(counts: Ints, name: str, method: str, wanted: str) -> Ints:
    """The counts, refused if some are UNKNOWN.

    Args:
        name: The compressed classifier that is counted.
        method: Title of what needs them.
        wanted: With what a study has to run to have them.

    Raises:
        MissingEvidenceError: Some are.
    """
    if (counts == UNKNOWN).any():
        raise MissingEvidenceError(
            f"the draws of {name} for {method} are not all stored: "
            f"{int(np.count_nonzero(counts == UNKNOWN))} inputs have too few; run the study with "
            f"{wanted} to have them"
        )
    return counts
