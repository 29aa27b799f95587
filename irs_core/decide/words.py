"""Sentences of a decision; upper bounds are rounded up, lower bounds and confidence down."""

from collections.abc import Mapping

from irs_core.decide.paired import Difference, Gap
from irs_core.decide.requirement import Requirement
from irs_core.decide.rounding import (
    chosen_percent,
    down,
    exact,
    percent_down,
    percent_up,
    sure,
    up,
)
from irs_core.decide.settle import Settle
from irs_core.decide.statements import ShareBounds, Verdict

ANSWERS: Mapping[Verdict, str] = {"holds": "Yes", "fails": "No", "undecided": "Not decided"}

# Of a verdict on white paper; the word stands beside it.
COLOURS: Mapping[Verdict, str] = {"holds": "#1B7F4B", "fails": "#B3261E", "undecided": "#9A6700"}


ONE_QUESTION = (
    "The confidence is that of one question, whose radius, tolerance, exceptions and confidence "
    "were named before results were seen. For the best of m models or m questions the chance of "
    "error is up to m times as large."
)


def required_words(requirement: Requirement) -> str:
    """What is required and how sure the answer has to be, as a phrase without its subject."""
    return f"{requirement.words}; confidence {chosen_percent(requirement.confidence)}"


def covered_words(requirement: Requirement, inputs: int, sigma: float) -> tuple[str, str]:
    """What an answer covers, and what it does not, each as a sentence without its beginning."""
    return (
        f"{inputs:,} inputs chosen before any result was seen, taken as typical of what the model "
        f"will meet; noise σ = {sigma:g}; disturbances of L2 norm up to {requirement.radius:g}. "
        f"{ONE_QUESTION}",
        "other kinds of inputs, other noise levels, disturbances measured in another norm, and "
        "what the original itself gets wrong.",
    )


def gap_words(gap: Gap, n: int, n_p: int) -> str:
    """What of a difference in ACR comes from fewer draws, and what from compression."""
    return (
        f"The original's average certified radius is {down(gap.full, 3)} with {n:,} draws and "
        f"{down(gap.equal, 3)} with {n_p:,}. On the same {n_p:,} draws the compressed model has "
        f"{down(gap.compressed, 3)}: {cost_words(gap.compression)}."
    )


def lead_words(difference: Difference, first: str, second: str) -> str:
    """Which of two models has the larger mean radius, with the guaranteed interval.

    Args:
        difference: Of the first less the second.
        first, second: Their titles.
    """
    level = f"{sure(difference.beta)} confidence over inputs like these"
    if difference.sure_low > 0:
        return f"{first} is ahead by at least {down(difference.sure_low, 3)}, with {level}"
    if difference.sure_high < 0:
        return f"{second} is ahead by at least {down(-difference.sure_high, 3)}, with {level}"
    return (
        f"no difference can be told from chance; it is between {down(difference.sure_low, 3)} and "
        f"{up(difference.sure_high, 3)}, with {level}"
    )


def cost_words(cost: Difference) -> str:
    """What compression costs of a mean radius: what is proven, then the estimate."""
    told = "no difference can be told from chance"
    if cost.sure_low > 0:
        told = f"compression costs at least {down(cost.sure_low, 3)}"
    elif cost.sure_high < 0:
        told = f"compression gains at least {down(-cost.sure_high, 3)}"
    return (
        f"{told}, and its cost is estimated at {exact(round(cost.mean, 3), 3)} (95% interval "
        f"{down(cost.low, 3)} to {up(cost.high, 3)})"
    )


def loss_words(
    requirement: Requirement,
    loss: ShareBounds,
    verdict: Verdict,
    candidates: int,
    model: str,
    noun: str,
) -> str:
    """The answer about the loss, as a clause without a full stop.

    Args:
        candidates: Number of models that the confidence covers together.
        model, noun: Name of the model, and what an input is called, in the plural.
    """
    limit = requirement.max_loss or 0.0
    original, reach = _original(requirement), exact(requirement.reach)
    together = f", for all {candidates} candidates together" if candidates > 1 else ""
    confidence = f"({sure(requirement.beta)} sure{together})"
    if verdict == "holds":
        return (
            f"wherever {original}, {model} withstands at least {reach}, with at most "
            f"{chosen_percent(limit)} exceptions among {noun} like these {confidence}; "
            f"{_here(loss, noun)}"
        )
    if verdict == "fails":
        return (
            f"on at least {percent_down(loss.lower)} of {noun} like these {original} and {model} "
            f"falls short of {reach} {confidence}; at most {chosen_percent(limit)} is allowed"
        )
    return (
        f"where {original}, {model} may withstand less than {reach} on up to "
        f"{percent_up(loss.upper)} of {noun} like these {confidence}; at most "
        f"{chosen_percent(limit)} is allowed; of these {loss.inputs} {noun}, {loss.may} may be "
        f"lost and {loss.proven} are proven lost"
    )


def certified_words(
    requirement: Requirement, certified: ShareBounds, verdict: Verdict, model: str, noun: str
) -> str:
    """The answer about certified accuracy, as a clause."""
    asked = chosen_percent(requirement.min_certified or 0.0)
    radius, confidence = exact(requirement.radius), f"({sure(requirement.beta)} sure)"
    if verdict == "holds":
        return (
            f"{model} is right and withstands {radius} on at least {asked} of {noun} like these "
            f"{confidence}"
        )
    if verdict == "fails":
        return (
            f"{model} is right and withstands {radius} on fewer than {asked} of {noun} like these "
            f"{confidence}"
        )
    low, high = percent_down(certified.lower), percent_up(certified.upper)
    return (
        f"{model} is right and withstands {radius} on between {low} and {high} of {noun} like "
        f"these (each end {sure(requirement.beta)} sure); {asked} is asked for"
    )


def vacuous_words(requirement: Requirement, certified: int, inputs: int, noun: str) -> str:
    """Why keeping what the original withstands means nothing here, as a clause."""
    return (
        f"{_original(requirement)} on only {certified} of {inputs} {noun}, too few to tell from "
        f"the {chosen_percent(requirement.max_loss or 0.0)} that may be lost; a smaller "
        "radius asks more, as a second question"
    )


def accuracy_words(
    requirement: Requirement, limit: float, right: int, of: int, verdict: Verdict
) -> str:
    """The answer about accuracy without noise, as a clause."""
    counted = f"{right} of {of} right without noise"
    asked = chosen_percent(limit)
    return {
        "holds": f"{counted}, which shows at least {asked} ({sure(requirement.beta)} sure)",
        "fails": f"{counted}, which shows less than {asked} ({sure(requirement.beta)} sure)",
        "undecided": f"{counted} does not show whether {asked} is reached",
    }[verdict]


def measured_words(unit: str, limit: float, value: tuple[float, float], verdict: Verdict) -> str:
    """The answer about a measured time or size, as a clause."""
    whole = unit.startswith("bytes")
    if whole:
        shown = f"{value[1]:,.0f}"
    else:
        shown = down(value[0], 2) if verdict == "fails" else up(value[1], 2)
    if verdict == "undecided":
        shown = f"{down(value[0], 2)} to {up(value[1], 2)}"
    allowed = f"{limit:,.0f}" if whole else f"{limit:g}"
    return f"{shown} {unit}, {allowed} allowed"


def settle_words(settle: Settle, inputs: int, noun: str) -> str:
    """What would settle an undecided loss, as sentences."""
    ways = []
    if settle.draws is not None and settle.draws.inputs:
        beyond = settle.draws.beyond
        way = (
            f"about {_about(settle.draws.draws)} more draws, counted sequentially, on "
            f"{len(settle.draws.inputs)} of these {noun}"
        )
        if beyond is not None:
            way += f", some of which need more than {beyond:,} (a fifth of n), where a run stops"
        ways.append(way)
    if settle.inputs_to_hold is not None and settle.inputs_to_hold > inputs:
        ways.append(
            f"a fixed set of about {_about(settle.inputs_to_hold)} {noun} instead of {inputs:,}, "
            "if the same share of them stays open"
        )
    if settle.inputs_to_fail is not None and settle.inputs_to_fail > inputs:
        ways.append(
            f"a fixed set of about {_about(settle.inputs_to_fail)} {noun}, "
            "if the same share of them is proven lost"
        )
    if not ways:
        return f"Neither more draws nor more {noun} alone are expected to settle it."
    return f"What would settle it: {'; or '.join(ways)}."


def _here(loss: ShareBounds, noun: str) -> str:
    most = loss.here_at_most
    which = f"{f'at most {most}' if most else 'none'} of these {loss.inputs} {noun}"
    told = "are exceptions" if most > 1 else "is an exception"
    return f"{which} {told} ({sure(loss.failure_here)} sure)"


def _original(requirement: Requirement) -> str:
    radius = exact(requirement.radius)
    return f"the original is right and provably withstands disturbances up to {radius}"


def _about(count: int) -> str:
    """A count in two digits, rounded up: an estimate has no more."""
    step = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // step) * step:,}"
