"""What a child sends: JSON and arrays of numbers, no pickle. The reader trusts nothing of it."""

import json
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct(">Q")
_MARK = "__array__"
_KINDS = frozenset({"|u1", "|b1", "<u2", "<i8", "<f4", "<f8"})
_AXES = 8
# Bytes of JSON; objects made of it take many times as much in the server's memory.
_MOST_HEAD = 8_000_000


class WireError(ValueError):
    """Bytes that are no message."""


def encode(value: Any) -> bytes:
    """A message of JSON values and arrays of numbers."""
    arrays: list[bytes] = []
    head = json.dumps(_plain(value, arrays)).encode()
    return b"".join((_HEAD.pack(len(head)), head, *arrays))


def decode(content: bytes | bytearray) -> Any:
    """The value in a message; its arrays lie in it.

    Raises:
        WireError: The content is no message.
    """
    try:
        (length,) = _HEAD.unpack_from(content)
        end = _HEAD.size + length
        if end > len(content):
            raise WireError("a message is cut")
        if length > _MOST_HEAD:
            raise WireError("the texts of a message are too long")
        head = json.loads(content[_HEAD.size : end])
        rest = _Rest(memoryview(content)[end:])
        value = _made(head, rest)
    except WireError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise WireError(f"no message: {type(error).__name__}") from None
    if not rest.used_up:
        raise WireError("a message has bytes behind its end")
    return value


def _plain(value: Any, arrays: list[bytes]) -> Any:
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
        arrays.append(array.tobytes())
        return {_MARK: array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, dict):
        return {str(key): _plain(one, arrays) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, arrays) for one in value]
    return value


class _Rest:
    """The arrays of a message, taken in order."""

    def __init__(self, content: memoryview) -> None:
        self._content = content

    @property
    def used_up(self) -> bool:
        return not self._content

    def take(self, kind: str, shape: list[int]) -> NDArray[Any]:
        if kind not in _KINDS or len(shape) > _AXES:
            raise WireError("an array of another kind")
        if not all(type(one) is int and one >= 0 for one in shape):
            raise WireError("an array of no shape")
        size = math.prod(shape) * np.dtype(kind).itemsize
        if size > len(self._content):
            raise WireError("an array is cut")
        taken, self._content = self._content[:size], self._content[size:]
        return np.frombuffer(taken, np.dtype(kind)).reshape(shape)


def _made(value: Any, rest: _Rest) -> Any:
    if isinstance(value, dict):
        if _MARK in value:
            return rest.take(value[_MARK], value["shape"])
        return {key: _made(one, rest) for key, one in value.items()}
    if isinstance(value, list):
        return [_made(one, rest) for one in value]
    return value
