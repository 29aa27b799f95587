"""From evidence to counts; it is read once, and every slider after that works on the counts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.counts import (
    UNKNOWN,
    BaseTally,
    CirsTally,
    CompressedTally,
    Floats,
    Ints,
    IssTally,
    StudyTally,
)
from irs_core.methods.cirs_plan import (
    Planner,
    cached_counts,
    pilot_draws,
    points,
    study_planner,
    study_plans,
)
from irs_core.methods.draws import reach
from irs_core.spec.study import StudySpec
from irs_core.stats import iss_allocation
from irs_core.store import EvidenceArray, Study

__all__ = ["UNKNOWN", "StudyTally", "count_classes", "has_pilot", "iss_sizes", "tally_study"]


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
    select = study.evidence(record.base.evidence["select"])
    estimate = study.evidence(record.base.evidence["estimate"])
    selection = select.read_complete(spec.n0)
    estimation = estimate.read_complete(spec.n)
    classes = max(len(record.data.classes), 2)
    candidate = _winner(selection, classes)
    base = BaseTally(
        candidate=candidate,
        selected=np.count_nonzero(selection == candidate[:, None], axis=1),
        hits=np.count_nonzero(estimation == candidate[:, None], axis=1),
        seconds=_seconds(select, np.array([spec.n0]))[:, 0]
        + _seconds(estimate, np.array([spec.n]))[:, 0],
    )
    counter = _Counter(study, classes, candidate, selection, estimation)
    return StudyTally(
        n0=spec.n0,
        n=spec.n,
        sigma=spec.noise.sigma,
        budgets=budgets,
        labels=np.asarray(record.data.labels, np.int64),
        reported=np.asarray(record.data.reported, np.bool_),
        base=base,
        compressed={model.name: counter.count(model.evidence) for model in record.compressed},
    )


class _Counter:
    """Counts compressed classifiers against the base's predictions."""

    def __init__(
        self,
        study: Study,
        classes: int,
        candidate: Ints,
        selection: NDArray[np.unsignedinteger],
        estimation: NDArray[np.unsignedinteger],
    ) -> None:
        self._study, self._classes = study, classes
        self._spec: StudySpec = study.record.spec
        self._budgets = np.asarray(self._spec.n_p, np.int64)
        self._candidate, self._selection, self._estimation = candidate, selection, estimation
        within = estimation[:, : reach(self._spec)] == candidate[:, None]
        # Position of each hit among its input's hits, from 1; 0 where f predicted another class.
        self._rank = np.where(within, np.cumsum(within, axis=1, dtype=np.int32), 0)

    def count(self, evidence: Mapping[str, str]) -> CompressedTally:
        """All counts of one compressed classifier."""
        spec, budgets, candidate = self._spec, self._budgets, self._candidate
        paired = self._study.evidence(evidence["estimate"])
        fresh = self._study.evidence(evidence["scratch-estimate"])
        select = self._study.evidence(evidence["scratch-select"])
        own, drawn = paired.read(reach(spec)), fresh.read(reach(spec))
        selected = select.read(spec.n0)
        complete = ~(selected == select.missing).any(axis=1)
        known = np.where(complete[:, None], selected, 0)
        scratch = np.where(complete, _winner(known, self._classes), UNKNOWN)
        scratch_hits = drawn == scratch[:, None]
        unknown = (drawn == fresh.missing) | ~complete[:, None]
        first = slice(0, int(budgets[-1]))
        cached, seen = self._estimation[:, first], own[:, first]
        gaps, f_hits = seen == paired.missing, cached == candidate[:, None]
        scratch_selected = np.count_nonzero(selected == scratch[:, None], axis=1)
        return CompressedTally(
            disagreements=_prefix_counts(seen != cached, gaps, budgets),
            fresh_hits=_prefix_counts(drawn == candidate[:, None], drawn == fresh.missing, budgets),
            scratch_candidate=scratch,
            scratch_hits=_prefix_counts(scratch_hits, unknown, budgets),
            paired_seconds=_seconds(paired, budgets),
            fresh_seconds=_seconds(fresh, budgets),
            select_seconds=_seconds(select, np.array([spec.n0]))[:, 0],
            leaves=_prefix_counts(f_hits & (seen != cached), gaps, budgets),
            agreements=_prefix_counts(f_hits, gaps, budgets),
            scratch_selected=scratch_selected,
            cirs=self._cirs(evidence, own, drawn),
            iss=self._iss(scratch_selected, complete, scratch_hits, unknown, fresh),
        )

    def _cirs(
        self,
        evidence: Mapping[str, str],
        own: NDArray[np.unsignedinteger],
        drawn: NDArray[np.unsignedinteger],
    ) -> CirsTally:
        planner = self._planner(evidence)
        plans = study_plans(planner, self._spec)
        named, missing = self._candidate[:, None], int(np.iinfo(own.dtype).max)
        draws = np.stack([plan.draws for plan in plans], axis=1)
        direct = np.stack([plan.direct for plan in plans], axis=1)
        fresh_hits = _row_counts(drawn == named, drawn == missing, np.where(direct, draws, 0))
        leavers = np.zeros_like(draws)
        for budget, plan in enumerate(plans):
            chosen = (self._rank > 0) & (
                self._rank <= np.where(plan.direct, 0, plan.draws)[:, None]
            )
            counts = np.count_nonzero(chosen & (own != named), axis=1)
            gaps = (chosen & (own == missing)).any(axis=1)
            leavers[:, budget] = np.where(gaps, UNKNOWN, counts)
        if not has_pilot(self._study, evidence):
            # The plans will be others; nothing is certified by these.
            leavers[:], fresh_hits[:] = UNKNOWN, UNKNOWN
        paired = self._study.evidence(evidence["estimate"])
        fresh = self._study.evidence(evidence["scratch-estimate"])
        widest = int(self._budgets[-1])
        rates = np.where(direct, _rate(fresh, widest), _rate(paired, widest))
        seconds = _times(rates, draws)
        measured = [rates]
        if "select" in evidence:
            pilot = pilot_draws(self._spec)
            rate = _rate(self._study.evidence(evidence["select"]), pilot)
            seconds = seconds + rate * pilot
            measured.append(rate)
        # Before the counted draws run, the pilot's rate has to do.
        known = [one[np.isfinite(one)] for one in measured]
        rate_per_draw = next((float(one.mean()) for one in known if len(one)), float("nan"))
        return CirsTally(
            np.asarray(points(self._spec), np.int64),
            plans,
            leavers,
            fresh_hits,
            seconds,
            planner,
            rate_per_draw,
        )

    def _planner(self, evidence: Mapping[str, str]) -> Planner:
        pilot = self._selection[:, :0]
        if "select" in evidence:
            array = self._study.evidence(evidence["select"])
            pilot = array.read(pilot_draws(self._spec))
        return study_planner(
            self._spec,
            cached_counts(
                self._spec,
                candidate=self._candidate,
                selection=self._selection,
                estimation=self._estimation,
                pilot=pilot,
                reported=np.asarray(self._study.record.data.reported, np.bool_),
            ),
        )

    def _iss(
        self,
        selected: Ints,
        complete: NDArray[np.bool_],
        hits: NDArray[np.bool_],
        unknown: NDArray[np.bool_],
        fresh: EvidenceArray,
    ) -> IssTally:
        spec = self._spec
        sizes = iss_sizes(spec, np.where(complete, selected, spec.n0))
        counts = _row_counts(hits, unknown, sizes)
        seconds = _times(_rate(fresh, int(self._budgets[-1])), sizes)
        return IssTally(sizes, np.where(complete[:, None], counts, UNKNOWN), seconds)


def has_pilot(study: Study, evidence: Mapping[str, str]) -> bool:
    """Whether all that plans for a compressed classifier are made from is stored.

    Args:
        evidence: The classifier's; without the stream `select` nothing is asked of a pilot.
    """
    if "select" not in evidence:
        return True
    array = study.evidence(evidence["select"])
    reported = np.asarray(study.record.data.reported, np.bool_)
    return bool((array.read(pilot_draws(study.record.spec))[reported] != array.missing).all())


def iss_sizes(spec: StudySpec, selected: Ints) -> Ints:
    """Sample sizes of ISS at each budget of a study, (inputs, budgets).

    Args:
        selected: Selection draws, of n0, that gave f^p's candidate, (inputs,).
    """
    return np.stack(
        [
            iss_allocation(
                selected,
                k0=spec.n0,
                k_max=n_p,
                sigma=spec.noise.sigma,
                alpha=spec.alpha + spec.alpha_zeta,
                decline=spec.decline,
            )
            for n_p in spec.n_p
        ],
        axis=1,
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


def _row_counts(events: NDArray[np.bool_], gaps: NDArray[np.bool_], draws: Ints) -> Ints:
    """Events among each input's own number of first draws, (inputs, budgets)."""

    def first(flags: NDArray[np.bool_]) -> Ints:
        sums = np.cumsum(flags, axis=1, dtype=np.int64)
        return np.where(draws > 0, np.take_along_axis(sums, np.maximum(draws - 1, 0), axis=1), 0)

    return np.where(first(gaps) > 0, UNKNOWN, first(events))


def _rate(array: EvidenceArray, draws: int) -> Floats:
    """Mean measured seconds per draw of each input, (inputs, 1)."""
    rates = array.seconds_per_draw(max(1, draws)).mean(axis=1)
    return np.repeat(rates, array.tile_rows)[: array.n_inputs, None]


def _times(rates: Floats, draws: Ints) -> Floats:
    """Seconds of so many draws; none take none, measured or not."""
    return np.where(draws > 0, rates * draws, 0.0)


def _seconds(array: EvidenceArray, budgets: Ints) -> Floats:
    return array.seconds_per_input(budgets)
