"""The record of a certification method: all that the rest of the product knows about it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from irs_core.certify import Certificates
from irs_core.methods.kit.case import Case
from irs_core.methods.kit.counts import Floats, Ints
from irs_core.methods.kit.observed import Observed, Wish
from irs_core.spec.settings import Settings
from irs_core.spec.study import Stream, StudySpec

# With what a study has to run to have the draws of two-sided radii, in an error's words.
TWO_SIDED_ASKED = "two-sided radii, or with the method IRS,"
Tone = Literal["model", "neutral", "mark"]


@dataclass(frozen=True)
class Style:
    """How a method's curve is drawn.

    Args:
        dash, symbol: By Plotly's names; each pair is used once.
        tone: The colour where one model has a panel of its own.
    """

    dash: str
    symbol: str
    tone: Tone = "model"


@dataclass(frozen=True)
class Branches:
    """A method that takes each input by one of two branches, which gamma alone chooses.

    Args:
        certify: Certificates at a budget if every input took the incremental branch and if every
            input took the direct one, each with the inputs whose draws it has.
        direct: Inputs that take the direct branch.
    """

    certify: Callable[[Case, int], tuple[tuple[Certificates, NDArray[np.bool_]], ...]]
    direct: Callable[[Case], NDArray[np.bool_]]


@dataclass(frozen=True)
class MethodDef:
    """A certification method.

    Args:
        name: As on the command line and in files.
        title: As people write it.
        phrase: What it does, after its title, in a legend.
        sentence: What it is and where it comes from.
        asked_with: With what a study has to run to have its draws, in an error's words.
        style: Of its curve.
        order: Place among the methods wherever they are listed.
        standing: Of the methods that certified a model, the one with the least number is quoted
            for it.
        proven: Failure probability per input that is proven, from the settings.
        stages: Draws that it needs, stage by stage; each stage is filled before the next is asked
            for, which may depend on it. All compressed classifiers at once.
        expected: Draws per input that it takes of each compressed classifier, by stream, before
            anything is known.
        certify: Certificates at one of its points.
        seconds: Measured seconds of the draws of a point, (inputs that are certified,).
        points: Draws per input at each point of its curve; the last ones are the study's n_p.
        baseline: Certifies from scratch; studies ask for it by `baseline`.
        extra_streams: Streams that it uses beside those of every compressed classifier.
        reach: Estimation draws of f, from the first, among which it may run f^p; None for n_p.
        branches: Where gamma changes its certificates.
        price, reused: What it pays for reusing draws of f, and a sentence on how the bound came
            about, with places for base, lost, bound and tested; empty where it reuses none.
        counts: Type of what it counts beside the counts that all share; None for nothing.
        count: Makes that.
        anytime: Where it may stop an input at any number of draws: up to each look, on how many
            draws of the stream f gave its candidate and f^p did not, and how many draws were
            looked through, each (inputs that are certified, looks). All points of its curve then
            hold together.
        plans: Whether it divides a budget among inputs before it runs: goals, forecasts, looks
            and reasons per input are for such methods. Its first stage is the pilot.
        two_sided: Whether it has two-sided radii.
    """

    name: str
    title: str
    phrase: str
    sentence: str
    asked_with: str
    style: Style
    order: int
    standing: int
    proven: Callable[[Settings], float]
    stages: Callable[[Sequence[Observed]], Iterator[list[Wish]]]
    expected: Callable[[StudySpec], Mapping[Stream, int]]
    certify: Callable[[Case, int], Certificates]
    seconds: Callable[[Case, int], Floats]
    points: Callable[[Case], tuple[int, ...]] = lambda case: case.budgets
    baseline: bool = False
    extra_streams: tuple[Stream, ...] = ()
    reach: Callable[[StudySpec], int] | None = None
    branches: Branches | None = None
    price: str = ""
    reused: str = ""
    counts: type[Any] | None = None
    count: Callable[[Observed], Any] | None = None
    anytime: Callable[[Case], tuple[Ints, Ints]] | None = None
    plans: bool = False
    two_sided: bool = False
