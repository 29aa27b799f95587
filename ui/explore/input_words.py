"""What is said of one input: what lost it, and what was answered on its noisy copies."""

from collections.abc import Sequence

from irs_core import methods
from irs_core.analysis.equal_draws import EqualDraws
from irs_core.analysis.losses import Loss
from irs_core.spec.outward import down
from ui.explore.inputs import Fate


def loss_words(loss: Loss, base: Fate, model: Fate, equal: EqualDraws | None, row: int) -> str:
    """Whether a model lost an input, and to what, as a sentence.

    Args:
        equal: Both models at equal draws; None where that is not known.
        row: Position among the reported inputs.
    """
    if loss is Loss.UNKNOWN:
        return (
            "Lost. Whether by compression or by the budget cannot be told: the model's answers on "
            "the original's first draws are not all stored."
        )
    if equal is None:
        return _not_lost(base, model)
    each, radius = f"with {equal.n_p:,} draws each", down(float(equal.equal[row]))
    said = {
        Loss.COMPRESSION: f"Lost by compression: {each}, the original certifies it up to {radius} "
        f"and {model.title} does not certify it.",
        Loss.BUDGET: f"Lost by the budget: with {equal.n_p:,} draws instead of {equal.n:,}, the "
        "original loses it, too.",
        Loss.METHOD: f"Lost by the method: {each} and nothing reused, both models certify it; "
        f"{methods.get(model.method).title} gave it away.",
    }
    saved = equal.equal[row] > 0 and equal.compressed[row] == 0
    if loss is Loss.NONE and model.right and saved:
        return f"Kept by reuse: {each} and nothing reused, only the original certifies it."
    return said.get(loss) or _not_lost(base, model)


def _not_lost(base: Fate, model: Fate) -> str:
    if model.right:
        return "Not lost: both certify it." if base.right else "Gained: the original does not."
    return "Nothing to lose: the original does not certify the true class either."


def answers_words(original: int, model: int, title: str, classes: Sequence[str]) -> str:
    """What both models answered on one noisy copy.

    Args:
        original, model: Classes; beyond `classes` where a draw was not made.
    """
    said = [
        classes[one] if one < len(classes) else "not drawn for this input"
        for one in (original, model)
    ]
    if said[0] == said[1]:
        return f"both: {said[0]}"
    return f"original: {said[0]}; {title}: {said[1]}"
