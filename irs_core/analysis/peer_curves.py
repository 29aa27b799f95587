"""What each way to certify reaches with how many draws, on the stored draws of one model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irs_core import methods, metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import count_study, observed_models
from irs_core.certify import Certificates, certify_rs_hits
from irs_core.certify.sequences import (
    Decided,
    decide_by_betting,
    decide_by_union,
    decide_in_stages,
    stage_sizes,
    threshold_of,
    union_sizes,
)
from irs_core.errors import MissingEvidenceError
from irs_core.methods.kit.counting import winners
from irs_core.methods.kit.observed import Observed, gaps_of
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Study

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Budgets of each curve.
_POINTS, _FEWEST = 24, 12
# Selection draws of ART, unless somebody asks for others.
_ART_SELECTION = 32


@dataclass(frozen=True, eq=False)
class Curve:
    """A way with budgets from few draws to many.

    Args:
        draws: Mean per input, selection included, (points, radii).
        counts: Inputs certified at each radius, (points, radii).
        acr: (points,); NaN where it is not what the way is for.
    """

    draws: Floats
    counts: Floats
    acr: Floats


Decide = Callable[..., Decided]


def curves_of(study: Study, name: str, radii: Sequence[float]) -> Iterator[tuple[str, Curve]]:
    """Every way with its curve.

    Raises:
        MissingEvidenceError: Draws are not all stored.
    """
    spec = study.record.spec
    budgets = budgets_up_to(spec.n_p[-1])
    analysis = _analysed(study, name, n_p=budgets, bound="joint")
    for key in ("rs", "iss", "irs", "cirs"):
        yield key, _of_method(analysis, name, key, radii)
    split = _analysed(study, name, n_p=budgets, bound="split")
    yield "split", _of_method(split, name, "cirs", radii)
    one = next(found for found in observed_models(study) if found.name == name)
    yield "seq", _of_seq(study, name, radii, budgets)
    yield "art", _of_art(one, analysis.labels, budgets, radii)
    hits = _fresh_hits(one, spec.n0)
    yield "stages", _of_rule(one, hits, decide_in_stages, stage_sizes, radii)
    yield "union", _of_rule(one, hits, decide_by_union, union_sizes, radii)
    yield "betting", _of_rule(one, hits, decide_by_betting, _every_draw, radii)


def budgets_up_to(most: int) -> tuple[int, ...]:
    """Budgets of each curve, increasing."""
    found = np.rint(np.geomspace(min(_FEWEST, most), most, _POINTS))
    return tuple(int(one) for one in np.unique(found))


def _every_draw(most: int) -> Ints:
    return np.arange(1, most + 1)


def _analysed(study: Study, name: str, **changes: Any) -> Analysis:
    """The study as if it had been made with other budgets or another bound, of one model.

    Every way gets the whole level at every point and is asked for the radius itself, whatever the
    study was made for.
    """
    record = study.record
    plain: dict[str, Any] = {
        "split_draws": None,
        "max_loss": None,
        "looks": False,
        "tolerance": 0.0,
        "convention": ONE_SIDED,
    }
    spec = replace(record.spec, **(plain | changes))
    models = tuple(one for one in record.models if one.name in (BASE, name))
    compressions = tuple(one for one in spec.compressions if str(one) == name)
    spec = replace(spec, compressions=compressions)
    counted = count_study(replace(study, record=replace(record, spec=spec, models=models)))
    return Analysis(counted, Settings.of(spec))


def _of_method(analysis: Analysis, name: str, method: str, radii: Sequence[float]) -> Curve:
    definition = methods.get(method)
    case = analysis.case(name)
    made = [definition.certify(case, point) for point in range(len(definition.points(case)))]
    return _curve(made, analysis.labels, radii)


def _curve(made: Sequence[Certificates], labels: Ints, radii: Sequence[float]) -> Curve:
    draws = np.array([one.n_samples.mean() for one in made])
    counts = np.array([[np.count_nonzero(one.radius >= r) for r in radii] for one in made])
    acr = np.array([metrics.counted_radii(one, labels).mean() for one in made])
    spread = np.broadcast_to(draws[:, None], counts.shape)
    return Curve(spread, counts.astype(np.float64), acr)


def _of_seq(study: Study, name: str, radii: Sequence[float], budgets: tuple[int, ...]) -> Curve:
    """Each radius is a question of its own; the budgets are the most that an input may take."""
    found = []
    for radius in radii:
        analysis = _analysed(study, name, n_p=budgets, methods=("irs", "seq"), radii=(radius,))
        found.append(_of_method(analysis, name, "seq", (radius,)))
    return Curve(
        np.concatenate([one.draws for one in found], axis=1),
        np.concatenate([one.counts for one in found], axis=1),
        np.full(len(budgets), np.nan),
    )


def _fresh_hits(one: Observed, selection: int) -> Ints:
    """Of the first fresh draws, on how many f^p gave the class of its selection draws,
    (inputs, draws)."""
    rows = one.original.reported
    selected, drawn = (
        one.read("scratch-select", selection),
        one.read("scratch-estimate", one.spec.n_p[-1]),
    )
    if gaps_of(selected[rows]).any() or gaps_of(drawn[rows]).any():
        raise MissingEvidenceError(
            f"the draws of {one.name} from scratch are not all stored; run the study with the RS "
            "baseline to have them"
        )
    candidate = winners(selected[rows])
    return np.cumsum(drawn[rows] == candidate[:, None], axis=1, dtype=np.int64)


def _of_art(one: Observed, labels: Ints, budgets: Sequence[int], radii: Sequence[float]) -> Curve:
    spec = one.spec
    first = min(_ART_SELECTION, spec.n0)
    hits = _fresh_hits(one, first)
    candidate = winners(one.read("scratch-select", first)[one.original.reported])
    made = [
        certify_rs_hits(
            candidate,
            hits[:, n - 1],
            n0=first,
            n=n,
            alpha=spec.alpha + spec.alpha_zeta,
            sigma=spec.noise.sigma,
        )
        for n in budgets
    ]
    return _curve(made, labels, radii)


def _of_rule(
    one: Observed,
    hits: Ints,
    decide: Decide,
    sizes: Callable[[int], Ints],
    radii: Sequence[float],
) -> Curve:
    """A rule that answers at a radius, with budgets as the most that an input may take."""
    spec = one.spec
    budgets = budgets_up_to(spec.n_p[-1])
    draws, counts = np.zeros((2, len(budgets), len(radii)))
    for at, most in enumerate(budgets):
        looks = sizes(most)
        for column, radius in enumerate(radii):
            found = decide(
                hits[:, looks - 1],
                looks,
                threshold=threshold_of(radius, spec.noise.sigma),
                alpha=spec.alpha + spec.alpha_zeta,
            )
            draws[at, column] = found.draws.mean() + spec.n0
            counts[at, column] = np.count_nonzero(found.certified)
    return Curve(draws, counts, np.full(len(budgets), np.nan))
