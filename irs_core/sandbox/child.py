"""What runs in a child process: one function on one file, then the end."""

import errno
import importlib
import json
import logging
import os
import select
import shutil
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from irs_core.errors import IrsError
from irs_core.sandbox.limits import Limits, apply_limits, shut_network
from irs_core.sandbox.opening import confine
from irs_core.sandbox.wire import encode

READY = b"R"
# A spare that nobody needs goes.
_IDLE_SECONDS = 900


def main(answer: int, preload: Sequence[str], network: bool) -> None:
    """Wait for a request on standard input, and answer it on a descriptor.

    Args:
        answer: The descriptor.
        preload: Modules to import before the request comes.
        network: Whether the network stays open.
    """
    if not network:
        shut_network()
    logging.disable(logging.CRITICAL)
    for name in preload:
        importlib.import_module(name)
    os.write(answer, READY)
    request = _request()
    if request is None:
        shutil.rmtree(Path.cwd(), ignore_errors=True)
        return
    _send(answer, _answer(request))
    # Threads of native libraries need not be waited for.
    os._exit(0)


def _request() -> dict[str, Any] | None:
    if not select.select([0], [], [], _IDLE_SECONDS)[0]:
        return None
    head = sys.stdin.buffer.read(8)
    if len(head) < 8:
        return None
    found: dict[str, Any] = json.loads(sys.stdin.buffer.read(struct.unpack(">Q", head)[0]))
    return found


def _answer(request: dict[str, Any]) -> bytes:
    try:
        function = getattr(importlib.import_module(request["module"]), request["name"])
        if request["folders"] is not None:
            # What it wrote into its own folder, which is empty at first, it may read back.
            confine([*map(Path, request["folders"]), Path.cwd().resolve()])
        apply_limits(Limits(**request["limits"]))
        return encode({"value": function(*request["arguments"])})
    except IrsError as error:
        return encode({"error": type(error).__name__, "text": str(error)})
    except MemoryError:
        return encode({"memory": True})
    except BaseException as error:
        # The limit's own signal is ignored by Python, which raises this instead.
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return encode({"written": True})
        # Of a reader that a file brought to fail; the words may be the file's own.
        return encode({"failed": type(error).__name__, "text": str(error)[:500]})


def _send(answer: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(answer, rest[: 1 << 20]) :]
