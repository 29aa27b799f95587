"""Weights that a file keeps in parts: pruning masks, weight and spectral normalisation.

PyTorch's `prune`, `weight_norm`, `spectral_norm` and `parametrize` compute a weight from other
tensors at each call; here it is computed once, as they would in evaluation mode.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from irs_core.errors import CheckpointError
from irs_core.models.wrappers import ELSEWHERE, is_whole

State = dict[str, Tensor]


@dataclass(frozen=True)
class _Recipe:
    """How one kind of parts makes a weight.

    Args:
        parts: Names of the parts, `{0}` for the layer (with its dot) and `{1}` for the weight.
        make: The weight from the parts, in that order.
    """

    parts: tuple[str, ...]
    make: Callable[..., Tensor]


def _wide(part: Tensor) -> Tensor:
    return part if part.dtype == torch.float64 else part.float()


def _masked(weight: Tensor, mask: Tensor) -> Tensor:
    return weight * mask.to(weight.dtype)


def _weight_norm(scale: Tensor, direction: Tensor) -> Tensor:
    axes = [axis for axis in range(direction.ndim) if scale.ndim == 0 or scale.shape[axis] == 1]
    return torch.as_tensor(
        direction * (scale / torch.linalg.vector_norm(direction, dim=axes, keepdim=True))
    )


def _spectral_norm(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    # Transposed convolutions are normalised over their second axis.
    axis = 0 if weight.shape[0] * v.numel() == weight.numel() else 1
    rows = weight.transpose(0, axis).flatten(1)
    return weight / torch.dot(u, rows @ v)


_RECIPES = (
    _Recipe(("{0}{1}_orig", "{0}{1}_mask"), _masked),
    _Recipe(("{0}{1}_orig", "{0}{1}_u", "{0}{1}_v"), _spectral_norm),
    _Recipe(("{0}{1}_g", "{0}{1}_v"), _weight_norm),
    _Recipe(
        ("{0}parametrizations.{1}.original0", "{0}parametrizations.{1}.original1"), _weight_norm
    ),
    _Recipe(
        (
            "{0}parametrizations.{1}.original",
            "{0}parametrizations.{1}.0._u",
            "{0}parametrizations.{1}.0._v",
        ),
        _spectral_norm,
    ),
)
_PARAMETRISED = re.compile(r"(.*\.|)parametrizations\.(\w+)\.")
# Ends of names that only other kinds of networks have, what those are, and the way out.
_OTHERS: tuple[tuple[str, str], ...] = (
    ("_packed_params", "weights of a network quantised by PyTorch"),
    ("zero_point", "weights of a network quantised by PyTorch"),
    ("weight_scale", "quantised weights with scales beside them"),
    ("weight_scale_inv", "quantised weights with scales beside them"),
    ("qweight", "weights packed by GPTQ or AWQ"),
    ("absmax", "weights packed by bitsandbytes"),
    ("SCB", "weights packed by bitsandbytes"),
    ("lora_A.weight", "a LoRA adapter"),
    ("lora_A.default.weight", "a LoRA adapter"),
)


def plain_weights(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> State:
    """The state dict with every weight of the architecture computed from its parts.

    Args:
        expected: The architecture's own tensors; none of these is touched.

    Raises:
        CheckpointError: The parts are of a kind that is not known, or do not fit together.
    """
    found = dict(state)
    for name in expected:
        if name not in found:
            _compute(found, name)
    _refuse_others(found, expected)
    return found


def _compute(state: State, name: str) -> None:
    layer, dot, last = name.rpartition(".")
    for recipe in _RECIPES:
        parts = [one.format(layer + dot, last) for one in recipe.parts]
        if all(one in state for one in parts):
            tensors = [state.pop(one) for one in parts]
            if not all(map(is_whole, tensors)):
                raise CheckpointError(f"the parts of {name} are views of fewer numbers, or sparse")
            try:
                state[name] = recipe.make(*map(_wide, tensors)).to(tensors[0].dtype)
            except (RuntimeError, IndexError):
                shapes = ", ".join(str(tuple(one.shape)) for one in tensors)
                raise CheckpointError(
                    f"the parts of {name} do not fit together: {shapes}"
                ) from None
            return


def _refuse_others(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    for name in state:
        if name in expected:
            continue
        found = _PARAMETRISED.match(name)
        if found:
            raise CheckpointError(
                f"{found[1]}{found[2]} has a parametrization that is not known here; call "
                "torch.nn.utils.parametrize.remove_parametrizations on the layer and save again"
            )
        for end, what in _OTHERS:
            if name.endswith(end):
                raise CheckpointError(f"these are {what} ({name}), {ELSEWHERE}")
