"""How far a run is before its first draw, by what earlier runs took. Free of torch."""

from irs_core.run.options import Part, Progress, RunOptions
from irs_core.run.plan import expected_draws
from irs_core.run.timings import Timings, classifier_kind, setup_kind
from irs_core.spec.study import StudySpec
from irs_core.store import BASE


def preparing(
    spec: StudySpec, inputs: int, timings: Timings, options: RunOptions, passed: float
) -> Progress:
    """Progress while classifiers are prepared.

    Args:
        inputs: Reported and held-out inputs together.
        options: How the study is run.
        passed: Seconds since preparing began.
    """
    setup = timings.setups.get(setup_kind(spec, options, kept=False))
    drawing = drawing_seconds(spec, inputs, timings, options)
    left = None
    if setup is not None and drawing is not None:
        left = max(0.0, setup - passed) + drawing
    parts = tuple(
        Part(name, stream, 0, inputs * draws) for name, stream, draws in expected_draws(spec)
    )
    total = sum(part.needed for part in parts)
    return Progress("preparing the models", 0, total, 0.0, left, parts)


def drawing_seconds(
    spec: StudySpec, inputs: int, timings: Timings, options: RunOptions
) -> float | None:
    """Seconds of all draws, none stored; None where the original was never run.

    A compressed model that was never run is taken to cost what the original costs.
    """
    base = timings.rates.get(classifier_kind(spec, BASE, options))
    if base is None:
        return None
    return sum(
        inputs * draws * timings.rates.get(classifier_kind(spec, name, options), base)
        for name, _, draws in expected_draws(spec)
    )
