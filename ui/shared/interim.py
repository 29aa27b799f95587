"""Sentences about what a running study has certified so far."""

import math
from collections.abc import Sequence

from irs_core.goals.outlook import Look
from irs_core.spec.outward import down
from irs_core.text import markdown


def look_sentence(title: str, found: Sequence[Look], gain: float) -> str:
    """ACR at the last complete round of CIRS, and what the next minute is expected to bring.

    Args:
        title: The compressed model's.
        found: Its complete rounds.
        gain: Expected rise of ACR; NaN where no time was measured.
    """
    more = "" if math.isnan(gain) else f" The next minute is expected to bring {gain:+.3f}."
    if not found:
        return f"**{markdown(title)}**: nothing to look at yet.{more}"
    last = found[-1]
    return (
        f"**{markdown(title)}**: ACR **{down(last.acr.value)}** so far, at {last.n_p:,} draws per "
        f"input on average; it holds if you stop now.{more}"
    )
