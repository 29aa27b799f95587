"""Each limit of a requirement against the evidence; a wrong answer has a stated probability."""

from irs_core.decide import words
from irs_core.decide.noninferiority import (
    count_at_least,
    count_at_most,
    share_at_least,
    share_at_most,
)
from irs_core.decide.requirement import Requirement
from irs_core.decide.routes import Routes
from irs_core.decide.statements import Finding, Measured, ShareBounds, Split, Topic, Verdict
from irs_core.stats import binomial_lower_bound, binomial_upper_bound


def loss_bounds(routes: Routes, split: Split, *, shared_noise: bool) -> ShareBounds:
    """Bounds on what the model loses against the original."""
    return _bounds(
        routes,
        (int(routes.may_lose.sum()), routes.level),
        (int(routes.proven_lost.sum()), routes.proven_level),
        split,
        shared_noise,
    )


def certified_bounds(routes: Routes, split: Split, *, shared_noise: bool) -> ShareBounds:
    """Bounds on the model's own certified accuracy at the radius."""
    return _bounds(
        routes,
        (len(routes) - int(routes.ruled_out.sum()), routes.ruled_out_level),
        (int(routes.certified.sum()), routes.claimed_level),
        split,
        shared_noise,
    )


def find_all(
    requirement: Requirement,
    routes: Routes,
    measured: Measured,
    split: Split,
    *,
    shared_noise: bool,
    bounds: tuple[ShareBounds, ShareBounds],
    names: tuple[str, str],
) -> tuple[Finding, ...]:
    """One finding per limit that is set.

    Args:
        bounds: On the loss and on certified accuracy, for the sentences.
        names: Of the model, and what an input is called.
    """
    loss, certified = bounds
    wrong_fails = None if split.fails is None else split.fails / _statistical(requirement)
    found = []
    if requirement.max_loss is not None:
        verdict = _most(loss, routes, requirement.max_loss, split.holds, wrong_fails, shared_noise)
        sentence = words.loss_words(requirement, loss, verdict, split.candidates, *names)
        finding = _finding("loss", verdict, sentence)
        if verdict in _vacuous(routes, requirement):
            said = words.vacuous_words(
                requirement, int(routes.base_certified.sum()), len(routes), names[1]
            )
            finding = Finding("loss", "undecided", "loss-vacuous", said)
        found.append(finding)
    if requirement.min_certified is not None:
        verdict = _least(
            certified, routes, requirement.min_certified, split.holds, wrong_fails, shared_noise
        )
        sentence = words.certified_words(requirement, certified, verdict, *names)
        found.append(_finding("certified", verdict, sentence))
    if requirement.min_accuracy is not None:
        found.append(_accuracy(requirement, measured, split.holds, wrong_fails))
    return (*found, *_measured(requirement, measured))


def _vacuous(routes: Routes, requirement: Requirement) -> tuple[Verdict, ...]:
    """Verdicts that mean nothing, as losing all that the original withstands may be allowed.

    *Holds* where that cannot be ruled out; *undecided*, too, where it looks like that, so that
    more inputs would not help either.
    """
    shown, limit = int(routes.base_certified.sum()), requirement.max_loss or 0.0
    if shown <= limit * len(routes):
        return "holds", "undecided"
    low = float(binomial_lower_bound(shown, len(routes), requirement.beta))
    return ("holds",) if low <= limit else ()


def _bounds(
    routes: Routes,
    may: tuple[int, float],
    proven: tuple[int, float],
    split: Split,
    shared_noise: bool,
) -> ShareBounds:
    n = len(routes)
    # Statements about these inputs are as sure as a single input's routes, where that is surer.
    may_here = min(may[1], split.bounds) if not shared_noise else split.bounds
    return ShareBounds(
        inputs=n,
        may=may[0],
        proven=proven[0],
        lower=share_at_least(
            proven[0], n, beta=split.bounds, level=proven[1], shared_noise=shared_noise
        ),
        upper=share_at_most(may[0], n, beta=split.bounds, level=may[1], shared_noise=shared_noise),
        here_at_least=count_at_least(
            proven[0], n, beta=split.bounds, level=proven[1], shared_noise=shared_noise
        ),
        here_at_most=count_at_most(
            may[0], n, beta=may_here, level=may[1], shared_noise=shared_noise
        ),
        failure=min(1.0, split.bounds * split.candidates),
        failure_here=min(1.0, may_here * split.candidates),
    )


def _statistical(requirement: Requirement) -> int:
    """Limits whose *fails* can be wrong by chance: they share that chance (union bound)."""
    limits = (requirement.max_loss, requirement.min_certified, requirement.min_accuracy)
    return max(1, sum(one is not None for one in limits))


def _most(
    loss: ShareBounds,
    routes: Routes,
    limit: float,
    holds: float,
    fails: float | None,
    shared_noise: bool,
) -> Verdict:
    """The loss against its upper limit."""
    n = loss.inputs
    upper = share_at_most(loss.may, n, beta=holds, level=routes.level, shared_noise=shared_noise)
    lower = 0.0
    if fails is not None:
        lower = share_at_least(
            loss.proven, n, beta=fails, level=routes.proven_level, shared_noise=shared_noise
        )
    return _three_way(holds=upper <= limit, fails=lower > limit)


def _least(
    certified: ShareBounds,
    routes: Routes,
    limit: float,
    holds: float,
    fails: float | None,
    shared_noise: bool,
) -> Verdict:
    """Certified accuracy against its lower limit."""
    n = certified.inputs
    lower = share_at_least(
        certified.proven, n, beta=holds, level=routes.claimed_level, shared_noise=shared_noise
    )
    upper = 1.0
    if fails is not None:
        upper = share_at_most(
            certified.may, n, beta=fails, level=routes.ruled_out_level, shared_noise=shared_noise
        )
    return _three_way(holds=lower >= limit, fails=upper < limit)


def _accuracy(
    requirement: Requirement, measured: Measured, holds: float, fails: float | None
) -> Finding:
    limit = requirement.min_accuracy or 0.0
    if measured.right is None or not measured.right_of:
        return _missing("accuracy", "accuracy without noise")
    right, of = measured.right, measured.right_of
    lower = float(binomial_lower_bound(right, of, holds))
    upper = 1.0 if fails is None else float(binomial_upper_bound(right, of, fails))
    verdict = _three_way(holds=lower >= limit, fails=upper < limit)
    return _finding(
        "accuracy", verdict, words.accuracy_words(requirement, limit, right, of, verdict)
    )


def _measured(requirement: Requirement, measured: Measured) -> list[Finding]:
    """Limits that are compared with a measurement as it is."""
    size = None if measured.bytes is None else (float(measured.bytes), float(measured.bytes))
    of = f"for {measured.timed}" if measured.timed else "per pass"
    asked: list[tuple[Topic, str, float | None, tuple[float, float] | None]] = [
        ("latency", f"ms {of}", requirement.max_latency_ms, measured.latency_ms),
        (
            "relative latency",
            f"times the original's time{f' {of}' if measured.timed else ''}",
            requirement.max_relative_latency,
            measured.relative_latency,
        ),
        (
            "size",
            f"bytes{f' ({measured.sized})' if measured.sized else ''}",
            requirement.max_bytes,
            size,
        ),
    ]
    found = []
    for topic, unit, limit, value in asked:
        if limit is None:
            continue
        if value is None:
            found.append(_missing(topic, topic))
            continue
        verdict = _three_way(holds=value[1] <= limit, fails=value[0] > limit)
        found.append(_finding(topic, verdict, words.measured_words(unit, limit, value, verdict)))
    return found


def _three_way(*, holds: bool, fails: bool) -> Verdict:
    # Both at once contradict each other: one of the two events of small probability happened.
    if holds == fails:
        return "undecided"
    return "holds" if holds else "fails"


def _finding(topic: Topic, verdict: Verdict, sentence: str) -> Finding:
    return Finding(topic, verdict, f"{topic.replace(' ', '-')}-{verdict}", sentence)


def _missing(topic: Topic, what: str) -> Finding:
    code = f"{topic.replace(' ', '-')}-not-measured"
    return Finding(topic, "undecided", code, f"its {what} was not measured")
