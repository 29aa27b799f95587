"""From a study to decisions about its compressed models."""

import numpy as np
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import equal_draws
from irs_core.analysis.measured import study_measured
from irs_core.certify import Certificates
from irs_core.decide import (
    UNKNOWN,
    BaseCounts,
    CompressedCounts,
    Decision,
    Flag,
    Levels,
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
from irs_core.errors import SpecError, UnknownKeyError
from irs_core.spec.study import StudySpec
from irs_core.store import BASE, StudyRecord


def study_decision(
    record: StudyRecord, analysis: Analysis, name: str, requirement: Requirement
) -> Decision:
    """May a compressed model of a study replace its original, or is one model good enough?

    The verdict is about this model alone, named before looking. Certificates are those of the
    model's main method; the levels are those of the study and `Levels`.

    Args:
        name: A compressed model; or `base`, the original alone, of which a requirement may ask
            anything but what it loses against itself.

    Raises:
        UnknownKeyError: The study has no such model.
        MissingEvidenceError: No method has all its draws.
        SpecError: The original is to be compared with itself.
    """
    if name != BASE and name not in analysis.tally.compressed:
        known = ", ".join(analysis.tally.compressed) or "none"
        raise UnknownKeyError(
            f"a decision is about a compressed model, {known}, or about {BASE}, the original "
            f"alone; got {name!r}"
        )
    if name == BASE:
        check_alone(requirement)
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

    Where there is none, that about the original, if it is not to be compared.

    Whoever picks one of them by its verdict has the confidence of all of them together.
    """
    names = [one for one in analysis.tally.compressed if analysis.methods(one)]
    if not record.compressed and requirement.max_loss is None:
        names = [BASE]
    return {name: study_decision(record, analysis, name, requirement) for name in names}


def check_alone(requirement: Requirement) -> None:
    """Refuse a requirement that compares a model with itself.

    Raises:
        SpecError: It does.
    """
    if requirement.max_loss is not None:
        raise SpecError(
            "the original alone is not compared with itself; leave max_loss out (none) and ask for "
            "its certified accuracy (min_certified)"
        )


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
        # Bounds of a fixed n do not hold for draws that stopped by their outcomes.
        label_hits=np.full(len(own), UNKNOWN) if tally.radii else tally.base.label_hits[rows],
        draws=tally.n,
        predicted=own.predicted,
        radius=own.radius,
    )
    count = _own_counts(analysis) if name == BASE else _compressed_counts(analysis, name, made)
    return base, count, levels_for(made, own, Levels())


def _own_counts(analysis: Analysis) -> CompressedCounts:
    """The original as the model that is judged; nothing is compared."""
    tally, rows, own = analysis.tally, analysis.rows, analysis.base
    draws = tally.base.draws[rows] if tally.radii else tally.n
    return CompressedCounts(
        candidate=own.candidate,
        predicted=own.predicted,
        radius=own.radius,
        leavers=np.full(len(own), UNKNOWN),
        leave_draws=draws,
        label_hits=tally.base.label_hits[rows],
        label_draws=draws,
        leave_rule="anytime" if tally.radii else "prefix",
    )


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
