"""What files were read to, kept until they change, so that listing reads what is new alone."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
State = tuple[int, int, int]
# Within one step of a file system's clock a file can change without a trace.
_SETTLED_NS = 1_000_000_000
# More than anybody has; files that are gone are forgotten with all others.
_MOST = 100_000


def file_state(path: Path) -> State:
    """What changes with a file: time of writing (ns), bytes, and number of the file.

    Raises:
        OSError: It is not there.
    """
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def kept_per_file(
    read: Callable[Concatenate[Path, State, P], T],
) -> Callable[Concatenate[Path, State, P], T]:
    """Keep the last result of each path, and give it again while the state is the same.

    A cache of fixed size that is smaller than a folder helps nothing: whoever goes through the
    folder finds each file thrown out just before it comes to it.

    Args:
        read: Reads a file; its further arguments are hashable.
    """
    kept: dict[object, tuple[State, T]] = {}

    def wrapped(path: Path, state: State, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (path, args, tuple(sorted(kwargs.items())))
        known = kept.get(key)
        if known is not None and known[0] == state:
            return known[1]
        found = read(path, state, *args, **kwargs)
        if time.time_ns() - state[0] > _SETTLED_NS:
            if len(kept) >= _MOST:
                kept.clear()
            kept[key] = state, found
        return found

    return wrapped
