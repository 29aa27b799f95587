"""May a compressed model replace the original? With what is stored, or drawn for the question."""

from dataclasses import replace
from functools import partial
from typing import Any

from irs_core.analysis.decisions import preset_requirement, study_decision
from irs_core.api.studies import Result, opened
from irs_core.decide import Decision, Requirement
from irs_core.errors import SpecError
from irs_core.goals.deciding import Limits, deciding_spec, run_deciding
from irs_core.run.named import named_compressions
from irs_core.run.options import RunOptions
from irs_core.run.study import run_study
from irs_core.store import BASE


def decide(
    result: Result,
    name: str,
    *,
    run: bool = False,
    draws: float | None = None,
    seconds: float | None = None,
    options: RunOptions | None = None,
    **limits: Any,
) -> Decision:
    """May a compressed model of the study replace its original?

    Args:
        name: The compressed model's name; with `run` any compression, also one that the study
            does not have. `base` is the original alone, of which `min_certified` can be asked with
            `max_loss=None`.
        run: Draw what is missing, input by input, until the requirement is settled; the draws
            stay in the store, as a study of their own.
        draws: With `run`: about so many draws per input at most.
        seconds: With `run`: at most about so long.
        options: With `run`: how to run.
        limits: As in `Requirement`: radius, tolerance, max_loss, confidence, min_certified, ...;
            without a radius those of `preset_requirement`.

    Returns:
        The verdict: `holds`, `fails` or `undecided`, with its reasons.

    Raises:
        IrsError: A limit breaks a rule, the study has no such compressed model, or it cannot run.

    Example:
        >>> from irs_core.api import open_study
        >>> decide(open_study("f6529b"), "int8", radius=0.5, tolerance=0.05)
        Decision(int8: holds; loss-holds)
    """
    preset = preset_requirement(result.record.spec.noise.sigma)
    asked = limits if "radius" in limits else {**preset.to_json(), **limits}
    requirement = Requirement.from_json(asked)
    if run:
        bounds = Limits(draws, seconds)
        result, name = _with_draws(result, name, requirement, bounds, options or RunOptions())
    elif draws is not None or seconds is not None:
        raise SpecError("draws and seconds limit a run; say run=True as well")
    return study_decision(result.record, result.analysis, name, requirement)


def _with_draws(
    result: Result, name: str, requirement: Requirement, limits: Limits, options: RunOptions
) -> tuple[Result, str]:
    """The study whose draws decide, and the model's name in it."""
    spec, library = result.record.spec, result.library
    library.take_over(result.study)
    compression = None
    if name != BASE:
        (compression,) = named_compressions(
            [name], data=spec.data, num_classes=spec.model.num_classes
        )
    # Whoever wrote the study named its original; nothing that is stored is run as code.
    run = partial(run_study, options=replace(options, programs=False))
    wanted = deciding_spec(spec, compression, requirement)
    asked = BASE if compression is None else str(compression)
    made = run_deciding(wanted, asked, requirement, library, run, limits=limits)
    # The last of its models: the only compressed one, or the original alone.
    return opened(made, library), made.record.models[-1].name
