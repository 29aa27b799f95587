"""The answer in a line, what it rests on, and all candidates as a table."""

import shlex
from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from irs_core.analysis.together import Together
from irs_core.decide import Decision, Gap, Requirement
from irs_core.decide.rounding import chosen_percent
from irs_core.decide.words import ANSWERS, covered_words, gap_words
from irs_core.spec.cost import BATCHES
from irs_core.text import markdown, plain
from ui.shared import theme
from ui.shared.entries import ModelRow

_CONFIDENT = ("verdict", "holds together", "proven lost", "exceptions, at most")


def facts(row: ModelRow, base: ModelRow) -> str:
    """What the model gains, as measured: size and time of a pass."""
    parts = []
    if row.size_bytes and base.size_bytes / row.size_bytes > 1.05:
        parts.append(f"{base.size_bytes / row.size_bytes:.1f}× smaller")
    elif row.nonzero < 0.99 * base.nonzero:
        parts.append(f"{theme.percent(1 - row.nonzero / base.nonzero, 0)} fewer non-zero weights")
    if row.draw_seconds > 0 and base.draw_seconds > 0:
        ratio = base.draw_seconds / row.draw_seconds
        times = f"{ratio:.1f}× faster" if ratio >= 1.05 else f"{1 / ratio:.1f}× the time"
        parts.append(f"{times} ({BATCHES})")
    return " · ".join(parts)


def gap_sentence(gaps: Sequence[Gap], n: int, n_p: int) -> str:
    """What of the difference in ACR comes from fewer draws, and what from compression."""
    if not gaps:
        return ""
    return markdown(gap_words(gaps[0], n, n_p))


def known(requirement: Requirement, inputs: int, noise: float) -> str:
    """What the answer covers and what it does not."""
    covered, left_out = covered_words(requirement, inputs, noise)
    return f"**Covered:** {markdown(covered)} **Not covered:** {markdown(left_out)}"


def show_verdict(decision: Decision, gains: str, moved: Sequence[str]) -> None:
    """The answer in a box; none at settings that were chosen when results could be seen."""
    if moved:
        st.info(no_verdict(moved), icon=":material/explore:")
        return
    show = {"holds": st.success, "fails": st.error, "undecided": st.warning}[decision.verdict]
    icon = {"holds": "check_circle", "fails": "cancel", "undecided": "help"}[decision.verdict]
    show(verdict_sentence(decision, gains), icon=f":material/{icon}:")


def verdict_sentence(decision: Decision, gains: str) -> str:
    """The answer and what the model gains, in Markdown."""
    answer = f"**{ANSWERS[decision.verdict]}.** {markdown(decision.sentence)}"
    return answer + (f" **{gains}.**" if gains else "")


def no_verdict(moved: Sequence[str]) -> str:
    """Why nothing is decided, in Markdown."""
    return (
        f"**No verdict.** Exploring: not proven at {', '.join(moved)}. A verdict has a level of "
        "confidence at the study's own settings only."
    )


def candidates(
    found: Mapping[str, Decision],
    rows: Sequence[ModelRow],
    together: Together | None,
    *,
    exploring: bool = False,
) -> pd.DataFrame:
    """One row per compressed model.

    Args:
        together: What may be said of all of them at once; None where there is but one.
        exploring: Settings were moved: leave out verdicts and what is said with confidence.
    """
    by_name = {row.name: row for row in rows}
    joint = together.holds if together else None
    frame = pd.DataFrame(
        [
            {
                "model": decision.model,
                "verdict": ANSWERS[decision.verdict],
                "holds together": "" if joint is None else "Yes" if name in joint else "Not shown",
                "may be lost": len(decision.may_lose),
                "proven lost": len(decision.proven_lost),
                "exceptions, at most": 100 * decision.loss.upper if decision.loss else float("nan"),
                "size kB": by_name[name].size_bytes / 1000,
                "µs per pass": 1e6 * by_name[name].draw_seconds,
                "draws per input": by_name[name].summary.n_p,
            }
            for name, decision in found.items()
        ]
    )
    if exploring:
        return frame.drop(columns=list(_CONFIDENT))
    return frame if joint is not None else frame.drop(columns="holds together")


def gate_command(study: str, model: str, requirement: Requirement) -> str:
    """The same question for continuous integration, quoted for a shell."""
    loss = requirement.max_loss
    return (
        f"./irs gate {study[:6]} --model {shlex.quote(plain(model))} "
        f"--radius {requirement.radius!r} --tolerance {requirement.tolerance!r} "
        f"--max-loss {'none' if loss is None else chosen_percent(loss)} "
        f"--confidence {requirement.confidence!r}"
    )
