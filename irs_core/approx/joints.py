"""Where a network joins or pools activations, and which layers lie next to that."""

from collections.abc import Callable, Collection
from typing import Any

Nodes = list[Any]


def joints(model: Any, layers: Collection[str]) -> dict[str, frozenset[str]]:
    """Operations that join or pool activations, and the layers that they take from and give to.

    Args:
        model: An OpenVINO model.
        layers: OpenVINO's names of its convolutions and linear layers.

    Returns:
        By OpenVINO's name of the operation, the names of the nearest layers before and after it.
    """
    active: set[str] = set()
    found = {}
    for operation in model.get_ordered_ops():
        kind, before = operation.get_type_name(), _before(operation)
        given = [one for one in before if one.get_friendly_name() in active]
        # Shapes are computed from activations, but are none.
        if kind == "Parameter" or (given and kind != "ShapeOf"):
            active.add(operation.get_friendly_name())
        pools = "Pool" in kind or kind.startswith("Reduce")
        if operation.get_friendly_name() not in layers and given and (pools or len(given) > 1):
            beside = _nearest(operation, _before, layers) | _nearest(operation, _after, layers)
            found[operation.get_friendly_name()] = beside
    return found


def _before(operation: Any) -> Nodes:
    return [one.get_source_output().get_node() for one in operation.inputs()]


def _after(operation: Any) -> Nodes:
    return [one.get_node() for output in operation.outputs() for one in output.get_target_inputs()]


def _nearest(
    operation: Any, step: Callable[[Any], Nodes], layers: Collection[str]
) -> frozenset[str]:
    """Names of the first layers on every way from an operation."""
    found, seen, queue = set(), set(), step(operation)
    while queue:
        one = queue.pop()
        name = one.get_friendly_name()
        if name in layers:
            found.add(name)
        elif name not in seen:
            seen.add(name)
            queue += step(one)
    return frozenset(found)
