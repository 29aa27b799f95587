"""What a graph file says about its network, and the bounds that every network must keep."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from irs_core.errors import CheckpointError

# Numbers in one tensor, the batch left out: 1 GiB in 32 bits.
MAX_VALUES = 1 << 28

Dim = int | None


@dataclass(frozen=True)
class GraphFacts:
    """A network from one image to one score per class.

    Args:
        batch: Images per run; None where any number will do.
        input_shape: (channels, height, width), None where the file leaves one open.
        num_classes: Scores per image; None where the file leaves it open.
        parameters: Numbers among its constants.
        quantised: It computes in 8-bit integers, at least in part.
    """

    batch: Dim
    input_shape: tuple[Dim, Dim, Dim]
    num_classes: Dim
    parameters: int
    quantised: bool


def facts_of(
    name: str,
    inputs: Sequence[Sequence[Dim] | None],
    outputs: Sequence[Sequence[Dim] | None],
    *,
    parameters: int,
    operations: set[str],
) -> GraphFacts:
    """The facts of a network with these inputs and outputs.

    Args:
        inputs, outputs: Shapes, an open dimension as None, an unknown rank as None.
        operations: Types of its operations.

    Raises:
        CheckpointError: It is no image classifier.
    """
    if len(inputs) != 1 or inputs[0] is None or len(inputs[0]) != 4:
        raise CheckpointError(
            f"{name!r} must have one input (N, channels, height, width); it has "
            f"{', '.join(map(_shape, inputs)) or 'none'}"
        )
    if len(outputs) != 1 or (outputs[0] is not None and len(outputs[0]) != 2):
        raise CheckpointError(
            f"{name!r} must have one output (N, classes); it has "
            f"{', '.join(map(_shape, outputs)) or 'none'}"
        )
    for shape in (inputs[0], outputs[0] or ()):
        check_dims(name, shape)
    batch, channels, height, width = inputs[0]
    classes = outputs[0][1] if outputs[0] else None
    if classes is not None and classes < 2:
        raise CheckpointError(f"{name!r} must score at least 2 classes; it scores {classes}")
    return GraphFacts(
        batch,
        (channels, height, width),
        classes,
        parameters,
        quantised=any(
            "Quantize" in one or "Integer" in one or "QLinear" in one for one in operations
        ),
    )


def check_dims(name: str, shape: Sequence[Dim]) -> int:
    """Refuse a shape of too many numbers; the number of them, open dimensions counted as 1.

    Raises:
        CheckpointError: A dimension is negative or the product too large.
    """
    known = [one for one in shape if one is not None]
    if any(one < 0 for one in known) or math.prod(known) > MAX_VALUES:
        raise CheckpointError(
            f"{name!r} has a tensor of shape {_shape(shape)}; at most {MAX_VALUES} numbers are "
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


def _shape(shape: Sequence[Dim] | None) -> str:
    if shape is None:
        return "an unknown shape"
    return f"({', '.join('?' if one is None else str(one)[:24] for one in shape)})"
