"""IRS: incremental randomized smoothing (Ugare et al. 2024, Algorithms 2 and 3)."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from irs_core.certify import Certificates, build_cache, certify_irs
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.counting import count_classes
from irs_core.methods.kit.counts import UNKNOWN, Floats, Ints, require_known
from irs_core.methods.kit.method import Branches, MethodDef, Style
from irs_core.methods.kit.observed import Observed, Original, Wish
from irs_core.spec.study import Stream, StudySpec

# Every input that may be in the direct branch is in it.
_LEAST_GAMMA = float(np.nextafter(0.5, 1.0))


def _stages(models: Sequence[Observed]) -> Iterator[list[Wish]]:
    """The first n_p draws of f again, or fresh ones.

    With a baseline everything is drawn, so that gamma can be moved; without it, each input draws
    for its own branch alone.
    """
    wishes = []
    for one in models:
        n_p, inputs = one.spec.n_p[-1], len(one.original.reported)
        direct = (
            np.zeros(inputs, np.bool_)
            if one.spec.baseline
            else _direct_branch(one.spec, one.original)
        )
        wishes.append(Wish(one.name, "estimate", np.where(direct, 0, n_p)))
        wishes.append(Wish(one.name, "scratch-estimate", np.where(direct, n_p, 0)))
    yield wishes


def _direct_branch(spec: StudySpec, original: Original) -> NDArray[np.bool_]:
    selection, estimation = original.selection, original.estimation
    classes = 1 + int(max(selection.max(), estimation.max()))
    cache = build_cache(
        count_classes(selection, classes),
        count_classes(estimation, classes),
        n0=spec.n0,
        n=spec.n,
        alpha=spec.alpha,
    )
    return np.asarray(cache.p_lower >= spec.gamma)


def _expected(spec: StudySpec) -> Mapping[Stream, int]:
    # Without the baseline an input draws on one of two streams, and is counted once.
    return {"estimate": spec.n_p[-1]}


def _certify(case: Case, point: int) -> Certificates:
    disagreements, fresh = _counts(case, point)
    needed = np.where(_takes_direct(case), fresh, disagreements)
    require_known(needed, case.name, METHOD.title, METHOD.asked_with)
    return _at_gamma(case, point, case.settings.gamma)


def _counts(case: Case, point: int) -> tuple[Ints, Ints]:
    counts, rows = case.counts, case.rows
    return counts.disagreements[rows, point], counts.fresh_hits[rows, point]


def _takes_direct(case: Case) -> NDArray[np.bool_]:
    return np.asarray(case.cache.p_lower >= case.settings.gamma)


def _at_gamma(case: Case, point: int, gamma: float) -> Certificates:
    """Certificates in which missing draws count as none: to be checked or left out."""
    disagreements, fresh = _counts(case, point)
    return certify_irs(
        case.cache,
        disagreements=np.where(disagreements == UNKNOWN, 0, disagreements),
        fresh_hits=np.where(fresh == UNKNOWN, 0, fresh),
        n_p=case.budgets[point],
        alpha_zeta=case.settings.alpha_zeta,
        gamma=gamma,
        sigma=case.tally.sigma,
    )


def _both(case: Case, point: int) -> tuple[tuple[Certificates, NDArray[np.bool_]], ...]:
    extremes = zip((1.0, _LEAST_GAMMA), _counts(case, point), strict=True)
    return tuple(
        (_at_gamma(case, point, gamma), np.asarray(needed != UNKNOWN)) for gamma, needed in extremes
    )


def _seconds(case: Case, point: int) -> Floats:
    counts, rows = case.counts, case.rows
    paired, fresh = counts.paired_seconds[rows, point], counts.fresh_seconds[rows, point]
    return np.asarray(np.where(_takes_direct(case), fresh, paired))


METHOD = MethodDef(
    name="irs",
    title="IRS",
    phrase="incremental",
    sentence="Incremental randomized smoothing (Ugare et al. 2024): reuses the original's draws "
    "and pays for the share ζ on which the compressed model answers differently.",
    asked_with="the method IRS",
    style=Style("solid", "circle", "model"),
    order=1,
    standing=1,
    # The bound on p_A and zeta share draws near gamma; see `certify_irs`.
    proven=lambda settings: settings.alpha + 2 * settings.alpha_zeta,
    stages=_stages,
    expected=_expected,
    certify=_certify,
    seconds=_seconds,
    branches=Branches(_both, _takes_direct),
    price="ζ",
    reused="The original's bound {base} less ζ, at most {lost}, is at least {bound}",
)
