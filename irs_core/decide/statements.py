"""What a decision is made of: limits, bounds, findings."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "fails", "undecided"]
Topic = Literal["loss", "certified", "accuracy", "latency", "relative latency", "size"]


@dataclass(frozen=True)
class Split:
    """How one decision spends its failure probability; all fixed before looking.

    Args:
        holds: Chance of a wrong *holds*.
        fails: Chance of a wrong *fails*, shared by all statistical limits; None: never said.
        bounds: Chance that a printed bound is wrong, each.
        candidates: Number of models that the printed confidence covers together.
    """

    holds: float
    fails: float | None
    bounds: float
    candidates: int = 1


@dataclass(frozen=True)
class Measured:
    """What was measured of the compressed model outside the certificates; None where it was not.

    Args:
        right, right_of: Inputs classified correctly without noise, of how many.
        latency_ms: Low and high end of the time of a forward pass.
        relative_latency: The same as a multiple of the original's time.
        bytes: Size of the weights.
        timed: Which pass the times are of, in words; empty for any.
        sized: Which size it is, in words; empty for any.
    """

    right: int | None = None
    right_of: int | None = None
    latency_ms: tuple[float, float] | None = None
    relative_latency: tuple[float, float] | None = None
    bytes: int | None = None
    timed: str = ""
    sized: str = ""


@dataclass(frozen=True)
class ShareBounds:
    """A property of inputs: how many carry the flag, and what that proves.

    Args:
        inputs: N.
        may, proven: Inputs that may have the property, and that certainly have it.
        lower, upper: Bounds on the share among new inputs of the same kind.
        here_at_least, here_at_most: Bounds on the number among these inputs.
        failure, failure_here: Failure probability of each bound of either kind, for all
            candidates together.
    """

    inputs: int
    may: int
    proven: int
    lower: float
    upper: float
    here_at_least: int
    here_at_most: int
    failure: float
    failure_here: float


@dataclass(frozen=True)
class Finding:
    """The answer to one limit of the requirement.

    Args:
        topic: Which limit.
        verdict: `holds`, `fails` or `undecided`.
        code: For programs, e.g. `loss-holds` or `latency-not-measured`.
        sentence: For readers.
    """

    topic: Topic
    verdict: Verdict
    code: str
    sentence: str
