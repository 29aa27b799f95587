"""What checkpoints wrap weights in: names of state dicts, prefixes of tensors, normalisation.

One table each. What the tables do not know is left to the longest common prefix, and refused
where that does not help.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from irs_core.errors import CheckpointError
from irs_core.models.normalize import Numbers

# Under which name a file keeps its state dict; those of the second row are running means of
# weights (EMA), which are other weights than the plain ones.
PLAIN = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "params",
    "weights", "module", "classifier", "student",
)  # fmt: skip
AVERAGED = (
    "state_dict_ema", "model_ema", "ema_state_dict", "model_ema_state_dict", "ema", "params_ema",
    "ema_model",
)  # fmt: skip
# What wrappers put before the name of every tensor.
PREFIXES = (
    "module.", "_orig_mod.", "_fsdp_wrapped_module.", "ema_model.", "model.", "net.", "network.",
    "backbone.", "encoder.", "classifier.", "student.", "1.",
)  # fmt: skip
# Counters of wrappers, which are no part of the network.
_STRAYS = ("n_averaged", "initted", "step")
# Parts of a training beside the network: losses, metrics, the attack of Madry's library.
_BESIDE = ("criterion.", "loss.", "loss_fn.", "metrics.", "train_acc.", "val_acc.", "attacker.")
_MEANS = ("mean", "means", "mu", "new_mean", "pixel_mean")
_STDS = ("std", "stds", "sd", "sds", "sigma", "new_std", "pixel_std")
# Cohen et al. 2019 put the network second behind a layer that has no tensors of its own.
_SECOND = "1."
ELSEWHERE = (
    "which only its own network can use: export that to ONNX, or name a function "
    "that builds it, as in call:package.module:make (docs/how-to/from-pytorch-quantisation.md)"
)
# Numbers of a normalisation, and state dicts in one another.
_MOST, _DEEPEST = 4, 3


@dataclass(frozen=True)
class Named:
    """A state dict at some depth of its wrappers.

    Args:
        state: Tensors by name.
        mean, std: Normalisation found beside them; None for none.
        second: Whether a first layer without tensors came before the network.
    """

    state: Mapping[str, Tensor]
    mean: Numbers = None
    std: Numbers = None
    second: bool = False


def unwrapped(
    name: str, content: Mapping[Any, Any], foreign: type, *, deep: int = _DEEPEST
) -> dict[str, Tensor]:
    """The one state dict in what a file holds.

    Args:
        name: The file's, for messages.
        foreign: The type of what stands for pickled objects.
        deep: So many state dicts may lie in one another.

    Raises:
        CheckpointError: There is none, or there are plain and averaged weights that differ.
    """
    if _is_state(content):
        return _tensors(name, content, foreign)
    plain, averaged = (
        {key: content[key] for key in keys if key in content} for keys in (PLAIN, AVERAGED)
    )
    for key, value in {**plain, **averaged}.items():
        if isinstance(value, foreign):
            raise CheckpointError(
                f"{name} holds under {key!r} an object of {getattr(value, 'of', '?')}, and objects "
                "other than tensors are never loaded: save its state_dict() instead"
            )
    found = {
        key: value
        for group in (plain, averaged)
        for key, value in group.items()
        if isinstance(value, Mapping) and value
    }
    if not found or not deep:
        raise CheckpointError(
            f"{name} must hold a state dict of tensors by name, bare or under one of "
            f"{', '.join(PLAIN[:6])}; it holds {_keys(content)}"
        )
    states = {key: unwrapped(name, one, foreign, deep=deep - 1) for key, one in found.items()}
    first = next(iter(states))
    for key, state in states.items():
        if key != first and not _equal(states[first], state):
            raise CheckpointError(
                f"{name} holds different weights under {first!r} and {key!r}; save the one that is "
                f"meant: torch.save(torch.load(FILE, weights_only=True)[{key!r}], 'one.pt')"
            )
    return states[first]


def depths(state: Mapping[str, Tensor]) -> Iterator[Named]:
    """The state dict without its wrappers, one after the other; last without any common prefix."""
    named = Named({k: v for k, v in state.items() if k not in _STRAYS})
    seen = True
    while seen:
        yield named
        named = _without_normalisation(_alone(named))
        prefix = next((one for one in PREFIXES if _all_start(named.state, one)), None)
        seen = prefix is not None
        if prefix is not None:
            named = _stripped(named, prefix)
    yield named
    prefix = _common(named.state)
    if prefix:
        yield _stripped(named, prefix)


def _alone(named: Named) -> Named:
    state = {k: v for k, v in named.state.items() if not k.startswith(_BESIDE)}
    return replace(named, state=state)


def _stripped(named: Named, prefix: str) -> Named:
    state = {name.removeprefix(prefix): value for name, value in named.state.items()}
    return replace(named, state=state, second=named.second or prefix == _SECOND)


def _without_normalisation(named: Named) -> Named:
    """The same, with a pair of a mean and a std per channel taken out of its tensors."""
    for name, value in named.state.items():
        parent, _, last = name.rpartition(".")
        parent += "." if parent else ""
        if last not in _MEANS or not 1 <= value.numel() <= _MOST or _is_deep(parent):
            continue
        for other in _STDS:
            std = named.state.get(parent + other)
            if std is not None and std.numel() == value.numel():
                taken = {name, parent + other}
                rest = {key: one for key, one in named.state.items() if key not in taken}
                return replace(named, state=rest, mean=_numbers(value), std=_numbers(std))
    return named


def _is_deep(parent: str) -> bool:
    # Further inside, a mean is a statistic of a layer.
    return parent.count(".") > _prefix_depth(parent) + 1


def _prefix_depth(parent: str) -> int:
    depth = 0
    while prefix := next((one for one in PREFIXES if parent.startswith(one)), ""):
        parent, depth = parent.removeprefix(prefix), depth + 1
    return depth


def _common(state: Mapping[str, Tensor]) -> str:
    """The longest prefix, up to a dot, of all names."""
    parts = [name.split(".")[:-1] for name in state]
    shared = []
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    return "".join(f"{one}." for one in shared)


def _all_start(state: Mapping[str, Tensor], prefix: str) -> bool:
    return bool(state) and all(name.startswith(prefix) for name in state)


def _is_state(content: Mapping[Any, Any]) -> bool:
    return any(isinstance(value, Tensor) for value in content.values()) and not any(
        isinstance(value, Mapping) and any(isinstance(one, Tensor) for one in value.values())
        for value in content.values()
    )


def _tensors(name: str, content: Mapping[Any, Any], foreign: type) -> dict[str, Tensor]:
    """The tensors; numbers, texts and objects beside them belong to wrappers."""
    for key, value in content.items():
        if "_packed_params" in str(key):
            raise CheckpointError(
                f"{name} holds the weights of a network quantised by PyTorch ({key}), {ELSEWHERE}"
            )
        # Names with dots are those of parts of a network.
        odd = isinstance(value, Tensor) and type(value) not in (Tensor, Parameter)
        if odd or (isinstance(value, foreign) and "." in str(key)):
            kind = getattr(value, "of", type(value).__name__)
            raise CheckpointError(f"{name} holds {key} as an object of {kind}, {ELSEWHERE}")
    return {
        key: value
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }


def _equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return list(first) == list(second) and all(
        one.shape == other.shape and one.dtype == other.dtype and is_whole(one) and one.equal(other)
        for one, other in zip(first.values(), second.values(), strict=True)
    )


def is_whole(tensor: Tensor) -> bool:
    """Whether a tensor has all its numbers: a view of few may claim to be of any size."""
    return tensor.layout is torch.strided and tensor.nbytes <= tensor.untyped_storage().nbytes()


def _keys(content: Mapping[Any, Any]) -> str:
    shown = [repr(key)[:40] for key in list(content)[:6]]
    return ", ".join(shown) + (" ..." if len(content) > len(shown) else "") if shown else "nothing"


def _numbers(value: Tensor) -> tuple[float, ...]:
    return tuple(float(one) for one in value.flatten().tolist())
