"""Which output of a graph file holds the scores, and how they are read from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from irs_core.errors import CheckpointError

Dim = int | None
Single = Literal["", "logit", "probability"]


@dataclass(frozen=True)
class Output:
    """One output of a network.

    Args:
        name: As in the file.
        index: Its place among the outputs.
        shape: Open dimensions as None; None where the rank is unknown.
        sigmoid: It comes from a sigmoid.
    """

    name: str
    index: int
    shape: tuple[Dim, ...] | None
    sigmoid: bool = False

    @property
    def usable(self) -> bool:
        """Each image has one row of scores, all other dimensions being 1."""
        if self.shape is None:
            return True
        return sum(one != 1 for one in self.shape[1:]) <= 1 and len(self.shape) >= 1

    @property
    def classes(self) -> Dim:
        """Classes that it tells apart; None where the file leaves that open."""
        width = self._width
        return 2 if width == 1 else width

    @property
    def single(self) -> Single:
        """One score stands for two classes: a logit above 0, or a probability above 1/2."""
        if self._width != 1:
            return ""
        return "probability" if self.sigmoid else "logit"

    @property
    def squeezed(self) -> bool:
        """It has dimensions of 1 that scores do not have."""
        return self.shape is not None and len(self.shape) != 2

    @property
    def _width(self) -> Dim:
        if self.shape is None:
            return None
        if len(self.shape) == 1:
            # One number per image; a network without a batch axis gives as many as classes.
            return 1 if self.shape[0] in (None, 1) else self.shape[0]
        return next((one for one in self.shape[1:] if one != 1), 1)

    @property
    def note(self) -> str:
        """What is done to it, in a few words; empty where nothing is."""
        if self.single == "logit":
            return f"one score per image ({self.name!r}): class 1 where it is above 0, else class 0"
        if self.single == "probability":
            return f"one probability per image ({self.name!r}): class 1 where it is above 1/2"
        if self.squeezed:
            return f"output {self.name!r} of shape {shape_text(self.shape)} read as (N, classes)"
        return ""


def chosen_output(
    file: str, outputs: Sequence[Output], name: str | None = None, classes: int | None = None
) -> Output:
    """The output that holds the scores.

    Args:
        file: Its name, for messages.
        name: The output asked for; None takes the only one that can be meant.
        classes: Number of classes asked for, which an output may be known by.

    Raises:
        CheckpointError: None can be it, or several can.
    """
    listed = ", ".join(f"{one.name!r} {shape_text(one.shape)}" for one in outputs[:8])
    if name is not None:
        asked = [one for one in outputs if one.name == name]
        if not asked or not asked[0].usable:
            raise CheckpointError(f"{file!r} has no scores in {name!r}; its outputs: {listed}")
        return asked[0]
    able = [one for one in outputs if one.usable]
    if not able:
        raise CheckpointError(
            f"{file!r} must give scores (N, classes); its outputs: {listed or 'none'}"
        )
    if len(able) == 1:
        return able[0]
    likely = [one for one in able if not one.single and classes in (None, one.classes)]
    if len(likely) == 1:
        return likely[0]
    count = "" if classes is None else f" that may hold {classes} scores"
    raise CheckpointError(
        f"{file!r} has several outputs{count}: {listed}; say which holds the scores (--output NAME)"
    )


def shape_text(shape: Sequence[Dim] | None) -> str:
    """A shape for messages; open dimensions as question marks."""
    if shape is None:
        return "of unknown shape"
    return f"({', '.join('?' if one is None else str(one)[:24] for one in shape)})"
