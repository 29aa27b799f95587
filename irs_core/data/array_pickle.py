"""Numpy arrays in pickles of strangers, read without a call into their objects or into numpy's own.

Numpy takes the state of an array from a pickle on trust: a damaged one ends the process. Here a
pickle gets stand-ins for the few names that arrays are pickled with, and the arrays are made
from what the stand-ins were told, once it is checked.
"""

import math
import pickle
import re
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

_PLAIN = re.compile("[biuf][1248]")
_ORDERS = ("|", "=", "<", ">")
_MOST_AXES = 4


def load_arrays(file: BinaryIO) -> dict[Any, Any]:
    """The dictionary in a pickle, with its arrays; texts of Python 2 come as bytes.

    Raises:
        Exception: Of almost any kind: the file is damaged, or holds anything but containers,
            numbers, texts and arrays of numbers.
    """
    content = _Unpickler(file, encoding="bytes").load()
    if not isinstance(content, dict):
        raise pickle.UnpicklingError("it holds no dictionary")
    return {
        key: value.made() if isinstance(value, _Array) else value for key, value in content.items()
    }


class _Stated:
    """What a pickle makes in two steps: an object, then its state."""

    state: Any = None


class _Array(_Stated):
    def made(self) -> NDArray[Any]:
        """The array; numpy's state is (version, shape, type, column order, content)."""
        shape, kind, by_columns, content = self.state[-4:]
        if not isinstance(kind, _Type) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array in it has no type or no content")
        sizes = isinstance(shape, tuple) and all(type(one) is int and one >= 0 for one in shape)
        if not sizes or len(shape) > _MOST_AXES:
            raise pickle.UnpicklingError(f"an array in it has the shape {shape!r}")
        dtype = kind.made()
        if len(content) != math.prod(shape) * dtype.itemsize:
            raise pickle.UnpicklingError(
                f"an array in it of shape {shape} and type {dtype} has {len(content)} bytes"
            )
        stored = np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")
        return stored.astype(dtype.newbyteorder("="), copy=False)


class _Type(_Stated):
    def __init__(self, name: bytes | str, *_: object) -> None:
        self.name = name.decode() if isinstance(name, bytes) else name

    def made(self) -> np.dtype[Any]:
        """The type; numpy's state is (version, byte order, ...)."""
        order = self.state[1]
        order = order.decode() if isinstance(order, bytes) else order
        if not _PLAIN.fullmatch(self.name) or order not in _ORDERS:
            raise pickle.UnpicklingError(f"an array in it has the type {self.name!r}")
        return np.dtype(order + self.name)


def _new_array(*_: object) -> _Array:
    return _Array()


def _latin1(text: str, codec: str) -> bytes:
    """What Python 3 writes for bytes; any other codec could make a small file large."""
    if codec != "latin1":
        raise pickle.UnpicklingError(f"it encodes as {codec!r}")
    return text.encode(codec)


_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _latin1,
}


# The one in C reserves a place in memory for every number up to the largest that a file names.
class _Unpickler(pickle._Unpickler):
    dispatch: ClassVar[dict[int, Any]] = {**pickle._Unpickler.dispatch}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return _NAMES[module, name]

    def load_build(self) -> None:
        """Keep a state for later. Left to itself it sets attributes of whatever is there."""
        state, made = self.stack.pop(), self.stack[-1]  # type: ignore[attr-defined]
        if type(made) not in (_Array, _Type) or not isinstance(state, tuple):
            raise pickle.UnpicklingError("it changes what is no array")
        made.state = state

    dispatch[pickle.BUILD[0]] = load_build
