"""May a compressed model replace the original? With what is stored, or drawn for the question."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from irs_core.analysis.decisions import preset_requirement, study_decision
from irs_core.analysis.family import candidates_of, chosen, hold_together
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
    requirement = _requirement(result, limits)
    if run:
        bounds = Limits(draws, seconds)
        result, name = _with_draws(result, name, requirement, bounds, options or RunOptions())
    elif draws is not None or seconds is not None:
        raise SpecError("draws and seconds limit a run; say run=True as well")
    return study_decision(result.record, result.analysis, name, requirement)


def decide_together(
    results: Sequence[Result], names: Sequence[str] | None = None, **limits: Any
) -> dict[str, Decision]:
    """Which compressed models of some studies may replace their original, all of them at once?

    With probability at least the confidence, every model that is said to hold does, also for
    whoever picks one by its results (Holm 1979); that a model fails is said by `decide` alone. The
    candidates were chosen before their results were seen.

    Args:
        results: Studies that share the original, the inputs and the noise; at least one.
        names: Names of the candidates, or `STUDY:NAME`; None for all compressed models whose draws
            are there.
        limits: As for `decide`.

    Returns:
        The decisions by name, by `STUDY:NAME` where there are several studies.

    Raises:
        IrsError: A limit breaks a rule, a name is unknown, or the studies do not share these.

    Example:
        >>> from irs_core.api import open_study
        >>> found = decide_together([open_study("5d4e46"), open_study("45fc92")], max_loss=0.02)
        >>> len(found), found["45fc92:int8"]
        (8, Decision(int8 (study 45fc92): holds; loss-holds))
    """
    if not results:
        raise SpecError("a decision needs at least one study; got none")
    found = candidates_of([(one.record, one.analysis.one_sided) for one in results])
    return hold_together(chosen(found, names), _requirement(results[0], limits))


def _requirement(result: Result, limits: Mapping[str, Any]) -> Requirement:
    preset = preset_requirement(result.record.spec.noise.sigma)
    asked = limits if "radius" in limits else {**preset.to_json(), **limits}
    return Requirement.from_json(asked)


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
    options = replace(options, programs=False, network=result.record.base.digest)
    run = partial(run_study, options=options)
    wanted = deciding_spec(spec, compression, requirement)
    asked = BASE if compression is None else str(compression)
    made = run_deciding(wanted, asked, requirement, library, run, limits=limits)
    # The last of its models: the only compressed one, or the original alone.
    return opened(made, library), made.record.models[-1].name
