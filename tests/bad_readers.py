"""What files bring readers to do, one function each; children import them by name."""

import ctypes
import os
import signal
import socket
import time
from pathlib import Path

import numpy as np

from irs_core.errors import ChannelsError, CheckpointError


def give(value):
    return value


def give_arrays():
    return {"pixels": np.arange(6, dtype=np.float32).reshape(2, 3), "none": np.zeros((0, 4), int)}


def sleep():
    time.sleep(600)


def hold_the_interpreter():
    """Native code that keeps the lock for ever, as shape inference may."""
    ctypes.PyDLL(None).sleep(600)


def spin():
    while True:
        pass


def eat_memory():
    kept = []
    while True:
        kept.append(np.ones(20_000_000, np.uint8))


def ask_for_too_much():
    return len(bytearray(1 << 42))


def crash():
    ctypes.string_at(0)


def leave(code):
    os._exit(code)


def refuse(text):
    raise CheckpointError(text)


def refuse_channels():
    raise ChannelsError("the model takes 3", 3)


def fail():
    raise KeyError("first\nsecond")


def send_nonsense():
    """Write to every descriptor there is, as code of the file's own might."""
    for number in range(3, 64):
        try:
            os.write(number, b"\xff" * 100)
        except OSError:
            continue
    os._exit(0)


def flood():
    return np.zeros(40_000_000, np.uint8)


def write_much():
    with Path("big").open("wb") as file:
        for _ in range(100):
            file.write(bytes(1_000_000))


def connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def have_offspring(path):
    """A process that outlives its parent unless the whole group is killed."""
    child = os.fork()
    if child == 0:
        time.sleep(600)
    Path(path).write_text(str(child))
    time.sleep(600)


def surroundings():
    return {"environment": dict(os.environ), "folder": str(Path.cwd()), "pid": os.getpid()}


def read(path):
    from irs_core.sandbox.opening import content_of

    return content_of(Path(path)).decode()


def be_killed() -> None:
    """As the system does to a process when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
