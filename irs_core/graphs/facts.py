"""What a graph file says about its network, and the bounds that every network must keep."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import CheckpointError
from irs_core.graphs.order_said import NOTHING_SAID, OrderSaid
from irs_core.graphs.outputs import Dim, Output, shape_text
from irs_core.graphs.precision import Precision

# Numbers in one tensor, the batch left out: 1 GiB in 32 bits.
MAX_VALUES = 1 << 28

Element = Literal["f32", "f16", "f64", "u8"]
# Channels of images, by which their place among the dimensions is known.
_CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class GraphFacts:
    """A network from one image to one score per class.

    Args:
        batch: Images per run; None where any number will do.
        input_shape: (channels, height, width), None where the file leaves one open.
        channels_last: The file itself takes (N, height, width, channels).
        element: Type of its pixels; `u8` stands for whole numbers 0 to 255.
        outputs: What it gives, or the one that was chosen.
        parameters: Numbers among its constants.
        precision: What it computes in.
        reversed: It takes blue, green, red, while images are red, green, blue.
        order_said: What the file says about that.
    """

    batch: Dim
    input_shape: tuple[Dim, Dim, Dim]
    channels_last: bool
    element: Element
    outputs: tuple[Output, ...]
    parameters: int
    precision: Precision
    reversed: bool = False
    order_said: OrderSaid = NOTHING_SAID

    @property
    def output(self) -> Output:
        """The output that holds the scores, once it was chosen."""
        return self.outputs[0]

    @property
    def num_classes(self) -> Dim:
        """Classes that it tells apart; None where the file leaves it open."""
        return self.output.classes

    @property
    def quantised(self) -> bool:
        """It computes in integers, at least in part."""
        return self.precision.quantised

    @property
    def notes(self) -> tuple[str, ...]:
        """What is done to images and scores, so that the file can be used; a few words each."""
        found = ["channels reversed to blue, green, red"] if self.reversed else []
        if self.channels_last:
            found.append("images transposed to (N, height, width, channels)")
        if self.element == "u8":
            found.append("pixels, noise included, rounded to whole numbers from 0 to 255")
        return (*found, *([self.output.note] if self.output.note else []))

    def with_output(self, output: Output) -> "GraphFacts":
        """The same network with one output chosen."""
        return replace(self, outputs=(output,))


def facts_of(
    name: str,
    inputs: Sequence[Sequence[Dim] | None],
    outputs: Sequence[Output],
    *,
    element: Element,
    parameters: int,
    precision: Precision,
) -> GraphFacts:
    """The facts of a network with these inputs and outputs.

    Args:
        inputs: Shapes, an open dimension as None, an unknown rank as None.

    Raises:
        CheckpointError: It is no image classifier.
    """
    if len(inputs) != 1 or inputs[0] is None or len(inputs[0]) != 4:
        raise CheckpointError(
            f"{name!r} must have one input (N, channels, height, width); it has "
            f"{', '.join(map(shape_text, inputs)) or 'none'}"
        )
    if not any(one.usable for one in outputs):
        listed = ", ".join(shape_text(one.shape) for one in outputs)
        raise CheckpointError(
            f"{name!r} must give scores (N, classes); its outputs: {listed or 'none'}"
        )
    for shape in (inputs[0], *(one.shape or () for one in outputs)):
        check_dims(name, shape)
    batch, *rest = inputs[0]
    last = rest[2] in _CHANNELS and rest[0] not in _CHANNELS
    channels, height, width = (rest[2], rest[0], rest[1]) if last else rest
    return GraphFacts(
        batch, (channels, height, width), last, element, tuple(outputs), parameters, precision
    )


def check_dims(name: str, shape: Sequence[Dim]) -> int:
    """Refuse a shape of too many numbers; the number of them, open dimensions counted as 1.

    Raises:
        CheckpointError: A dimension is negative or the product too large.
    """
    known = [one for one in shape if one is not None]
    if any(one < 0 for one in known) or math.prod(known) > MAX_VALUES:
        raise CheckpointError(
            f"{name!r} has a tensor of shape {shape_text(shape)}; at most {MAX_VALUES} numbers are "
            "allowed"
        )
    return math.prod(known)


def check_weights(name: str, values: NDArray[np.generic]) -> None:
    """Refuse constants among which one is not a number; infinity may be a mask or a limit.

    Raises:
        CheckpointError: There is a NaN.
    """
    if values.dtype.kind == "f" and bool(np.isnan(values).any()):
        raise CheckpointError(f"weights must be numbers; got NaN in {name!r}")
