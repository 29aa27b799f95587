"""From evidence to counts; it is read once, and every slider after that works on the counts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.levels import shown
from irs_core.methods.kit.counting import Predictions, prefix_counts, times, winners
from irs_core.methods.kit.counts import (
    UNKNOWN,
    BaseTally,
    CompressedTally,
    Floats,
    Ints,
    StudyTally,
)
from irs_core.methods.kit.groups import group_counts, group_of_classes, most_frequent
from irs_core.methods.kit.observed import Observed, Original, all_stored, gaps_of
from irs_core.methods.kit.seq_original import walk_original
from irs_core.spec.study import Stream, StudySpec
from irs_core.store import EvidenceArray, ModelRecord, Study
from irs_core.store.audit import check_trusted


def tally_study(study: Study) -> StudyTally:
    """Count a study's evidence.

    Raises:
        MissingEvidenceError: The base classifier's draws are not all stored.
        StoreError: The evidence of a finished study was changed.
    """
    check_trusted(study)
    return count_study(study)


def count_study(study: Study) -> StudyTally:
    """The same, of evidence that is known to be the study's own.

    Raises:
        MissingEvidenceError: The base classifier's draws are not all stored.
    """
    record = study.record
    spec = record.spec
    models = observed_models(study)
    arrays = opened(study, record.base)
    reported = np.asarray(record.data.reported, np.bool_)
    original = models[0].original if models else read_original(spec, arrays, reported)
    labels = np.asarray(record.data.labels, np.int64)
    return StudyTally(
        n0=spec.n0,
        n=spec.n,
        sigma=spec.noise.sigma,
        noise=spec.noise.kind,
        looks=spec.looks,
        shared_noise=spec.noise.group > 1,
        shown=tuple(one.name for one in shown(spec)),
        budgets=np.asarray(spec.n_p, np.int64),
        labels=labels,
        reported=reported,
        radii=spec.radii if spec.original_stops else (),
        base=_count_base(spec, original, arrays, labels),
        compressed={one.name: _count(one, labels) for one in models},
    )


def read_original(
    spec: StudySpec, arrays: Mapping[Stream, EvidenceArray], reported: NDArray[np.bool_]
) -> Original:
    """The base classifier's predictions; where it stops by itself, those that are stored.

    Raises:
        MissingEvidenceError: They are not all stored.
    """
    estimate = arrays["estimate"]
    read = estimate.read if spec.original_stops else estimate.read_complete
    return Original(
        selection=arrays["select"].read_complete(spec.n0),
        estimation=read(spec.n),
        reported=reported,
    )


def observe(
    spec: StudySpec, original: Original, name: str, arrays: Mapping[Stream, EvidenceArray]
) -> Observed:
    """A compressed classifier's predictions, read when they are asked for."""

    def read(stream: Stream, draws: int) -> Predictions:
        return arrays[stream].read(draws)

    def rate(stream: Stream, draws: int) -> Floats:
        array = arrays[stream]
        rates = array.seconds_per_draw(max(1, draws)).mean(axis=1)
        return np.repeat(rates, array.tile_rows)[: array.n_inputs, None]

    def seconds(stream: Stream, budgets: Ints) -> Floats:
        return arrays[stream].seconds_per_input(budgets)

    return Observed(name, spec, original, read, rate, seconds, tuple(arrays))


def observed_models(study: Study) -> list[Observed]:
    """The compressed classifiers of a study beside their original.

    Raises:
        MissingEvidenceError: The base classifier's draws are not all stored.
    """
    record = study.record
    reported = np.asarray(record.data.reported, np.bool_)
    original = read_original(record.spec, opened(study, record.base), reported)
    return [
        observe(record.spec, original, model.name, opened(study, model))
        for model in record.compressed
    ]


def opened(study: Study, model: ModelRecord) -> Mapping[Stream, EvidenceArray]:
    """The evidence arrays of one classifier of a study, by stream."""
    return {stream: study.evidence(one) for stream, one in model.evidence.items()}


def _count_base(
    spec: StudySpec,
    original: Original,
    arrays: Mapping[Stream, EvidenceArray],
    labels: Ints,
) -> BaseTally:
    candidate, seen = original.candidate, original.estimation
    stopped = walk_original(spec, original) if spec.original_stops else None
    draws = np.full(len(labels), spec.n) if stopped is None else stopped.taken
    none = np.zeros((len(labels), 0), np.int64)
    # What another study added behind the last draw that counts is left out.
    counted: NDArray[np.bool_] | bool = (
        True if stopped is None else np.arange(spec.n) < draws[:, None]
    )
    budgets = np.asarray(spec.n_p)
    early = seen[:, : spec.n_p[-1]]
    return BaseTally(
        candidate=candidate,
        selected=np.count_nonzero(original.selection == candidate[:, None], axis=1),
        hits=np.count_nonzero((seen == candidate[:, None]) & counted, axis=1),
        seconds=_base_seconds(spec, arrays, draws),
        label_hits=np.count_nonzero((seen == labels[:, None]) & counted, axis=1),
        early_hits=prefix_counts(early == candidate[:, None], gaps_of(early), budgets),
        others=group_counts(original.groups, seen, np.array([spec.n]))[:, 0],
        early_other=most_frequent(original.groups, seen, budgets),
        draws=np.asarray(draws, np.int64),
        failed_at=none if stopped is None else stopped.failed_at,
        open=np.zeros(len(labels), np.int64) if stopped is None else stopped.wanted - stopped.taken,
    )


def _base_seconds(spec: StudySpec, arrays: Mapping[Stream, EvidenceArray], draws: Ints) -> Floats:
    """Time of the selection draws and of so many estimation draws, (inputs,)."""
    first = arrays["select"].seconds_per_input(np.array([spec.n0]))[:, 0]
    estimate = arrays["estimate"]
    if not spec.original_stops:
        return np.asarray(first + estimate.seconds_per_input(np.array([spec.n]))[:, 0])
    rates = estimate.seconds_per_draw(spec.n).mean(axis=1)
    each = np.repeat(rates, estimate.tile_rows)[: estimate.n_inputs]
    return np.asarray(first + times(each, draws))


def _count(one: Observed, labels: Ints) -> CompressedTally:
    """All counts of one compressed classifier."""
    spec = one.spec
    budgets = np.asarray(spec.n_p, np.int64)
    selected = one.read("scratch-select", spec.n0)
    complete = all_stored(selected)
    scratch = np.where(complete, winners(np.where(complete[:, None], selected, 0)), UNKNOWN)
    return CompressedTally(
        **_paired_counts(one, budgets),
        **_fresh_counts(one, budgets, scratch, complete),
        scratch_candidate=scratch,
        scratch_selected=np.count_nonzero(selected == scratch[:, None], axis=1),
        paired_seconds=one.seconds("estimate", budgets),
        fresh_seconds=one.seconds("scratch-estimate", budgets),
        select_seconds=one.seconds("scratch-select", np.array([spec.n0]))[:, 0],
        scratch_other=_scratch_other(one, budgets, scratch, complete),
        paired_other=most_frequent(
            one.original.groups, one.read("estimate", int(budgets[-1])), budgets
        ),
        **_decision_counts(one, int(budgets[-1]), labels),
        own={
            method.name: method.count(one) for method in methods.every() if method.count is not None
        },
    )


def _paired_counts(one: Observed, budgets: Ints) -> dict[str, Ints]:
    width = int(budgets[-1])
    cached, seen = one.original.estimation[:, :width], one.read("estimate", width)
    hits, gaps = cached == one.original.candidate[:, None], gaps_of(seen)
    return {
        "disagreements": prefix_counts(seen != cached, gaps, budgets),
        "leaves": prefix_counts(hits & (seen != cached), gaps, budgets),
        "agreements": prefix_counts(hits, gaps, budgets),
        "paired_hits": prefix_counts(seen == one.original.candidate[:, None], gaps, budgets),
    }


def _decision_counts(one: Observed, width: int, labels: Ints) -> dict[str, Ints]:
    """What decisions about a model count over fixed prefixes of both streams."""
    seen, drawn = one.read("estimate", width), one.read("scratch-estimate", width)
    hits = one.original.estimation[:, :width] == one.original.candidate[:, None]
    left = np.count_nonzero(hits & (seen != one.original.candidate[:, None]), axis=1)
    missing = (hits & gaps_of(seen)).any(axis=1)
    right = np.count_nonzero(drawn == labels[:, None], axis=1)
    return {
        "leavers": np.where(missing, UNKNOWN, left),
        "label_hits": np.where(all_stored(drawn), right, UNKNOWN),
    }


def _scratch_other(
    one: Observed, budgets: Ints, scratch: Ints, complete: NDArray[np.bool_]
) -> Ints:
    selected = np.where(complete[:, None], one.read("scratch-select", one.spec.n0), 0)
    groups = group_of_classes(selected, np.maximum(scratch, 0))
    counts = most_frequent(groups, one.read("scratch-estimate", int(budgets[-1])), budgets)
    return np.where(complete[:, None], counts, UNKNOWN)


def _fresh_counts(
    one: Observed, budgets: Ints, scratch: Ints, complete: NDArray[np.bool_]
) -> dict[str, Ints]:
    drawn = one.read("scratch-estimate", int(budgets[-1]))
    candidate, gaps = one.original.candidate[:, None], gaps_of(drawn)
    unknown = gaps | ~complete[:, None]
    return {
        "fresh_hits": prefix_counts(drawn == candidate, gaps, budgets),
        "scratch_hits": prefix_counts(drawn == scratch[:, None], unknown, budgets),
    }
