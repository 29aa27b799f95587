"""Original and compressed model with the same number of draws of the same noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import opened
from irs_core.certify import (
    Certificates,
    certify_rs_hits,
    few_selected,
    others_upper,
    with_two_sided,
)
from irs_core.decide import (
    UNKNOWN,
    GainsAndLosses,
    Gap,
    gains_and_losses,
    hardness,
    split_gap,
)
from irs_core.methods.kit.counting import prefix_counts
from irs_core.methods.kit.groups import group_of_classes, most_frequent
from irs_core.methods.kit.observed import gaps_of
from irs_core.spec.convention import ONE_SIDED
from irs_core.stats import largest_certifiable_radius
from irs_core.store import Study

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Beside a study's own numbers of draws; fewer than the first certify next to nothing.
_ROUND = (20, 30, 50, 70)
# Inputs whose draws are counted at a time, which bounds the memory that it takes.
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class EqualDraws:
    """The original and a compressed model, input by input.

    Args:
        n, n_p: Draws of the original, and draws of both in the comparison.
        labels: True classes, (inputs,).
        base: Certificates of the original at its n draws.
        original: Of the original from its first n_p draws.
        model: Of the compressed model from the same noise, at the same level.
        votes: The original's share of votes for its candidate on its other draws, (inputs,); on
            all of them where there are no others.
        shared_noise: Whether inputs share draws of the noise.
    """

    n: int
    n_p: int
    labels: Ints
    base: Certificates
    original: Certificates
    model: Certificates
    votes: Floats
    shared_noise: bool = False

    @cached_property
    def full(self) -> Floats:
        """Counted radii of the original at its n draws, 0 where wrong or abstaining, (inputs,)."""
        return metrics.counted_radii(self.base, self.labels)

    @cached_property
    def equal(self) -> Floats:
        """The same of the original at its first n_p draws."""
        return metrics.counted_radii(self.original, self.labels)

    @cached_property
    def compressed(self) -> Floats:
        """The same of the compressed model."""
        return metrics.counted_radii(self.model, self.labels)


@dataclass(frozen=True, eq=False)
class Prefixes:
    """On how many of the first draws each model gave the original's candidate.

    Args:
        sizes: Numbers of draws, increasing, (sizes,).
        original, compressed: Counts, (inputs, sizes); UNKNOWN where draws are missing.
        original_other, compressed_other: On how many each gave the group of other classes that it
            gave most often.
    """

    sizes: Ints
    original: Ints
    compressed: Ints
    original_other: Ints
    compressed_other: Ints


def draw_steps(budgets: Sequence[int]) -> tuple[int, ...]:
    """Numbers of draws at which two models can be compared: the study's own and round ones."""
    top = max(budgets)
    scales = (round(one * 10**power) for power in range(6) for one in (*_ROUND, 100, 150))
    return tuple(sorted({*budgets, *(one for one in scales if one < top)}))


def read_prefixes(study: Study, analysis: Analysis, name: str, sizes: Sequence[int]) -> Prefixes:
    """Count the stored answers of the original and of a compressed model.

    Args:
        sizes: Numbers of draws, increasing, at most the largest n_p.
    """
    records = {model.name: model for model in study.record.models}
    wanted = np.asarray(sizes, np.int64)
    rows = np.flatnonzero(analysis.rows)

    base = study.record.base
    selection = opened(study, base)["select"].read_complete(analysis.tally.n0)
    groups = group_of_classes(selection, analysis.tally.base.candidate)

    def counted(model: str) -> tuple[Ints, Ints]:
        array = opened(study, records[model])["estimate"]
        answers, candidate = array.read(int(wanted[-1])), analysis.tally.base.candidate
        parts = [
            prefix_counts(answers[part] == candidate[part, None], gaps_of(answers[part]), wanted)
            for part in np.split(rows, range(_BLOCK, len(rows), _BLOCK))
        ]
        return np.concatenate(parts), most_frequent(groups[rows], answers[rows], wanted)

    (original, others), (compressed, more) = counted(base.name), counted(name)
    return Prefixes(wanted, original, compressed, others, more)


def at_draws(analysis: Analysis, prefixes: Prefixes, draws: int) -> EqualDraws | None:
    """Both models at one of the numbers of draws; None where draws are missing."""
    at = int(np.flatnonzero(prefixes.sizes == draws)[0])
    return _equal(
        analysis,
        _Counted(prefixes.original[:, at], prefixes.original_other[:, at]),
        _Counted(prefixes.compressed[:, at], prefixes.compressed_other[:, at]),
        draws,
    )


def equal_draws(analysis: Analysis, name: str, budget: int = -1) -> EqualDraws | None:
    """The original and a compressed model at the same number of draws of the same noise.

    Both are certified from these draws alone, at the level that compressed models get. None where
    the compressed model's answers on the original's first draws are not all stored.

    Args:
        budget: Position of the n_p.
    """
    tally, rows = analysis.tally, analysis.rows
    found, base = tally.compressed[name], tally.base
    return _equal(
        analysis,
        _Counted(base.early_hits[rows, budget], base.early_other[rows, budget]),
        _Counted(found.paired_hits[rows, budget], found.paired_other[rows, budget]),
        int(tally.budgets[budget]),
    )


@dataclass(frozen=True, eq=False)
class _Counted:
    """Draws that gave the candidate, and the most frequent group of other classes, (inputs,)."""

    hits: Ints
    other: Ints


def _equal(
    analysis: Analysis, original: _Counted, compressed: _Counted, n_p: int
) -> EqualDraws | None:
    tally, rows = analysis.tally, analysis.rows
    if (compressed.hits == UNKNOWN).any():
        return None
    hits, others = tally.base.hits[rows], tally.n - n_p
    return EqualDraws(
        n=tally.n,
        n_p=n_p,
        labels=analysis.labels,
        base=analysis.base,
        original=_certified(analysis, original, n_p),
        model=_certified(analysis, compressed, n_p),
        votes=(hits - original.hits) / others if others > 0 else hits / tally.n,
        shared_noise=tally.shared_noise,
    )


def _certified(analysis: Analysis, counted: _Counted, n_p: int) -> Certificates:
    """From these draws alone; which radii are two-sided, f's selection draws say for both."""
    tally, rows = analysis.tally, analysis.rows
    level = analysis.settings.alpha + analysis.settings.alpha_zeta

    def at_level(alpha: float) -> Certificates:
        return certify_rs_hits(
            tally.base.candidate[rows],
            counted.hits,
            n0=tally.n0,
            n=n_p,
            alpha=alpha,
            sigma=tally.sigma,
        )

    whole = at_level(level)
    if analysis.settings.convention == ONE_SIDED:
        return whole
    few = few_selected(tally.base.selected[rows], tally.n0)
    others = others_upper(counted.other[:, None], n_p, level / 2)
    return with_two_sided(whole, at_level(level / 2), others, few)


def study_gaps(
    analysis: Analysis, name: str, *, radii: Sequence[float] = (), budget: int = -1
) -> tuple[Gap, ...]:
    """What fewer draws cost and what compression costs, in ACR and in certified accuracy.

    Empty where `equal_draws` is None.
    """
    found = equal_draws(analysis, name, budget)
    return () if found is None else gaps_of_draws(analysis, found, radii)


def gaps_of_draws(
    analysis: Analysis, found: EqualDraws, radii: Sequence[float] = ()
) -> tuple[Gap, ...]:
    """The same of two models that are at hand."""
    most = largest_radius(analysis)
    return split_gap(
        found.full,
        found.equal,
        found.compressed,
        most=most,
        radii=tuple(radii),
        shared_noise=analysis.tally.shared_noise,
    )


def gains_of_draws(found: EqualDraws) -> tuple[GainsAndLosses, ...]:
    """Gains and losses by compression, from inputs that are hard for the original to easy ones."""
    right = found.base.candidate == found.labels
    groups = hardness(found.votes, right)
    return gains_and_losses(found.equal, found.compressed, groups)


def largest_radius(analysis: Analysis) -> float:
    """The largest radius that any of the certificates can have."""
    level = analysis.settings.alpha + analysis.settings.alpha_zeta
    bounds = [largest_certifiable_radius(analysis.tally.n, level, analysis.tally.sigma)]
    return float(max(bounds)) * (1 + 1e-9)
