"""What a module computes beside its state: code, structure and plain attributes, as a text."""

import functools
import hashlib
import inspect
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from irs_core.errors import SpecError

# What every module has; its parameters, buffers and parts are described one by one.
_COMMON = frozenset(vars(nn.Module()))
# What Python keeps with every class.
_OF_CLASSES = frozenset(
    (
        *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__"),
        *("__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl", "__slots__"),
        *("__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__"),
    )
)
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, slice)


def described(module: nn.Module) -> str:
    """All of a module that decides about its answers and is not in its state.

    Two modules of equal state and equal description answer alike, unless their code reads
    something that belongs to neither, such as a global variable or a file.

    Raises:
        SpecError: An attribute is of a kind whose content cannot be told.
    """
    parts = list(_modules(module))
    return "\n".join(f"{name}: {text}" for name, text in parts)


def _modules(module: nn.Module) -> Iterator[tuple[str, str]]:
    for name, part in module.named_modules(remove_duplicate=False):
        yield name, _class(type(part))
        hooks = [*part._forward_hooks.values(), *part._forward_pre_hooks.values()]
        if hooks:
            yield f"{name} hooks", _value(hooks, name)
        for buffer in sorted(part._non_persistent_buffers_set):
            yield f"{name}.{buffer}", _value(part.get_buffer(buffer), buffer)
        for key in sorted(set(vars(part)) - _COMMON):
            yield f"{name}.{key}", _value(vars(part)[key], f"{name}.{key}".strip("."))


def _value(value: Any, name: str) -> str:
    """A text that differs where the value does."""
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, Tensor | np.ndarray | np.generic):
        return _array(value)
    if isinstance(value, nn.Module):
        tensors = {key: _array(one) for key, one in sorted(value.state_dict().items())}
        return f"{described(value)} {tensors}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} {[_value(one, name) for one in value]}"
    if isinstance(value, Mapping):
        return str([(_value(key, name), _value(one, name)) for key, one in value.items()])
    if isinstance(value, set | frozenset):
        return f"set {sorted(_value(one, name) for one in value)}"
    if isinstance(value, type):
        return _class(value)
    if isinstance(value, functools.partial):
        return f"partial {_value([value.func, value.args, value.keywords], name)}"
    if isinstance(value, types.FunctionType):
        return _function(value, name)
    if isinstance(value, types.BuiltinFunctionType):
        return f"{value.__module__}.{value.__qualname__}"
    raise SpecError(
        f"what the module answers may depend on {name}, of type {type(value).__name__}, whose "
        "content cannot be told: keep it in a buffer, or give a callable with a name of its own"
    )


def _array(value: Any) -> str:
    array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
    content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return f"{array.dtype} {array.shape} {content}"


def _function(function: types.FunctionType, name: str) -> str:
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    bound = [function.__defaults__, function.__kwdefaults__, cells]
    return f"{_code(function)} {_value(bound, name)}"


def _class(kind: type) -> str:
    """The code of a class and of all that it inherits from."""
    return " < ".join(_code(one) for one in kind.__mro__ if one is not object)


def _code(thing: Any) -> str:
    """The name and, as far as Python knows it, the code."""
    name = f"{thing.__module__}.{thing.__qualname__}"
    # The versions of these packages are recorded with each study.
    if thing.__module__.partition(".")[0] in ("torch", "torchvision", "builtins"):
        return name
    try:
        return f"{name} {inspect.getsource(thing)}"
    except (OSError, TypeError):
        # As in the cells of a notebook, or where only compiled files were installed.
        return f"{name} {_compiled(thing)}"


def _compiled(thing: Any) -> str:
    """What Python runs of a function or a class whose source is not at hand.

    Raises:
        SpecError: It is neither.
    """
    if isinstance(thing, types.CodeType):
        inside = [
            _compiled(one) if isinstance(one, types.CodeType) else repr(one)
            for one in thing.co_consts
        ]
        return f"{thing.co_code.hex()} {thing.co_names} {thing.co_varnames} {inside}"
    if isinstance(thing, staticmethod | classmethod):
        return _compiled(thing.__func__)
    if isinstance(thing, property):
        return str([_compiled(one) for one in (thing.fget, thing.fset) if one is not None])
    if isinstance(thing, types.FunctionType):
        return _compiled(thing.__code__)
    if isinstance(thing, type):
        own = sorted((key, one) for key, one in vars(thing).items() if key not in _OF_CLASSES)
        return str([(key, _member(thing, key, one)) for key, one in own])
    raise SpecError(f"the code of {thing!r} cannot be told; put it into a file of its own")


def _member(kind: type, key: str, value: Any) -> str:
    if isinstance(value, staticmethod | classmethod | property | types.FunctionType):
        return _compiled(value)
    return _value(value, f"{kind.__qualname__}.{key}")
