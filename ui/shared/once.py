"""Work that sessions share: figures and tables are made once for all who look at the same."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
# A figure takes about 100 kB.
MAX_KEPT = 512
_PLAIN = (str, int, float, bool, bytes, type(None))


@dataclass
class _Kept:
    """One result. Its arguments stay alive with it, so that no other object gets their identity."""

    arguments: object
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: bool = False
    result: Any = None


_kept: OrderedDict[Hashable, _Kept] = OrderedDict()
# Marks of what is kept, by identity of the results.
_marks: dict[int, str] = {}
_guard = threading.Lock()


def once(make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `make` gives for these arguments, made once and shared by all sessions.

    Arguments count as the same if they are the same objects. Texts and numbers are compared by
    value, and so are lists, tuples and frozen dataclasses by what they hold. Whoever asks while
    another one makes it waits for that result.

    Args:
        make: A function of its arguments alone; nobody may change what it gives.
    """
    key = (make, _same(args), _same(tuple(kwargs.items())))
    with _guard:
        entry = _kept.setdefault(key, _Kept((args, kwargs)))
        _kept.move_to_end(key)
        _forget()
    with entry.lock:
        if not entry.made:
            entry.result = make(*args, **kwargs)
            entry.made = True
            with _guard:
                if _kept.get(key) is entry:
                    _marks[id(entry.result)] = entry.mark
    found: T = entry.result
    return found


def mark_of(result: object) -> str | None:
    """A text that nothing else ever has, of what `once` gave and still keeps; None of others."""
    with _guard:
        return _marks.get(id(result))


def clear() -> None:
    """Keep nothing."""
    with _guard:
        _kept.clear()
        _marks.clear()


def _forget() -> None:
    while len(_kept) > MAX_KEPT:
        _, oldest = _kept.popitem(last=False)
        if _marks.get(id(oldest.result)) == oldest.mark:
            del _marks[id(oldest.result)]


def _same(value: object) -> Hashable:
    if isinstance(value, _PLAIN):
        # 1, 1.0 and True are equal to Python, and are not shown alike.
        return type(value), value
    if isinstance(value, list | tuple):
        return type(value), tuple(map(_same, value))
    # Their fields stay what they are; what is within those is only looked at where it is plain.
    kind: Any = type(value)
    if is_dataclass(value) and kind.__dataclass_params__.frozen:
        parts = (getattr(value, one.name) for one in fields(value))
        return type(value), tuple(
            _same(one) if isinstance(one, _PLAIN) else id(one) for one in parts
        )
    return id(value)
