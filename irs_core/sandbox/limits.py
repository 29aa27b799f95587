"""What a child may use, and how it is held to that."""

import ctypes
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from irs_core.errors import SpecError

FILE_SECONDS, FILE_MB = "IRS_FILE_SECONDS", "IRS_FILE_MB"
_SECONDS, _MEGABYTES = 60, 3072
# Threads and processes beside those that the user runs already.
_TASKS = 64
_FILES = 256
# What allocators and the stacks of threads reserve without using it.
_RESERVED = 1 << 30
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_GRACE_SECONDS = 5
_MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What reading one file may take.

    Args:
        seconds: By the clock; of processor time so many on each core.
        memory: Bytes beyond what the program itself takes.
        output: Bytes of the answer, which the asking process holds.
        written: Bytes of one file that the child writes.
    """

    seconds: float
    memory: int
    output: int = 1 << 26
    written: int = 1 << 30

    @classmethod
    def chosen(cls) -> "Limits":
        """Those that the operator sets by IRS_FILE_SECONDS and IRS_FILE_MB.

        Raises:
            SpecError: A variable is no positive whole number.
        """
        return cls(_number(FILE_SECONDS, _SECONDS), _number(FILE_MB, _MEGABYTES) * _MB)


def _number(variable: str, default: int) -> int:
    text = os.environ.get(variable, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise SpecError(f"{variable} must be a positive whole number; got {text!r}")
    return int(text)


def shut_network() -> bool:
    """Leave every network; whether the system allows it. Before any thread is started."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    # Alone where the user may, else inside a user namespace of its own.
    return any(libc.unshare(one) == 0 for one in (_NEW_NETWORK, _NEW_USER | _NEW_NETWORK))


def network_name() -> str:
    """What tells the network that this process is in from others; empty where that is not known."""
    try:
        return str(Path("/proc/self/ns/net").readlink())
    except OSError:
        return ""


def apply_limits(limits: Limits) -> None:
    """Hold this process to its limits from here on; what it has already is free."""
    cores = os.cpu_count() or 1
    processor = int(limits.seconds * cores) + 1
    # Told apart from a process that the system killed for memory by the signal of the first limit.
    _lower(resource.RLIMIT_CPU, processor, processor + _GRACE_SECONDS)
    _lower(resource.RLIMIT_FSIZE, limits.written)
    _lower(resource.RLIMIT_NOFILE, _FILES)
    _lower(resource.RLIMIT_CORE, 0)
    # Not RLIMIT_AS: drivers of GPUs reserve address space without end.
    held = _own_bytes("VmData")
    if held:
        _lower(resource.RLIMIT_DATA, held + limits.memory + _RESERVED)
    tasks = _own_tasks()
    if tasks:
        _lower(resource.RLIMIT_NPROC, tasks + _TASKS)


def resident_bytes(pid: int) -> int:
    """Memory that a process uses; 0 where that cannot be known or it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * resource.getpagesize()


def _lower(kind: int, value: int, last: int | None = None) -> None:
    _, hard = resource.getrlimit(kind)
    most = value if last is None else last
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (min(value, most), most))


def _own_bytes(field: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(one.split()[1]) * 1024 for one in lines if one.startswith(f"{field}:")), 0)


def _own_tasks() -> int:
    """Threads of all processes of this user; 0 where that cannot be known."""
    if not Path("/proc/self/task").is_dir():
        return 0
    return sum(_tasks(one) for one in Path("/proc").iterdir() if one.name.isdecimal())


def _tasks(process: Path) -> int:
    try:
        own = process.stat().st_uid == os.getuid()
        return sum(1 for _ in (process / "task").iterdir()) if own else 0
    except OSError:
        # It ended, or is hidden.
        return 0
