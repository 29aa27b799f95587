"""Which studies at hand rest on the same draws, and which came first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from irs_core import methods
from irs_core.spec.compressions import identity
from irs_core.spec.study import StudySpec
from irs_core.store import StudyRecord

# What decides about draws and not about their law.
_ANY_DRAWS: Mapping[str, Any] = {"seed": 0, "generator": "sfc64"}


def seen(record: StudyRecord) -> bool:
    """Whether a study's results could be seen, finished or not."""
    spec = record.spec
    anytime = any(one.anytime is not None for one in methods.asked(spec))
    return record.finished or spec.looks or anytime


def same_subject(one: StudySpec, other: StudySpec) -> bool:
    """Whether two studies are of the same model, inputs and law of noise."""
    return (
        one.model == other.model
        # An input keeps its noise when further ones follow it.
        and replace(one.data, max=None, holdout=0) == replace(other.data, max=None, holdout=0)
        and replace(one.noise, **_ANY_DRAWS) == replace(other.noise, **_ANY_DRAWS)
    )


def _same_draws(one: StudySpec, other: StudySpec) -> bool:
    """Whether two studies of the same subject draw the same noise."""
    return one.noise == other.noise


def repeats(one: StudySpec, other: StudySpec) -> bool:
    """Whether two studies certify a common model on the same inputs with other draws."""
    return (
        same_subject(one, other)
        and not _same_draws(one, other)
        and bool(_compressed(one) & _compressed(other))
    )


def piloted(pilots: Iterable[StudyRecord], spec: StudySpec, records: Sequence[StudyRecord]) -> bool:
    """Whether a pilot made forecasts from a study's draws before the study was begun.

    Every study for CIRS leaves the record of a pilot behind, of the same date; it counts as one
    where no study at hand is of that date.
    """
    own = next((one for one in records if one.id == spec.id), None)
    dates = {one.created for one in records}
    return any(
        same_subject(one.spec, spec)
        and _same_draws(one.spec, spec)
        and one.created not in dates
        and before(one, own)
        for one in pilots
    )


def shares(record: StudyRecord, spec: StudySpec) -> bool:
    """Whether a study drew noise that another would draw again, and not as the same statement.

    A further compressed model on the very cache of the original repeats no statement. With
    another cache it does: that of the original, on which all certificates rest.
    """
    one = record.spec
    same = same_subject(one, spec) and _same_draws(one, spec)
    both = bool(_compressed(one) & _compressed(spec)) or not spec.compressions
    return same and (both or _cache(one) != _cache(spec))


def _cache(spec: StudySpec) -> tuple[object, ...]:
    """What decides the original's bounds, of which CIRS takes a part of both levels."""
    return spec.n0, spec.n, spec.alpha, spec.alpha_zeta, spec.original_stops


def _compressed(spec: StudySpec) -> set[str]:
    return {identity(one) for one in spec.compressions}


def before(record: StudyRecord, own: StudyRecord | None) -> bool:
    """Whether a study began before another one, or the other has not begun."""
    if own is None:
        return True
    return datetime.fromisoformat(record.created) < datetime.fromisoformat(own.created)
