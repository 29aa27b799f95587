"""Counts of a study: all that certificates need, small enough to keep in memory.

Counting reads the evidence once; every slider after that works on the counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import MissingEvidenceError
from irs_core.store import EvidenceArray, Study

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Marks a count whose draws are not all there.
UNKNOWN = -1


@dataclass(frozen=True)
class BaseTally:
    """Counts of the base classifier f.

    Args:
        candidate: Class that won the selection draws, (inputs,).
        hits: How many of the n estimation draws gave it, (inputs,).
        seconds: Time of all its draws, (inputs,).
    """

    candidate: Ints
    hits: Ints
    seconds: Floats


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
    """

    disagreements: Ints
    fresh_hits: Ints
    scratch_candidate: Ints
    scratch_hits: Ints
    paired_seconds: Floats
    fresh_seconds: Floats
    select_seconds: Floats


@dataclass(frozen=True)
class StudyTally:
    """Counts of a whole study.

    Args:
        budgets: The n_p of the study, increasing, (budgets,).
        labels: True classes, for metrics only, (inputs,).
        reported: False for inputs held out for tuning, (inputs,).
        compressed: By the name of the compression.
    """

    n0: int
    n: int
    sigma: float
    budgets: Ints
    labels: Ints
    reported: NDArray[np.bool_]
    base: BaseTally
    compressed: Mapping[str, CompressedTally]


def count_classes(predictions: NDArray[np.integer], classes: int) -> Ints:
    """How often each class was predicted for each input, (inputs, classes).

    Args:
        predictions: Class ids below `classes`, (inputs, draws).
    """
    rows = len(predictions)
    offsets = np.arange(rows)[:, None] * classes
    flat = (predictions.astype(np.int64) + offsets).ravel()
    counts: Ints = np.bincount(flat, minlength=rows * classes).reshape(rows, classes)
    return counts


def tally_study(study: Study) -> StudyTally:
    """Count a study's evidence.

    Raises:
        MissingEvidenceError: The base classifier's draws are not all stored.
    """
    record = study.record
    spec = record.spec
    budgets = np.asarray(spec.n_p, np.int64)
    classes = max(len(record.data.classes), 2)
    select = study.evidence(record.base.evidence["select"])
    estimate = study.evidence(record.base.evidence["estimate"])
    candidate = _winner(select.read_complete(spec.n0), classes)
    predictions = estimate.read_complete(spec.n)
    base = BaseTally(
        candidate=candidate,
        hits=np.count_nonzero(predictions == candidate[:, None], axis=1),
        seconds=_seconds(select, np.array([spec.n0]))[:, 0]
        + _seconds(estimate, np.array([spec.n]))[:, 0],
    )
    cached = predictions[:, : budgets[-1]]
    return StudyTally(
        n0=spec.n0,
        n=spec.n,
        sigma=spec.noise.sigma,
        budgets=budgets,
        labels=np.asarray(record.data.labels, np.int64),
        reported=np.asarray(record.data.reported, np.bool_),
        base=base,
        compressed={
            model.name: _tally_compressed(
                study, model.evidence, cached, candidate, budgets, spec.n0, classes
            )
            for model in record.compressed
        },
    )


def _tally_compressed(
    study: Study,
    evidence: Mapping[str, str],
    cached: NDArray[np.unsignedinteger],
    candidate: Ints,
    budgets: Ints,
    n0: int,
    classes: int,
) -> CompressedTally:
    paired = study.evidence(evidence["estimate"])
    fresh = study.evidence(evidence["scratch-estimate"])
    select = study.evidence(evidence["scratch-select"])
    own = paired.read(int(budgets[-1]))
    drawn = fresh.read(int(budgets[-1]))
    selected = select.read(n0)
    complete = ~(selected == select.missing).any(axis=1)
    scratch = np.where(
        complete, _winner(np.where(complete[:, None], selected, 0), classes), UNKNOWN
    )
    return CompressedTally(
        disagreements=_prefix_counts(own != cached, own == paired.missing, budgets),
        fresh_hits=_prefix_counts(drawn == candidate[:, None], drawn == fresh.missing, budgets),
        scratch_candidate=scratch,
        scratch_hits=_prefix_counts(
            drawn == scratch[:, None], (drawn == fresh.missing) | ~complete[:, None], budgets
        ),
        paired_seconds=_seconds(paired, budgets),
        fresh_seconds=_seconds(fresh, budgets),
        select_seconds=_seconds(select, np.array([n0]))[:, 0],
    )


def _winner(predictions: NDArray[np.unsignedinteger], classes: int) -> Ints:
    # Ties go to the lowest class, as everywhere in this package.
    winners: Ints = count_classes(predictions, max(classes, 1 + int(predictions.max()))).argmax(
        axis=1
    )
    return winners


def _prefix_counts(events: NDArray[np.bool_], gaps: NDArray[np.bool_], budgets: Ints) -> Ints:
    counts = np.cumsum(events, axis=1, dtype=np.int64)[:, budgets - 1]
    unknown = np.cumsum(gaps, axis=1)[:, budgets - 1] > 0
    return np.where(unknown, UNKNOWN, counts)


def _seconds(array: EvidenceArray, budgets: Ints) -> Floats:
    return array.seconds_per_input(budgets)


def require_known(counts: Ints, what: str) -> Ints:
    """The counts, refused if some are UNKNOWN.

    Raises:
        MissingEvidenceError: Some are.
    """
    if (counts == UNKNOWN).any():
        raise MissingEvidenceError(
            f"{what} is not computed for {int(np.count_nonzero(counts == UNKNOWN))} inputs; "
            "run the study with the baseline to have it"
        )
    return counts
