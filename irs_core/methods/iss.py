"""ISS: input-specific sampling from scratch (Chen et al. 2022), with separate draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from irs_core.certify import Certificates, certify_iss
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.counting import count_classes, row_counts, times, winners
from irs_core.methods.kit.counts import UNKNOWN, Floats, Ints, require_known
from irs_core.methods.kit.method import MethodDef, Style
from irs_core.methods.kit.observed import Observed, Wish, all_stored, gaps_of
from irs_core.spec.study import Stream, StudySpec
from irs_core.stats import iss_allocation


@dataclass(frozen=True)
class IssTally:
    """Counts of one compressed classifier under input-specific sampling from scratch.

    Args:
        sizes: Sample sizes, with n_p as the size whose radius is wanted, (inputs, budgets).
        hits: How many of so many fresh draws gave f^p's own candidate, (inputs, budgets).
        seconds: Time of these draws, (inputs, budgets).
    """

    sizes: Ints
    hits: Ints
    seconds: Floats


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


def _stages(models: Sequence[Observed]) -> Iterator[list[Wish]]:
    """f^p's selection draws, then as many fresh ones as they ask for; the baseline has both."""
    if not models or models[0].spec.baseline:
        return
    everyone = np.ones(len(models[0].original.reported), np.int64)
    yield [Wish(one.name, "scratch-select", everyone * one.spec.n0) for one in models]
    yield [Wish(one.name, "scratch-estimate", _wanted(one)) for one in models]


def _wanted(one: Observed) -> Ints:
    selected = one.read("scratch-select", one.spec.n0)
    top = count_classes(selected, 1 + int(selected.max())).max(axis=1)
    return np.where(one.original.reported, iss_sizes(one.spec, top).max(axis=1), 0)


def _expected(spec: StudySpec) -> Mapping[Stream, int]:
    return {"scratch-estimate": spec.n_p[-1], "scratch-select": spec.n0}


def _count(one: Observed) -> IssTally:
    spec = one.spec
    selected, drawn = (
        one.read("scratch-select", spec.n0),
        one.read("scratch-estimate", spec.n_p[-1]),
    )
    complete = all_stored(selected)
    candidate = winners(np.where(complete[:, None], selected, 0))
    agreeing = np.count_nonzero(selected == candidate[:, None], axis=1)
    sizes = iss_sizes(spec, np.where(complete, agreeing, spec.n0))
    counts = row_counts(drawn == candidate[:, None], gaps_of(drawn), sizes)
    seconds = times(one.rate("scratch-estimate", spec.n_p[-1]), sizes)
    return IssTally(sizes, np.where(complete[:, None], counts, UNKNOWN), seconds)


def _own(case: Case) -> IssTally:
    found: IssTally = case.counts.own[METHOD.name]
    return found


def _certify(case: Case, point: int) -> Certificates:
    counts, rows, own = case.counts, case.rows, _own(case)
    return certify_iss(
        counts.scratch_candidate[rows],
        counts.scratch_selected[rows],
        require_known(own.hits[rows, point], case.name, METHOD.title, METHOD.asked_with),
        own.sizes[rows, point],
        k0=case.tally.n0,
        alpha=case.level,
        sigma=case.tally.sigma,
    )


def _seconds(case: Case, point: int) -> Floats:
    return np.asarray(_own(case).seconds[case.rows, point] + case.counts.select_seconds[case.rows])


METHOD = MethodDef(
    name="iss",
    title="ISS",
    phrase="from scratch with fewer draws",
    sentence="Input-specific sampling (Chen et al. 2022): from scratch, with fewer draws where "
    "more would hardly raise the radius.",
    asked_with="the method ISS",
    style=Style("dot", "square-open", "neutral"),
    order=2,
    standing=2,
    proven=lambda settings: settings.alpha + settings.alpha_zeta,
    stages=_stages,
    expected=_expected,
    certify=_certify,
    seconds=_seconds,
    counts=IssTally,
    count=_count,
)
