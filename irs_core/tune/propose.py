"""From sensitivities to candidates: mixes that are worth certifying, none of them certified here.

What is proposed depends on images apart from the reported ones, on an objective and on a seed,
never on draws of the certificates: the list is fixed before they begin, so that each candidate
needs one share of the failure probability.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from irs_core.errors import SpecError
from irs_core.spec.compressions import Compression, HalfCompute
from irs_core.spec.mixed import Mixed, Treatment, mixed, parse_treatment
from irs_core.tune.record import Effect, Sensitivity

Objective = Literal["latency", "size", "draws"]
OBJECTIVES: tuple[Objective, ...] = ("latency", "size", "draws")
Proposer = Literal["greedy", "optuna"]
PROPOSERS: tuple[Proposer, ...] = ("greedy", "optuna")

# The treatment that most layers get: the fastest and, with exact accumulation, nearly the smallest.
MAIN = "int8"
# What else layers are measured under. For speed: fewer channels. For size: fewer bits, zeros.
TREATMENTS: dict[Objective, tuple[str, ...]] = {
    "latency": (MAIN, "channels:0.0625+int8", "channels:0.125+int8"),
    "size": (MAIN, "int4", "2:4+int8", "prune:0.3+int8", "lowrank:0.9+int8"),
    "draws": (MAIN, "int4", "prune:0.3+int8"),
}
_COUNTS = (1, 2, 3, 5, 8, 12, 17, 23, 30, 40, 60, 100)
_UNIFORM: dict[Objective, tuple[str, ...]] = {
    "latency": (MAIN,),
    "size": (MAIN, "int4", "2:4+int8", "bf16"),
    "draws": (MAIN, "bf16", "int4"),
}


def greedy(found: Sensitivity, objective: Objective, count: int) -> tuple[Compression, ...]:
    """Uniform candidates, then mixes that exclude the worst layers or press on the best ones.

    For k = 1, 2, 3, 5, ...: int8 but for the k most sensitive layers in 32 bits, and int8 with the
    k least sensitive layers under each further treatment. Treatments take turns.

    Args:
        found: Effects of single layers under the treatments of the objective.
        count: Most candidates, at least 1.

    Raises:
        SpecError: Layers were not measured under int8, or no candidate is asked for.
    """
    if count < 1:
        raise SpecError(f"a search needs at least one candidate; got {count}")
    ranks = {one: found.ranked(one) for one in TREATMENTS[objective] if found.ranked(one)}
    if MAIN not in ranks:
        raise SpecError(f"layers must be measured under {MAIN} first; got {found.treatments}")
    lists = [_excluding(ranks[MAIN]), *(_pressing(r) for one, r in ranks.items() if one != MAIN)]
    return _first(count, uniform(objective), _in_turns(lists))


def uniform(objective: Objective) -> list[Compression]:
    """Candidates that treat all layers alike: what a mix has to beat."""
    made: list[Compression] = [mixed(parse_treatment(one), {}) for one in _UNIFORM[objective]]
    if objective == "latency":
        made.append(HalfCompute("bf16"))
    return made


def _excluding(ranked: Sequence[Effect]) -> Iterator[Compression]:
    """int8 with ever more of the most sensitive layers in 32 bits."""
    for k in _COUNTS:
        if k < len(ranked):
            yield _mix({one.name: Treatment() for one in ranked[:k]})


def _pressing(ranked: Sequence[Effect]) -> Iterator[Compression]:
    """int8 with ever more of the least sensitive layers under a further treatment."""
    for k in (*(one for one in _COUNTS if one < len(ranked)), len(ranked)):
        chosen = ranked[len(ranked) - k :]
        yield _mix({one.name: parse_treatment(one.treatment) for one in chosen})


def _mix(layers: dict[str, Treatment]) -> Mixed:
    return mixed(parse_treatment(MAIN), layers)


def _in_turns(lists: Sequence[Iterator[Compression]]) -> Iterator[Compression]:
    waiting = list(lists)
    while waiting:
        for one in list(waiting):
            made = next(one, None)
            if made is None:
                waiting.remove(one)
            else:
                yield made


def _first(
    count: int, first: Sequence[Compression], rest: Iterator[Compression]
) -> tuple[Compression, ...]:
    found: dict[str, Compression] = {str(one): one for one in first[:count]}
    for one in rest:
        if len(found) >= count:
            break
        found.setdefault(str(one), one)
    return tuple(found.values())


def with_optuna(
    found: Sensitivity, objective: Objective, count: int, *, seed: int, trials: int = 400
) -> tuple[Compression, ...]:
    """Mixes on the front of predicted loss against saved bytes, searched for by Optuna.

    The predicted loss of a mix is the sum of its layers' leave rates. Nothing is run and nothing
    certified: this proposes, from the same measurements as `greedy`.

    Args:
        seed: Of the search; equal ones propose equally.
        trials: Mixes that are looked at.

    Raises:
        SpecError: Optuna is not installed, or layers were not measured.
    """
    try:
        import optuna
    except ImportError:
        raise SpecError(
            "the proposer optuna needs the package of that name: pip install 'irs-dashboard[tune]'"
        ) from None
    options = _options(found, objective)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.NSGAIISampler(seed=seed)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)

    def predicted(suggest: Callable[[str, list[str]], str]) -> tuple[float, float]:
        chosen = [ways[suggest(name, list(ways))] for name, ways in options.items()]
        return sum(one.left for one in chosen), sum(one.saved_bytes for one in chosen)

    study.optimize(lambda trial: predicted(trial.suggest_categorical), n_trials=trials, n_jobs=1)
    best = sorted(study.best_trials, key=lambda one: one.values)
    spread = best[:: max(1, len(best) // count)]
    mixes = (
        _mix({name: parse_treatment(one) for name, one in trial.params.items()}) for trial in spread
    )
    return _first(count, uniform(objective), mixes)


def _options(found: Sensitivity, objective: Objective) -> dict[str, dict[str, Effect]]:
    """What each layer may get, with what that does; measured treatments and 32 bits."""
    options: dict[str, dict[str, Effect]] = {}
    for treatment in TREATMENTS[objective]:
        for one in found.ranked(treatment):
            options.setdefault(one.name, {})[treatment] = one
    if not options:
        raise SpecError("no layer was measured under a treatment of this objective")
    return options


def propose(
    found: Sensitivity, objective: Objective, count: int, *, proposer: Proposer, seed: int
) -> tuple[Compression, ...]:
    """Candidates by the proposer that is asked for; see `greedy` and `with_optuna`.

    Raises:
        SpecError: It is not there, or layers were not measured.
    """
    if proposer == "optuna":
        return with_optuna(found, objective, count, seed=seed)
    return greedy(found, objective, count)
