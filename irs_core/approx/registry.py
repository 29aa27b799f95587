"""Compressions by the type of their description."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from irs_core.errors import SpecError, UnknownKeyError
from irs_core.spec.compressions import Compression


@dataclass(frozen=True)
class ApproxReport:
    """What a compression does to a network.

    Args:
        title: Short name for people.
        touched: Names of convolution and linear layers that it changes.
        untouched: Names of those that it leaves as they are.
        size_bytes: Size of the weights as stored on disk in that format.
        nonzero_parameters: Trainable numbers that are not zero afterwards.
        note: One sentence on what happens and what does not.
    """

    title: str
    touched: tuple[str, ...]
    untouched: tuple[str, ...]
    size_bytes: int
    nonzero_parameters: int
    note: str


Apply = Callable[[nn.Module, Any], nn.Module]
Describe = Callable[[nn.Module, nn.Module, Any], ApproxReport]
_HANDLERS: dict[type, tuple[Apply, Describe]] = {}


def register(config: type, *, apply: Apply, describe: Describe) -> None:
    """Make a compression known under the type of its description.

    Args:
        apply: Takes a copy of the model, which it may change, and the description; gives the
            compressed model.
        describe: Takes the original, the compressed model and the description.

    Raises:
        SpecError: The type is registered already.
    """
    if config in _HANDLERS:
        raise SpecError(f"a compression for {config.__name__} exists; every type must be new")
    _HANDLERS[config] = (apply, describe)


def known_compressions() -> tuple[str, ...]:
    """Names of the description types that `compress` takes."""
    return tuple(config.__name__ for config in _HANDLERS)


def compress(model: nn.Module, config: Compression) -> nn.Module:
    """A compressed copy of the model, in evaluation mode; the model itself stays as it is.

    Raises:
        UnknownKeyError: No compression is registered for this type of description.
        ApproximationError: The compression does not fit the model.
    """
    apply, _ = _handlers(config)
    with torch.no_grad():
        return apply(copy.deepcopy(model).eval(), config).eval()


@dataclass(frozen=True, eq=False)
class Applied:
    """A compressed network with what was done to it.

    Args:
        module: In evaluation mode.
    """

    module: nn.Module
    report: ApproxReport


def applied(model: nn.Module, config: Compression) -> Applied:
    """Compress a copy of the model, once, and say what that did.

    Raises:
        UnknownKeyError: No compression is registered for this type of description.
        ApproximationError: The compression does not fit the model.
    """
    _, report = _handlers(config)
    module = compress(model, config)
    return Applied(module, report(model, module, config))


def _handlers(config: object) -> tuple[Apply, Describe]:
    found = _HANDLERS.get(type(config))
    if found is None:
        known = ", ".join(known_compressions())
        raise UnknownKeyError(f"no compression for {type(config).__name__}; known: {known}")
    return found
