"""Certified accuracy against radius: curves, their envelope over sigma, the figure, the table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from irs_core.certify import Certificates
from irs_core.metrics import certified_accuracy
from irs_core.spec import outward
from irs_core.spec.study import NoiseKind
from irs_core.text import plotly
from ui.shared import theme
from ui.shared.drawing import blank
from ui.shared.tables import certified_name

ENVELOPE = "best σ at each radius"
_POINTS = 181
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


@dataclass(frozen=True)
class RadiusCurve:
    """Certified accuracy of one model of one study, or the envelope of several.

    Args:
        name: Name of the model, e.g. `prune:0.1`.
        study: What tells its study from the others in view.
        noise: Kind of the noise that its study draws.
        certificates: One row per input; empty for an envelope.
        shares: Certified accuracy at `radii`.
    """

    name: str
    title: str
    study: str
    noise: NoiseKind
    certificates: tuple[Certificates, ...]
    labels: NDArray[np.int64]
    radii: NDArray[np.float64]
    shares: NDArray[np.float64]

    @property
    def family(self) -> tuple[str, str, NoiseKind]:
        """What its counterparts at other sigmas share with it; every original is called `base`."""
        return self.name, self.title, self.noise

    def at(self, radii: ArrayLike) -> NDArray[np.float64]:
        """Certified accuracy at other radii; for an envelope, the best of its members."""
        each = [certified_accuracy(one, self.labels, radii) for one in self.certificates]
        best: NDArray[np.float64] = np.max(each, axis=0)
        return best


def common_radii(certificates: Sequence[Certificates]) -> NDArray[np.float64]:
    """A grid of radii up to a little beyond the largest that occurs."""
    top = max((float(one.radius.max(initial=0.0)) for one in certificates), default=0.0)
    return np.linspace(0.0, 1.03 * top or 1.0, _POINTS)


def curve(
    name: str,
    title: str,
    study: str,
    noise: NoiseKind,
    certificates: Certificates,
    labels: NDArray[np.int64],
    radii: NDArray[np.float64],
) -> RadiusCurve:
    """The curve of one model."""
    shares = certified_accuracy(certificates, labels, radii)
    return RadiusCurve(name, title, study, noise, (certificates,), labels, radii, shares)


def envelopes(curves: Sequence[RadiusCurve]) -> list[RadiusCurve]:
    """At each radius the best study of each model; only of models at several sigmas.

    Studies on different inputs have no common envelope: they are left out.
    """
    found = []
    for family in dict.fromkeys(one.family for one in curves):
        same = [one for one in curves if one.family == family]
        sigmas = {c.sigma for one in same for c in one.certificates}
        comparable = all(np.array_equal(one.labels, same[0].labels) for one in same)
        if len(sigmas) > 1 and comparable:
            found.append(
                replace(
                    same[0],
                    study=ENVELOPE,
                    certificates=tuple(c for one in same for c in one.certificates),
                    shares=np.max([one.shares for one in same], axis=0),
                )
            )
    return found


def against_radius(curves: Sequence[RadiusCurve], marks: Sequence[float] = ()) -> go.Figure:
    """Certified accuracy against radius: colour by model, dashes by study, envelopes thick."""
    figure = blank("radius r, L2 norm (pixel units)", "certified accuracy (% of inputs)")
    studies = [one for one in dict.fromkeys(c.study for c in curves) if one != ENVELOPE]
    several = len(studies) > 1
    colours = theme.model_colours(one.name for one in curves)
    for one in curves:
        envelope = one.study == ENVELOPE
        colour = colours[one.name]
        thin = several and any(c.study == ENVELOPE and c.family == one.family for c in curves)
        label = plotly(f"{one.title}, {one.study}" if several else one.title)
        figure.add_scatter(
            x=one.radii,
            y=100 * one.shares,
            mode="lines",
            name=label,
            line={
                "shape": "hv",
                "color": colour if envelope or not thin else theme.faded(colour, 0.8),
                "width": 3.5 if envelope else 1.5 if thin else 2.5,
                "dash": "solid" if envelope else _dash(one, curves, studies),
            },
            # What is certified at a radius is so at a smaller one.
            customdata=[
                (outward.down(radius), outward.percent(share, 1, "counted"))
                for radius, share in zip(one.radii.tolist(), one.shares.tolist(), strict=True)
            ],
            hovertemplate=f"<b>{label}</b><br>r = %{{customdata[0]}}<br>"
            "%{customdata[1]}% certified<extra></extra>",
        )
    figure.update_yaxes(range=[0, 103])
    figure.update_xaxes(rangemode="tozero")
    # All at once: `add_vline` takes 10 ms for each.
    line = {"color": theme.NEUTRAL, "width": 1, "dash": "dot"}
    places = [{"x0": one, "x1": one, "y0": 0, "y1": 1, "yref": "y domain"} for one in marks]
    figure.update_layout(
        height=460, shapes=[{**one, "type": "line", "line": line} for one in places]
    )
    return figure


def _dash(one: RadiusCurve, curves: Sequence[RadiusCurve], studies: Sequence[str]) -> str:
    if len(studies) > 1:
        return _DASHES[1 + studies.index(one.study) % (len(_DASHES) - 1)]
    # With one study dashes tell apart models, for those who cannot tell the colours.
    return _DASHES[list(dict.fromkeys(c.name for c in curves)).index(one.name) % len(_DASHES)]


def curve_points(curves: Sequence[RadiusCurve]) -> pd.DataFrame:
    """The numbers of the figure, one point a row."""
    return pd.concat(
        pd.DataFrame(
            {
                "model": one.title,
                "study": one.study,
                "radius": one.radii,
                "certified accuracy": one.shares,
            }
        )
        for one in curves
    )


def at_radii(curves: Sequence[RadiusCurve], radii: Sequence[float]) -> pd.DataFrame:
    """Certified accuracy at chosen radii, and ACR, one row per curve."""
    rows = []
    for one in curves:
        envelope = one.study == ENVELOPE
        right = one.certificates[0].predicted == one.labels
        acr = float(np.mean(one.certificates[0].radius * right))
        rows.append(
            {
                "model": one.title,
                "study": one.study,
                "inputs": len(one.labels),
                "ACR": float("nan") if envelope else acr,
                **{
                    certified_name(radius): 100 * float(share)
                    for radius, share in zip(radii, one.at(list(radii)), strict=True)
                },
            }
        )
    return pd.DataFrame(rows)
