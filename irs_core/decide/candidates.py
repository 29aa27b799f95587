"""Several compressed models, several tolerances: what choosing costs."""

from collections.abc import Callable, Iterable, Mapping

from irs_core.decide.noninferiority import p_value_fails, p_value_holds
from irs_core.decide.requirement import Requirement
from irs_core.decide.routes import Routes
from irs_core.decide.statements import Measured, Split
from irs_core.decide.verdict import Decision, decide
from irs_core.errors import SpecError


def which_hold(
    requirement: Requirement,
    routes: Mapping[str, Routes],
    measured: Mapping[str, Measured] | None = None,
    *,
    titles: Mapping[str, str] | None = None,
    noun: str = "images",
) -> dict[str, Decision]:
    """Which of K models may ship, by Holm's procedure; *fails* is never said.

    With probability at least the confidence, every model that is said to hold does; printed bounds
    get a K-th each. Inputs must have noise of their own; nothing else is assumed about how the
    models depend on each other.

    Args:
        requirement: One for all.
        routes: By name of the model, at least one.
        measured: By name, where known.
        titles: By name, what people call them; their names without it.
        noun: As for `decide`.

    Raises:
        SpecError: There is no model.
    """
    if not routes:
        raise SpecError("a decision needs at least one model; got none")
    known, called = measured or {}, titles or {}
    values = {
        name: _p_value(requirement, one, known.get(name, Measured()))
        for name, one in routes.items()
    }
    levels = holm_levels(values, requirement.beta)
    bounds = requirement.beta / len(routes)
    return {
        name: decide(
            requirement,
            called.get(name, name),
            one,
            known.get(name),
            split=Split(
                holds=levels.get(name, bounds), fails=None, bounds=bounds, candidates=len(routes)
            ),
            noun=noun,
        )
        for name, one in routes.items()
    }


def holm_levels(p_values: Mapping[str, float], beta: float) -> dict[str, float]:
    """The hypotheses that Holm's procedure rejects, each with the level it was rejected at.

    The chance that any true hypothesis is among them is at most `beta`, under any dependence.

    Args:
        p_values: By name.
        beta: Familywise error.

    Source:
        Holm 1979.
    """
    rejected: dict[str, float] = {}
    ordered = sorted(p_values, key=lambda name: p_values[name])
    for done, name in enumerate(ordered):
        level = beta / (len(ordered) - done)
        if p_values[name] > level:
            break
        rejected[name] = level
    return rejected


def smallest_tolerance(holds: Callable[[float], bool], tolerances: Iterable[float]) -> float | None:
    """The smallest tolerance that holds, walking down from the largest to the first that does not.

    Costs nothing beyond one test's failure probability: a wrong *holds* anywhere on the way needs
    one at the largest tolerance that truly does not hold, the first one that can go wrong. Radius
    and limit are the same all the way, and the tolerances were listed beforehand.

    Args:
        holds: The verdict at a tolerance, each at the full failure probability.
        tolerances: In any order.

    Returns:
        None where not even the largest holds.
    """
    smallest = None
    for tolerance in sorted(set(tolerances), reverse=True):
        if not holds(tolerance):
            break
        smallest = tolerance
    return smallest


def _p_value(requirement: Requirement, routes: Routes, measured: Measured) -> float:
    """The least failure probability at which all statistical limits hold."""
    values = [0.0]
    n = len(routes)
    if requirement.max_loss is not None:
        values.append(
            p_value_holds(
                int(routes.may_lose.sum()), n, max_share=requirement.max_loss, level=routes.level
            )
        )
    if requirement.min_certified is not None:
        values.append(
            p_value_fails(
                int(routes.certified.sum()),
                n,
                max_share=requirement.min_certified,
                level=routes.claimed_level,
            )
        )
    if requirement.min_accuracy is not None and measured.right is not None and measured.right_of:
        values.append(
            p_value_fails(
                measured.right, measured.right_of, max_share=requirement.min_accuracy, level=0.0
            )
        )
    return max(values)
