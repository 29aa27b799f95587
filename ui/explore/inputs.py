"""One input at a time: what happened to it under each model, as plain data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from irs_core import methods
from irs_core.analysis.equal_draws import EqualDraws
from irs_core.analysis.losses import Loss, losses
from irs_core.certify import ABSTAIN, Branch, Certificates
from irs_core.spec.outward import down, up
from irs_core.store import BASE, StudyRecord
from irs_core.text import plotly
from ui.shared import theme
from ui.shared.drawing import blank

FILTERS = (
    *("all", "lost", "compression", "budget", "gained", "shrunk most", "abstaining", "wrong"),
)
FILTER_TITLES: Mapping[str, str] = {
    "all": "all",
    "lost": "lost",
    "compression": "lost by compression",
    "budget": "lost by the budget",
    "gained": "gained by the model",
    "shrunk most": "shrunk most",
    "abstaining": "model abstains",
    "wrong": "model certifies a wrong class",
}
LOSS_TITLES: Mapping[Loss, str] = {
    Loss.NONE: "",
    Loss.COMPRESSION: "lost by compression",
    Loss.BUDGET: "lost by the budget",
    Loss.METHOD: "lost by the method",
    Loss.UNKNOWN: "lost",
}


@dataclass(frozen=True)
class Fate:
    """What one model does with one input.

    Args:
        predicted: Certified class; ABSTAIN where none is.
        method: What certified it.
        disagreement: Upper bound zeta, under CIRS on the leave rate; NaN where it was not used.
    """

    name: str
    title: str
    method: str
    predicted: int
    candidate: int
    radius: float
    p_lower: float
    disagreement: float
    branch: Branch
    right: bool
    other: float = float("nan")
    """Upper bound on any other class, where the radius is two-sided; NaN elsewhere."""


def choose(
    which: str,
    base: Certificates,
    model: Certificates,
    labels: NDArray[np.int64],
    equal: EqualDraws | None = None,
) -> NDArray[np.int64]:
    """Positions of the inputs that a filter keeps, those worth a look first.

    Args:
        which: One of FILTERS.
        base: Certificates of the original.
        model: Certificates of the model that the filter is about.
        equal: Radii of both at equal draws; where they are known, what is gained and shrunk is
            read off them, and what the budget costs is told apart from what compression costs.
    """
    lost = losses(base, model, labels, equal)
    before, after = base.predicted == labels, model.predicted == labels
    kept, change = after, model.radius * after - base.radius * before
    if equal is not None:
        before, kept = equal.equal > 0, equal.compressed > 0
        change = equal.compressed - equal.equal
    keep: dict[str, NDArray[np.bool_]] = {
        "all": np.ones(len(labels), bool),
        "lost": lost != Loss.NONE,
        "compression": lost == Loss.COMPRESSION,
        "budget": lost == Loss.BUDGET,
        "gained": ~before & kept,
        "shrunk most": before & kept & (change < 0),
        "abstaining": model.predicted == ABSTAIN,
        "wrong": (model.predicted != ABSTAIN) & ~after,
    }
    rows = np.flatnonzero(keep[which])
    if which == "all":
        return rows
    return rows[np.argsort(change[rows], kind="stable")]


def fates(
    record: StudyRecord, certificates: Sequence[Certificates], row: int, label: int
) -> list[Fate]:
    """What every model of a study does with one input.

    Args:
        row: Position among the reported inputs.
    """
    return [
        Fate(
            model.name,
            model.title,
            one.method,
            int(one.predicted[row]),
            int(one.candidate[row]),
            float(one.radius[row]),
            float(one.p_lower[row]),
            float(one.zeta_upper[row]),
            Branch(int(one.branch[row])),
            int(one.predicted[row]) == label,
            float("nan") if one.other_upper is None else float(one.other_upper[row]),
        )
        for model, one in zip(record.models, certificates, strict=True)
    ]


def fate_table(found: Sequence[Fate], classes: Sequence[str]) -> pd.DataFrame:
    """The radius of one input under every model, and why."""
    return pd.DataFrame(
        {
            "model": [one.title for one in found],
            "certified class": [_class(one.predicted, classes) for one in found],
            "right": [one.right for one in found],
            "radius": [one.radius for one in found],
            "bound": [one.p_lower for one in found],
            "ζ": [one.disagreement for one in found],
            "branch": [branch_words(one) for one in found],
            "why": [why(one, found[0], classes) for one in found],
        }
    )


def why(fate: Fate, base: Fate, classes: Sequence[str]) -> str:
    """One sentence on how a model came to its answer about an input."""
    tested = _class(fate.candidate, classes)
    verdict = _verdict(fate, tested)
    if fate.name == BASE:
        return f"Its draws bound P({tested}) by {down(fate.p_lower, 4)}: {verdict}."
    if fate.branch is Branch.SKIPPED:
        title = methods.get(fate.method).title
        return f"{title} spends its draws on other inputs, so nothing is certified here."
    if fate.branch is Branch.INCREMENTAL and not np.isnan(fate.disagreement):
        how = methods.get(fate.method).reused.format(
            base=down(base.p_lower, 4),
            lost=up(fate.disagreement, 4),
            bound=down(fate.p_lower, 4),
            tested=tested,
        )
        return f"{how}: {verdict}."
    return f"Fresh draws bound P({tested}) by {down(fate.p_lower, 4)}: {verdict}."


def _verdict(fate: Fate, tested: str) -> str:
    certified = fate.predicted != ABSTAIN
    above, below = "above ½", "not above ½"
    if not np.isnan(fate.other):
        above = f"more than the {up(fate.other, 4)} that any other class may have"
        below = f"not {above}"
    if certified:
        return f"{above}, so {tested} is certified at {down(fate.radius)}"
    return f"{below}, so it abstains"


def votes_figure(
    votes: Mapping[str, NDArray[np.int64]], titles: Mapping[str, str], classes: Sequence[str]
) -> go.Figure:
    """Share of draws per class, one bar per model; classes without votes are left out."""
    figure = blank("class answered", "draws (%)")
    colours = theme.model_colours(titles)
    asked = np.flatnonzero(np.sum(list(votes.values()), axis=0)).tolist()
    for name, counts in votes.items():
        title = plotly(titles[name])
        figure.add_bar(
            x=[plotly(classes[at]) for at in asked],
            y=100 * counts[asked] / max(1, int(counts.sum())),
            name=title,
            marker={"color": colours[name], "line": {"width": 0}},
            customdata=counts[asked],
            hovertemplate=f"<b>{title}</b><br>%{{x}}: %{{customdata:,}} draws, %{{y:.2f}}%"
            "<extra></extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25, height=340)
    figure.update_xaxes(type="category")
    return figure


def votes_table(
    votes: Mapping[str, NDArray[np.int64]], titles: Mapping[str, str], classes: Sequence[str]
) -> pd.DataFrame:
    """Draws per class, one model a row."""
    return pd.DataFrame(
        [
            {"model": titles[name], "draws": int(counts.sum())}
            | {str(classes[at]): int(count) for at, count in enumerate(counts)}
            for name, counts in votes.items()
        ]
    )


def picture(pixels: NDArray[np.floating], side: int) -> NDArray[np.uint8]:
    """An image in [0, 1], (C, H, W), enlarged without smoothing to about `side` pixels, (H, W, 3).

    Values outside [0, 1], which noise makes, are clipped: a screen cannot show them.
    """
    channels, height, width = pixels.shape
    colour = np.repeat(pixels, 3, axis=0) if channels == 1 else pixels[:3]
    times = max(1, side // max(height, width))
    large = np.repeat(np.repeat(colour, times, axis=1), times, axis=2)
    bytes_: NDArray[np.uint8] = (255 * np.clip(large, 0, 1)).round().astype(np.uint8)
    return bytes_.transpose(1, 2, 0)


def status(model: Fate, base: Fate, loss: Loss = Loss.NONE) -> str:
    """A short label of an input in the gallery: its radius, before and after compression, or what
    lost it."""
    if model.predicted == ABSTAIN or not model.right:
        outcome = "abstains" if model.predicted == ABSTAIN else "wrong"
        cause = LOSS_TITLES[loss].removeprefix("lost by ").removeprefix("the ")
        return f"{outcome}: {cause}" if cause else outcome
    after = down(model.radius, 2)
    return after if model.name == BASE else f"{down(base.radius, 2)} → {after}"


def outcome(fate: Fate, classes: Sequence[str]) -> str:
    """What a model certifies for an input, with the radius."""
    if fate.predicted == ABSTAIN:
        return "abstains"
    wrong = "" if fate.right else " (wrong)"
    return f"{_class(fate.predicted, classes)}{wrong} up to {down(fate.radius)}"


ReadImages = Callable[[NDArray[np.int64]], NDArray[np.float32]]


def _class(number: int, classes: Sequence[str]) -> str:
    return "abstains" if number == ABSTAIN else str(classes[number])


def branch_words(fate: Fate) -> str:
    """Whether the draws behind a certificate were reused or drawn anew."""
    if fate.name == BASE:
        return "drawn for the original"
    names = {
        Branch.SCRATCH: "drawn anew, nothing reused",
        Branch.INCREMENTAL: f"reused from the original, less {methods.get(fate.method).price}",
        Branch.DIRECT: "drawn anew",
        Branch.SKIPPED: "not drawn",
    }
    return names[fate.branch]
