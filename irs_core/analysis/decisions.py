"""From a study to decisions about its compressed models."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import equal_draws
from irs_core.certify import Certificates
from irs_core.decide import (
    BaseCounts,
    CompressedCounts,
    Decision,
    Flag,
    Levels,
    Measured,
    Requirement,
    Routes,
    accuracy_flag,
    decide,
    draws_flag,
    find_routes,
    find_settle,
    folder_order_flag,
    inputs_flag,
    integer_sums_flag,
    levels_for,
    noise_flag,
    permuted_labels_flag,
    shared_noise_flag,
    unequal_draws_flag,
)
from irs_core.errors import UnknownKeyError
from irs_core.spec.cost import ALONE, BATCHES, ModelCost
from irs_core.spec.study import StudySpec
from irs_core.store import BASE, StudyRecord


def study_decision(
    record: StudyRecord, analysis: Analysis, name: str, requirement: Requirement
) -> Decision:
    """May a compressed model of a study replace its original?

    The verdict is about this model alone, named before looking. Certificates are those of the
    model's main method; the levels are those of the study and `Levels`.

    Raises:
        UnknownKeyError: The study has no such compressed model.
        MissingEvidenceError: No method has all its draws.
    """
    if name not in analysis.tally.compressed:
        known = ", ".join(analysis.tally.compressed) or "none"
        raise UnknownKeyError(f"a decision is about a compressed model, {known}; got {name!r}")
    counts = _counts(analysis, name)
    found = _routes(counts, requirement, analysis.tally.sigma)
    settle = None
    if requirement.max_loss is not None:
        base, compressed, levels = counts
        settle = find_settle(
            found,
            base,
            compressed,
            radius=requirement.radius,
            tolerance=requirement.tolerance,
            sigma=analysis.tally.sigma,
            levels=levels,
            max_loss=requirement.max_loss,
            beta=requirement.beta,
        )
    return decide(
        requirement,
        title_of(record, name),
        found,
        study_measured(record, analysis, name),
        shared_noise=record.spec.noise.group > 1,
        settle=settle,
        noun="inputs",
    )


def study_routes(analysis: Analysis, name: str, requirement: Requirement) -> Routes:
    """Which inputs a compressed model may lose, and why the others are safe."""
    return _routes(_counts(analysis, name), requirement, analysis.tally.sigma)


def _routes(
    counts: tuple[BaseCounts, CompressedCounts, Levels], requirement: Requirement, sigma: float
) -> Routes:
    base, compressed, levels = counts
    return find_routes(
        base,
        compressed,
        radius=requirement.radius,
        tolerance=requirement.tolerance,
        sigma=sigma,
        levels=levels,
    )


def study_decisions(
    record: StudyRecord, analysis: Analysis, requirement: Requirement
) -> dict[str, Decision]:
    """The decision about each compressed model whose draws are there, each for itself.

    Whoever picks one of them by its verdict has the confidence of all of them together.
    """
    names = [one for one in analysis.tally.compressed if analysis.methods(one)]
    return {name: study_decision(record, analysis, name, requirement) for name in names}


def preset_model(analysis: Analysis) -> str | None:
    """The compressed model that is asked about first: int8, else the first whose draws are there;
    None where there is none."""
    names = [one for one in analysis.tally.compressed if analysis.methods(one)]
    return "int8" if "int8" in names else next(iter(names), None)


def preset_requirement(sigma: float, *, max_loss: float = 0.01) -> Requirement:
    """A sensible requirement for a noise level: at r = sigma, a tenth of it as the tolerance."""
    return Requirement(
        radius=round(sigma, 4), tolerance=round(sigma / 10, 4), max_loss=max_loss, confidence=0.99
    )


def study_flags(record: StudyRecord, analysis: Analysis) -> tuple[Flag, ...]:
    """What makes a study's numbers dubious, a sentence each."""
    spec, rows = record.spec, analysis.rows
    clean = np.asarray(record.base.clean, np.int64)
    found: list[Flag | None] = [
        inputs_flag(int(rows.sum())),
        draws_flag(spec.n, spec.alpha),
        folder_order_flag(record.data.classes) if _by_folders(spec) else None,
        integer_sums_flag(model.execution for model in record.models),
        _unequal(record, analysis),
        shared_noise_flag(spec.noise.group),
    ]
    if len(clean):
        right = clean[rows] == analysis.labels
        noisy = analysis.tally.base.candidate[rows] == analysis.labels
        # The network may know more classes than the data show.
        known = max(spec.model.num_classes or 0, 1 + int(clean.max()))
        classes = max(len(record.data.classes), known)
        found += [
            accuracy_flag(int(right.sum()), len(right), classes) if classes > 1 else None,
            permuted_labels_flag(_confusion(clean[rows], analysis.labels, classes)),
            noise_flag(int(right.sum()), int(noisy.sum()), len(right), spec.noise.sigma),
        ]
    return tuple(one for one in found if one is not None)


def _unequal(record: StudyRecord, analysis: Analysis) -> Flag | None:
    """Whether some model can only be shown at other draws than the original."""
    for model in record.compressed:
        stops = methods.get(analysis.main_method(model.name)).anytime
        if stops is None and equal_draws(analysis, model.name) is None:
            return unequal_draws_flag(analysis.tally.n, int(analysis.tally.budgets[-1]))
    return None


def _by_folders(spec: StudySpec) -> bool:
    """Whether class ids are those of folders, in an order that nobody stated."""
    return spec.data.kind == "image-folder" and not spec.data.class_list


def _confusion(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    size = max(classes, 1 + int(predicted.max()), 1 + int(labels.max()))
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def _counts(analysis: Analysis, name: str) -> tuple[BaseCounts, CompressedCounts, Levels]:
    # Statements about a model are proven for one-sided radii; see docs/methods/decisions.md.
    analysis = analysis.one_sided
    tally, rows, own = analysis.tally, analysis.rows, analysis.base
    made = analysis.main_certificates(name)
    base = BaseCounts(
        labels=analysis.labels,
        candidate=tally.base.candidate[rows],
        label_hits=tally.base.label_hits[rows],
        draws=tally.n,
        predicted=own.predicted,
        radius=own.radius,
    )
    return base, _compressed_counts(analysis, name, made), levels_for(made, own, Levels())


def _compressed_counts(analysis: Analysis, name: str, made: Certificates) -> CompressedCounts:
    tally, rows = analysis.tally, analysis.rows
    counts, n_p = tally.compressed[name], int(tally.budgets[-1])
    stops = methods.get(analysis.main_method(name)).anytime
    if stops is None:
        return CompressedCounts(
            candidate=made.candidate,
            predicted=made.predicted,
            radius=made.radius,
            leavers=counts.leavers[rows],
            leave_draws=n_p,
            label_hits=counts.label_hits[rows],
            label_draws=n_p,
        )
    left, looked = stops(analysis.case(name))
    return CompressedCounts(
        candidate=made.candidate,
        predicted=made.predicted,
        radius=made.radius,
        leavers=left,
        leave_draws=looked,
        # Leavers are certainly wrong where the candidate is right; any other draw may be a hit.
        label_hits=looked[:, -1] - np.where(made.candidate == analysis.labels, left[:, -1], 0),
        label_draws=looked[:, -1],
        leave_rule="anytime",
    )


def title_of(record: StudyRecord, name: str) -> str:
    """What a model of a study is called."""
    return next(model.title for model in record.models if model.name == name)


def study_measured(record: StudyRecord, analysis: Analysis, name: str) -> Measured:
    """What was measured of a compressed model outside its certificates."""
    models = {model.name: model for model in record.models}
    clean = np.asarray(models[name].clean, np.int64)
    right = clean[analysis.rows] == analysis.labels if len(clean) else None
    counted = Measured(
        right=None if right is None else int(right.sum()),
        right_of=None if right is None else len(right),
        bytes=models[name].size_bytes,
        sized="weights in the model's own format",
    )
    own, original = models[name].cost, models[BASE].cost
    if own is not None and original is not None:
        return _alone(counted, own, original)
    seconds, base = (_seconds_per_pass(analysis, one) for one in (name, BASE))
    known = np.isfinite(seconds) and seconds > 0
    relative = seconds / base if known and np.isfinite(base) and base > 0 else None
    return replace(
        counted,
        latency_ms=(1000 * seconds, 1000 * seconds) if known else None,
        relative_latency=None if relative is None else (relative, relative),
        timed=BATCHES,
    )


def _alone(counted: Measured, own: ModelCost, original: ModelCost) -> Measured:
    """With size and times as deployed, from the median to the 95th percentile."""
    ratios = (
        own.speed.p50_ms / original.speed.p50_ms,
        own.speed.p95_ms / original.speed.p95_ms,
    )
    return replace(
        counted,
        latency_ms=(own.speed.p50_ms, own.speed.p95_ms),
        relative_latency=(min(ratios), max(ratios)),
        bytes=own.size.packed_bytes,
        timed=f"{ALONE}, median to 95th percentile",
        sized="packed, emulated here" if own.size.emulated else "packed",
    )


def _seconds_per_pass(analysis: Analysis, name: str) -> float:
    """Measured seconds of a draw in the study's own batches, noise included."""
    tally, rows = analysis.tally, analysis.rows
    if name == BASE:
        return float(tally.base.seconds[rows].mean()) / (tally.n0 + tally.n)
    spent = tally.compressed[name].paired_seconds[rows, -1]
    return float(spent.mean()) / int(tally.budgets[-1])
