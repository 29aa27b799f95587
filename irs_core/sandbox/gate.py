"""The one gate: a function runs on a foreign file in a child process, and its answer comes back.

The child is started afresh (never forked), in its own process group and its own temporary folder,
with few of the environment's variables. It is held to limits of time, memory, files and processes,
and has no network where the system allows to shut it. Its answer is JSON and arrays of numbers,
read as if the file had written it.
"""

import contextlib
import json
import logging
import os
import re
import select
import signal
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from irs_core import errors
from irs_core.errors import IrsError, SandboxError
from irs_core.sandbox.child import READY
from irs_core.sandbox.limits import (
    FILE_MB,
    FILE_SECONDS,
    Limits,
    network_name,
    resident_bytes,
)
from irs_core.sandbox.process import Child, Spare, started
from irs_core.sandbox.wire import WireError, decode

logger = logging.getLogger(__name__)

# Children at work at one time; more would take the memory of the machine.
_AT_ONCE = 2
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.02
_MB = 1_000_000
_MOST_TEXT = 1000
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_slots = threading.BoundedSemaphore(_AT_ONCE)


def in_child(
    function: Callable[..., Any],
    *arguments: Any,
    what: str,
    limits: Limits | None = None,
    folders: Sequence[Path] | None = None,
    loads: Sequence[str] = (),
    network: bool = False,
) -> Any:
    """What a function says of a file, run where the file can hurt nobody.

    Args:
        function: Of a module, by whose name the child imports it; it returns JSON values and
            arrays of numbers.
        arguments: JSON values.
        what: What is read, for messages.
        limits: None takes the operator's.
        folders: Files outside these folders are never opened; None for any file.
        loads: Modules that it needs, which are imported before the clock starts.
        network: Leave the network open, for a server that the operator lists.

    Raises:
        SandboxError: The child took more than it may, or ended without an answer.
        IrsError: What the function raised, of the same class and in the same words.
    """
    limits = limits or Limits.chosen()
    if not function.__qualname__.isidentifier() or function.__module__ == "__main__":
        raise SandboxError(f"only functions of modules run in a child; got {function.__qualname__}")
    request = {
        "module": function.__module__,
        "name": function.__name__,
        "arguments": arguments,
        "limits": asdict(limits),
        "folders": None if folders is None else [str(one) for one in folders],
    }
    shown = _one_line(what)[:80]
    if not _slots.acquire(timeout=limits.seconds):
        raise SandboxError(
            f"{_AT_ONCE} other files are being read, and {shown!r} waited {limits.seconds:g} s: "
            "try again in a minute"
        )
    try:
        # A spare has imported what others would wait for.
        spare = _spare.take() if loads and not network else None
        child = spare or started(loads, network=network)
        try:
            return _value(_asked(child, request, limits, shown), shown, limits)
        finally:
            child.end()
            if spare is not None:
                # What was asked has its answer; without a spare the next one waits for its imports.
                with contextlib.suppress(SandboxError):
                    _spare.refill()
    finally:
        _slots.release()


@cache
def network_is_shut() -> bool:
    """Whether children of this system reach no network; tried once."""
    return bool(in_child(network_name, what="the network") != network_name())


_spare = Spare()


def keep_spare(*loads: str) -> None:
    """Start a child that imports these modules, so that the next file is read without delay.

    It ends by itself after 15 idle minutes; this may be called as often as one likes.
    """
    _spare.keep(loads)


def _asked(child: Child, request: Any, limits: Limits, what: str) -> Any:
    """The child's answer, decoded."""
    started = bytearray()
    _receive(child, started, len(READY), time.monotonic() + _START_SECONDS, None, what, limits)
    base = resident_bytes(child.process.pid)
    content = json.dumps(request).encode()
    assert child.process.stdin is not None
    try:
        child.process.stdin.write(struct.pack(">Q", len(content)) + content)
        child.process.stdin.flush()
    except OSError:
        raise SandboxError(f"the process to read {what!r} in ended at once: try again") from None
    found = bytearray()
    until = time.monotonic() + limits.seconds
    _receive(child, found, None, until, base + limits.memory, what, limits)
    try:
        return decode(found)
    except WireError:
        raise _ended(child, what, limits) from None


def _receive(
    child: Child,
    into: bytearray,
    count: int | None,
    until: float,
    most: int | None,
    what: str,
    limits: Limits,
) -> None:
    """Read until the count, or the end, is reached; watch clock, memory and size meanwhile."""
    while count is None or len(into) < count:
        if time.monotonic() > until:
            raise _too_long(what, limits)
        if most is not None and resident_bytes(child.process.pid) > most:
            raise _too_large(what, limits)
        if not select.select([child.answer], [], [], _LOOK_SECONDS)[0]:
            continue
        part = os.read(child.answer, 1 << 20 if count is None else count - len(into))
        if not part:
            if count is not None:
                raise SandboxError(f"the process to read {what!r} in did not start: try again")
            return
        into += part
        if len(into) > limits.output:
            raise SandboxError(
                f"what {what!r} gives has more than {limits.output} bytes, the most that is taken: "
                "choose fewer or smaller inputs"
            )


def _value(answer: Any, what: str, limits: Limits) -> Any:
    """The function's value, or its error raised."""
    if isinstance(answer, dict) and "value" in answer:
        return answer["value"]
    if isinstance(answer, dict) and answer.get("memory") is True:
        raise _too_large(what, limits)
    if isinstance(answer, dict) and answer.get("written") is True:
        raise SandboxError(f"reading {what!r} wrote more than {limits.written} bytes to the disk")
    text = answer.get("text") if isinstance(answer, dict) else None
    if not isinstance(text, str):
        raise SandboxError(f"{what!r} cannot be read: its reader gave no answer")
    text = _one_line(text)[:_MOST_TEXT]
    if "error" in answer:
        kind = getattr(errors, str(answer["error"]), None)
        if isinstance(kind, type) and issubclass(kind, IrsError):
            raise (errors.DatasetError if kind is errors.ChannelsError else kind)(text)
    failed = _one_line(str(answer.get("failed")))[:80]
    logger.warning("reading %r failed: %s: %s", what, failed, text)
    raise SandboxError(
        f"{what!r} cannot be read: its reader failed ({failed}); save it again with the program "
        "that wrote it"
    )


def _ended(child: Child, what: str, limits: Limits) -> SandboxError:
    """Why there is no answer."""
    code = child.process.wait()
    if code == -signal.SIGXCPU:
        return _too_long(what, limits)
    logger.warning("reading %r ended its process with %s", what, code)
    # Native code that gets no memory ends the process, too.
    return SandboxError(
        f"{what!r} cannot be read: it ended the process that read it (code {code}), for want of "
        f"memory (at most {limits.memory // _MB} MB, {FILE_MB}) or because it is damaged; give a "
        "smaller file, or save it again"
    )


def _too_long(what: str, limits: Limits) -> SandboxError:
    return SandboxError(
        f"reading {what!r} took more than {limits.seconds:g} s: give a smaller file, or let the "
        f"operator raise {FILE_SECONDS}"
    )


def _too_large(what: str, limits: Limits) -> SandboxError:
    return SandboxError(
        f"reading {what!r} took more than {limits.memory // _MB} MB of memory: give a smaller "
        f"file, or let the operator raise {FILE_MB}"
    )


def _one_line(text: str) -> str:
    return " ".join(_UNPRINTABLE.sub(" ", text).split())
