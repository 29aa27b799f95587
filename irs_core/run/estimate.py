"""What a study will take, before it is started. Free of torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from irs_core.errors import StoreError
from irs_core.run.options import Part, RunOptions, Until
from irs_core.run.plan import expected_draws
from irs_core.run.timings import Timings, classifier_kind, setup_kind
from irs_core.spec.study import Stream, StudySpec
from irs_core.store import BASE, ModelRecord, Study


@dataclass(frozen=True)
class Estimate:
    """Cost of a study.

    Args:
        draws: Forward passes that it needs.
        stored: How many of them are stored already.
        seconds: Predicted time of the rest, from the measured rates of the same model and
            compressions; None where nothing was measured.
        setup: Seconds until the first draw, as it took before; None where that is not known.
    """

    draws: int
    stored: int
    seconds: float | None
    setup: float | None = None

    @property
    def whole(self) -> float | None:
        """Seconds with setting up, as far as known; None where no rate is."""
        return None if self.seconds is None else self.seconds + (self.setup or 0.0)


def estimate_study(
    spec: StudySpec,
    inputs: int,
    studies: Sequence[Study],
    until: Until = "end",
    timings: Timings | None = None,
    options: RunOptions | None = None,
) -> Estimate:
    """Draws needed, draws stored and time left, judged by what is in the store.

    A compression that was never run here is taken to cost what the original costs.

    Args:
        inputs: Reported and held-out inputs together.
        studies: All known studies; those of the same model give rates, and those of the same
            inputs and noise as well give stored draws.
        until: How far the study is to run.
        timings: What runs in the store took.
        options: How it is to be run; None for the usual way.
    """
    options = options or RunOptions()
    same = [study for study in studies if study.record.spec.model == spec.model]
    # Another machine's rates serve only where this one has none.
    kin = sorted(same, key=lambda study: study.shipped)
    known = {name: _rate(name, kin) for name, _, _ in expected_draws(spec, until)}
    rates = known if timings is None else _with_timings(known, spec, timings, options)
    parts = missing_draws(spec, inputs, studies, until)
    seconds = 0.0
    for part in parts:
        rate = rates[part.name] if rates[part.name] is not None else rates[BASE]
        seconds += (part.needed - part.done) * (rate or 0.0)
    return Estimate(
        sum(part.needed for part in parts),
        sum(part.done for part in parts),
        None if rates[BASE] is None else seconds,
        _setup(spec, timings, options) if timings is not None else None,
    )


def missing_draws(
    spec: StudySpec, inputs: int, studies: Sequence[Study], until: Until = "end"
) -> tuple[Part, ...]:
    """Draws needed and stored, by classifier and stream; see `estimate_study`."""
    twins = [study for study in studies if _same_draws(study, spec)]
    found = list[Part]()
    for name, stream, draws in expected_draws(spec, until):
        needed = inputs * draws
        have = min(needed, max((_stored(s, name, stream, draws) for s in twins), default=0))
        found.append(Part(name, stream, have, needed))
    return tuple(found)


def _setup(spec: StudySpec, timings: Timings, options: RunOptions) -> float | None:
    """Seconds until the first draw, by what it took before; anew if it was never kept."""
    known = (timings.setups.get(setup_kind(spec, options, kept=kept)) for kept in (True, False))
    return next((one for one in known if one is not None), None)


def _with_timings(
    rates: Mapping[str, float | None], spec: StudySpec, timings: Timings, options: RunOptions
) -> dict[str, float | None]:
    """Rates of whole runs, writing included, where there are some; the others as they are."""
    return {
        name: timings.rates.get(classifier_kind(spec, name, options), rate)
        for name, rate in rates.items()
    }


def _same_draws(study: Study, spec: StudySpec) -> bool:
    own = study.record.spec
    # A bundle's draws are never extended, so they do not count as stored.
    same = (own.model, own.data, own.noise) == (spec.model, spec.data, spec.noise)
    return same and not study.shipped


def _model(study: Study, name: str) -> ModelRecord | None:
    return next((model for model in study.record.models if model.name == name), None)


def _stored(study: Study, name: str, stream: Stream, draws: int) -> int:
    model = _model(study, name)
    if model is None or stream not in model.evidence:
        return 0
    try:
        array = study.evidence(model.evidence[stream])
    except StoreError:
        return 0
    return int(np.count_nonzero(array.read(draws) != array.missing))


def _rate(name: str, kin: Sequence[Study]) -> float | None:
    for study in kin:
        model = _model(study, name)
        if model is None:
            continue
        try:
            seconds = study.evidence(model.evidence["estimate"]).seconds_per_draw(1)
        except StoreError:
            continue
        if not np.isnan(seconds).all():
            return float(np.median(seconds[~np.isnan(seconds)]))
    return None
