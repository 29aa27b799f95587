"""RS: randomized smoothing from scratch (Cohen et al. 2019), the baseline."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from irs_core.certify import (
    Certificates,
    certify_rs_hits,
    few_selected,
    others_upper,
    with_two_sided,
)
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.counts import Floats, require_known
from irs_core.methods.kit.method import MethodDef, Style
from irs_core.methods.kit.observed import Observed, Wish
from irs_core.spec.study import Stream, StudySpec


def _stages(models: Sequence[Observed]) -> Iterator[list[Wish]]:
    """The first n_p fresh draws and the selection draws, of every input."""
    yield [
        Wish(one.name, stream, np.full(len(one.original.reported), draws))
        for one in models
        for stream, draws in _expected(one.spec).items()
    ]


def _expected(spec: StudySpec) -> Mapping[Stream, int]:
    return {"scratch-estimate": spec.n_p[-1], "scratch-select": spec.n0}


def _certify(case: Case, point: int) -> Certificates:
    made = _at_level(case, point, case.level)
    if not case.two_sided:
        return made
    counts, rows = case.counts, case.rows
    few = few_selected(counts.scratch_selected[rows], case.tally.n0)
    most = counts.scratch_other[rows, point, None]
    others = others_upper(most, case.budgets[point], case.level / 2)
    return with_two_sided(made, _at_level(case, point, case.level / 2), others, few)


def _at_level(case: Case, point: int, level: float) -> Certificates:
    counts, rows = case.counts, case.rows
    hits = counts.scratch_hits[rows, point]
    return certify_rs_hits(
        counts.scratch_candidate[rows],
        require_known(hits, case.name, METHOD.title, METHOD.asked_with),
        n0=case.tally.n0,
        n=case.budgets[point],
        alpha=level,
        sigma=case.tally.sigma,
    )


def _seconds(case: Case, point: int) -> Floats:
    counts, rows = case.counts, case.rows
    return np.asarray(counts.fresh_seconds[rows, point] + counts.select_seconds[rows])


METHOD = MethodDef(
    name="rs",
    title="RS",
    phrase="from scratch",
    sentence="Randomized smoothing from scratch (Cohen et al. 2019): the baseline.",
    asked_with="the RS baseline",
    style=Style("dash", "circle-open", "neutral"),
    order=0,
    standing=9,
    proven=lambda settings: settings.alpha + settings.alpha_zeta,
    stages=_stages,
    expected=_expected,
    certify=_certify,
    seconds=_seconds,
    baseline=True,
    two_sided=True,
)
