"""Failure probabilities of a study's certificates: of one, and of several together."""

from collections.abc import Sequence

from irs_core import methods
from irs_core.methods import MethodDef
from irs_core.methods.kit.cirs_plan import look_weights, points
from irs_core.spec.convention import ONE_SIDED
from irs_core.spec.settings import Settings
from irs_core.spec.study import StudySpec


def proven(spec: StudySpec, settings: Settings) -> float:
    """Of one certificate, under the weakest method that the study draws for."""
    if spec.noise.kind == "discrete":
        return 1.0
    if not spec.compressions:
        return settings.alpha
    return max(method.proven(settings) for method in methods.asked(spec))


def chosen(spec: StudySpec, settings: Settings) -> float:
    """Of one input's certificates of all compressed models together; may exceed 1."""
    return max(1, len(spec.compressions)) * proven(spec, settings)


def curves(spec: StudySpec, settings: Settings) -> tuple[int, float]:
    """How many points a model's curves have, and what they may fail with together."""
    if not spec.compressions:
        return 1, proven(spec, settings)
    count, total = 0, 0.0
    for method in shown(spec):
        if method.anytime is not None:
            count, total = count + 1, total + method.proven(settings)
            continue
        sizes = points(spec) if method.plans else spec.n_p
        paid: float = len(sizes)
        if method.plans and spec.looks:
            # The study's own budgets share one level; each one below them gets the first's part.
            paid = 1 + (len(sizes) - len(spec.n_p)) * float(look_weights(len(spec.n_p))[0])
        count, total = count + len(sizes), total + paid * method.proven(settings)
    return count, 1.0 if spec.noise.kind == "discrete" else total


def shown(spec: StudySpec) -> Sequence[MethodDef]:
    """Methods whose results can be shown.

    With the baseline, the draws of all are there that do not name a radius.
    """
    asked = methods.asked(spec)
    return [
        one for one in methods.every() if one in asked or (spec.baseline and one.anytime is None)
    ]


def follows_n_p(spec: StudySpec) -> tuple[str, ...]:
    """What is decided by n_p, so that n_p must not follow the original's draws."""
    if not spec.compressions:
        return ()
    # The disagreements of a prefix whose length was chosen by the hits are not binomial.
    zeta = any(method.branches is not None for method in methods.asked(spec))
    split = spec.split_draws is None and any(method.plans for method in shown(spec))
    return ("zeta of IRS",) * zeta + ("the split of alpha of CIRS",) * split


def counts_leavers(spec: StudySpec) -> bool:
    """Whether a decision may count leavers over n_p draws, which then must not follow f's hits."""
    return bool(spec.compressions) and any(method.anytime is None for method in shown(spec))


def stops_two_sided(spec: StudySpec) -> bool:
    """Whether draws stop once two-sided radii are settled, which decisions do not use."""
    stops = any(method.anytime is not None for method in methods.asked(spec))
    return stops and bool(spec.compressions) and spec.convention != ONE_SIDED


def plans(spec: StudySpec) -> bool:
    """Whether a method that the study draws for divides a budget among the inputs."""
    return any(method.plans for method in methods.asked(spec))
