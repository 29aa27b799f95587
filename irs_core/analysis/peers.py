"""Ways to certify a compressed model, on the same stored draws: what each needs for one result.

Results are the numbers of inputs that are certified at a radius, and ACRs; the same for all, taken
from certifying from scratch (RS) as Cohen et al. did. Every way is run with budgets from few draws
to the study's largest n_p, and the least draws that reach a result are read off, interpolated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.analysis.peer_curves import Curve, budgets_up_to, curves_of
from irs_core.analysis.tables import usual_radii
from irs_core.errors import MissingEvidenceError, UnknownKeyError
from irs_core.spec.outward import down
from irs_core.store import Study

Floats = NDArray[np.float64]
# Part of the inputs that RS certifies at a radius with all draws: the last few take many more.
_SHARE = 0.95
# Parts of the largest n_p whose ACR from scratch is to be reached.
_ACR_AT = (0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Goal:
    """A result that every way is to reach.

    Args:
        words: What is reached, for people.
        radius: Inputs are certified at it, pixel units; None where an ACR is reached.
        value: How many inputs, or the ACR.
    """

    words: str
    radius: float | None
    value: float


@dataclass(frozen=True)
class Peer:
    """A way to certify, and what it needs.

    Args:
        name: As people write it.
        idea: What it does, and whose idea it is.
        loop: Whose loop draws: `engine`, `published` or `art`.
        draws: Mean draws per input for each goal, selection included; NaN where the largest budget
            does not reach it, or where the way has no such result.
    """

    name: str
    idea: str
    loop: str
    draws: tuple[float, ...]


@dataclass(frozen=True)
class Peers:
    """All ways on one compressed model.

    Args:
        study: Id of the study.
        title: Of the study.
        model: The compressed model's title.
        inputs: Reported inputs.
        most: The largest budget.
        level: Failure probability per input, the same for all but IRS, which claims it and proves
            more.
    """

    study: str
    title: str
    model: str
    inputs: int
    most: int
    level: float
    goals: tuple[Goal, ...]
    rows: tuple[Peer, ...]


def compare_peers(study: Study, name: str) -> Peers:
    """All ways to certify one compressed model of a study.

    Raises:
        UnknownKeyError: The study has no such compressed model.
        MissingEvidenceError: The study has no baseline, or draws of the model are not all stored.
    """
    record = study.record
    titles = {one.name: one.title for one in record.compressed}
    if name not in titles:
        raise UnknownKeyError(
            f"peers are compared on a compressed model, {', '.join(titles)}; got {name!r}"
        )
    spec = record.spec
    if not spec.baseline:
        raise MissingEvidenceError(
            f"ways to certify are compared with certifying from scratch, and study {record.id} was "
            f"made without that baseline (methods: {', '.join(spec.methods)}): name a study with it"
        )
    radii = usual_radii(spec.noise.sigma)
    found = dict(curves_of(study, name, radii))
    first = found["rs"]
    goals = tuple(_goals(first, radii, spec.n_p[-1]))
    return Peers(
        study=record.id,
        title=record.title,
        model=titles[name],
        inputs=sum(record.data.reported),
        most=spec.n_p[-1],
        level=spec.alpha + spec.alpha_zeta,
        goals=goals,
        rows=tuple(
            Peer(title, idea, loop, _least(found[key], goals, radii))
            for key, (title, idea, loop) in WAYS.items()
        ),
    )


WAYS: Mapping[str, tuple[str, str, str]] = {
    "rs": ("RS", "a fixed number of draws, in the published loop (Cohen et al. 2019)", "published"),
    "art": ("ART", "the same with 32 selection draws, as the toolbox does", "art"),
    "stages": (
        "stages",
        "three stages at a radius that share the level (after Horvath et al. 2022)",
        "engine",
    ),
    "union": ("union", "looks without end at a radius (after Voracek 2024)", "engine"),
    "betting": ("betting", "a look at every draw at a radius (after Voracek 2024)", "engine"),
    "iss": ("ISS", "fewer draws where more would hardly help (Chen et al. 2022)", "engine"),
    "irs": ("IRS", "reuses the original's draws (Ugare et al. 2024)", "engine"),
    "split": ("CIRS, split", "reuses them with a budget per input, alpha divided", "engine"),
    "cirs": ("CIRS", "the same by the joint bound", "engine"),
    "seq": ("seq", "reuses them at a radius and stops as soon as it is known", "engine"),
}


def _goals(first: Curve, radii: Sequence[float], most: int) -> Iterator[Goal]:
    """Most of what RS certifies at each radius with all draws, and its ACR with parts of them."""
    for column, radius in enumerate(radii):
        count = float(np.ceil(_SHARE * first.counts[-1, column]))
        if not count:
            # Nothing to reach: every way would have it with its first draws.
            continue
        yield Goal(f"{count:.0f} inputs at {radius:g}", radius, count)
    budgets = np.array(budgets_up_to(most))
    for part in _ACR_AT:
        at = int(np.argmin(np.abs(budgets - part * most)))
        yield Goal(f"ACR {down(float(first.acr[at]))}", None, float(first.acr[at]))


def _least(curve: Curve, goals: Sequence[Goal], radii: Sequence[float]) -> tuple[float, ...]:
    found = []
    for goal in goals:
        if goal.radius is None:
            found.append(least_draws(curve.draws[:, 0], curve.acr, goal.value))
            continue
        column = list(radii).index(goal.radius)
        found.append(least_draws(curve.draws[:, column], curve.counts[:, column], goal.value))
    return tuple(found)


def least_draws(draws: Floats, reached: Floats, goal: float) -> float:
    """The least draws at which a curve reaches a goal, interpolated between its points.

    Args:
        draws: Of each point, (points,).
        reached: By each point, (points,); what more draws lose again counts as kept.

    Returns:
        NaN where no point reaches it.
    """
    order = np.argsort(draws, kind="stable")
    x, y = draws[order], np.maximum.accumulate(reached[order])
    enough = np.flatnonzero(y >= goal)
    if not len(enough):
        return float("nan")
    at = int(enough[0])
    if at == 0 or y[at] == y[at - 1]:
        return float(x[at])
    part = (goal - y[at - 1]) / (y[at] - y[at - 1])
    return float(x[at - 1] + part * (x[at] - x[at - 1]))
