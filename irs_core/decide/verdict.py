"""May the compressed model replace the original? A verdict and its sentence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from irs_core.decide.judge import certified_bounds, find_all, loss_bounds
from irs_core.decide.requirement import Requirement
from irs_core.decide.routes import Routes
from irs_core.decide.settle import Settle
from irs_core.decide.statements import Finding, Measured, ShareBounds, Split, Verdict
from irs_core.decide.words import ANSWERS, COLOURS, required_words, settle_words
from irs_core.text import html as escape


@dataclass(frozen=True, repr=False)
class Decision:
    """The verdict about one compressed model.

    Args:
        requirement: What was asked.
        model: Name of the compressed model.
        verdict: `holds` where every limit holds, `fails` where one fails, else `undecided`.
        findings: One per limit.
        loss: Bounds on the share lost against the original; None where not asked.
        certified: Bounds on certified accuracy at the radius.
        base_certified: Inputs on which the original is right and certified at the radius.
        may_lose, proven_lost: Positions of these inputs.
        failure: Failure probability of the verdict, for all candidates together.
        candidates: How many models that covers.
        settle: What would settle an undecided loss, where that was worked out.
        noun: What an input is called.
    """

    requirement: Requirement
    model: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    loss: ShareBounds | None
    certified: ShareBounds
    base_certified: int
    may_lose: tuple[int, ...]
    proven_lost: tuple[int, ...]
    failure: float
    candidates: int
    settle: Settle | None
    noun: str

    @property
    def codes(self) -> tuple[str, ...]:
        """The reason codes of all findings."""
        return tuple(one.code for one in self.findings)

    @property
    def sentence(self) -> str:
        """The verdict and its reasons for a reader who knows no statistics."""
        head = {
            "holds": f"{self.model} may ship",
            "fails": f"{self.model} may not ship",
            "undecided": f"Whether {self.model} may ship is undecided",
        }[self.verdict]
        # The reasons for a verdict are the findings that share it.
        shown = [one.sentence for one in self.findings if one.verdict == self.verdict]
        text = f"{head}: {'; '.join(shown)}."
        if self.verdict == "undecided" and self.settle and "loss-undecided" in self.codes:
            inputs = self.loss.inputs if self.loss else 0
            text += f" {settle_words(self.settle, inputs, self.noun)}"
        return text

    def __repr__(self) -> str:
        return f"Decision({self.model}: {self.verdict}; {', '.join(self.codes)})"

    def _repr_html_(self) -> str:
        """The verdict in the cell of a notebook: no script, the model's name escaped."""
        colour, answer = COLOURS[self.verdict], ANSWERS[self.verdict]
        return (
            f'<div style="border-left:6px solid {colour};padding:4px 12px">'
            f'<p><strong style="color:{colour}">{answer}.</strong> {escape(self.sentence)}</p>'
            f"<p><small>Required: {escape(required_words(self.requirement))}.</small></p></div>"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the sentence and the reason codes."""
        plain = asdict(self)
        plain["requirement"] = self.requirement.to_json()
        return {**plain, "codes": list(self.codes), "sentence": self.sentence}


def decide(
    requirement: Requirement,
    model: str,
    routes: Routes,
    measured: Measured | None = None,
    *,
    split: Split | None = None,
    shared_noise: bool = False,
    settle: Settle | None = None,
    noun: str = "images",
) -> Decision:
    """Hold a compressed model against a requirement.

    A wrong *holds* has probability at most 1 - confidence, and so has a wrong *fails*, over the
    inputs and over all draws. Conditions: the inputs were fixed before looking and are
    independent samples of what the model will see; labels, radius, tolerance and levels were
    fixed too; the model was compressed without these inputs. Measured times are compared as they
    are.

    Args:
        requirement: The limits.
        model: Name of the compressed model.
        routes: Flags at the requirement's radius and tolerance.
        measured: Accuracy, time and size, where limits ask for them.
        split: Of the failure probability; None spends 1 - confidence on this model alone.
        shared_noise: Whether inputs share draws.
        settle: What would settle an undecided loss.
        noun: What an input is called, in the plural.
    """
    beta = requirement.beta
    split = split or Split(holds=beta, fails=beta, bounds=beta)
    loss = loss_bounds(routes, split, shared_noise=shared_noise)
    certified = certified_bounds(routes, split, shared_noise=shared_noise)
    findings = find_all(
        requirement,
        routes,
        measured or Measured(),
        split,
        shared_noise=shared_noise,
        bounds=(loss, certified),
        names=(model, noun),
    )
    return Decision(
        requirement=requirement,
        model=model,
        verdict=_overall([one.verdict for one in findings]),
        findings=findings,
        loss=loss if requirement.max_loss is not None else None,
        certified=certified,
        base_certified=int(routes.base_certified.sum()),
        may_lose=tuple(int(one) for one in np.flatnonzero(routes.may_lose)),
        proven_lost=tuple(int(one) for one in np.flatnonzero(routes.proven_lost)),
        failure=beta,
        candidates=split.candidates,
        settle=settle,
        noun=noun,
    )


def _overall(verdicts: Sequence[Verdict]) -> Verdict:
    if "fails" in verdicts:
        return "fails"
    return "undecided" if "undecided" in verdicts else "holds"
