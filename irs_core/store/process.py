"""Which process is meant: its number, when it began, and the machine on which both mean something.

A number alone is given again to other processes, so the start tells them apart. Numbers mean
nothing on another host, in another container or after a restart: those are other machines here.
"""

import hashlib
import os
import platform
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Condition = Literal["runs", "stopped", "gone"]

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """One process, of whatever machine.

    Args:
        node: Name of its host, for people.
        machine: Digest of host, boot and container.
        pid: Its number there.
        began: When it began, in the units of that machine; the same text for its whole life.
    """

    node: str
    machine: str
    pid: int
    began: str

    def __str__(self) -> str:
        """A text from which `parse` makes it again."""
        return f"{self.node} {self.machine} {self.pid} {self.began}"

    @property
    def key(self) -> str:
        """A part for names of files."""
        return f"{self.machine}-{self.pid}-{self.began}"

    @property
    def here(self) -> bool:
        """Whether it is of this machine, so that its condition can be seen."""
        return self.machine == machine()

    def condition(self) -> Condition:
        """What it does, for one of this machine. A process that ended but was not reaped is gone.

        One that may not be looked at counts as running.
        """
        found = _look(self.pid)
        if found is None:
            return "runs" if _exists(self.pid) else "gone"
        state, began = found
        if began != self.began or state in ("Z", "X"):
            return "gone"
        return "stopped" if state in ("T", "t") else "runs"


def process(pid: int) -> Process | None:
    """The process of this machine that has a number; None if there is none to be seen."""
    found = _look(pid)
    return None if found is None else Process(_node(), machine(), pid, found[1])


def this_process() -> Process:
    """The process that asks."""
    return _own(os.getpid())


@cache
def _own(pid: int) -> Process:
    found = process(pid)
    # Without a start to compare, the number has to do.
    return found if found is not None else Process(_node(), machine(), pid, "-")


def parse(text: str | None) -> Process | None:
    """The process in a text; None where the text names none."""
    parts = (text or "").split()
    if len(parts) != 4 or not parts[2].isdigit():
        return None
    return Process(parts[0], parts[1], int(parts[2]), parts[3])


@cache
def machine() -> str:
    """Digest of what makes process numbers comparable: host, boot and, in a container, that."""
    described = f"{_node()}\n{_text(_BOOT)}\n{_namespace()}"
    return hashlib.sha256(described.encode()).hexdigest()[:12]


def _node() -> str:
    return "-".join(platform.node().split()) or "unknown"


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _look(pid: int) -> tuple[str, str] | None:
    """State, as one letter, and start of a process; None where it is not to be seen."""
    if not Path("/proc/self/stat").exists():
        return _look_by_ps(pid)
    # The name of a program stands in parentheses and may hold any character.
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else None


def _look_by_ps(pid: int) -> tuple[str, str] | None:
    command = ["ps", "-o", "state=", "-o", "lstart=", "-p", str(pid)]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, env={"LC_ALL": "C"})
    except OSError:
        return None
    state, _, began = shown.stdout.strip().partition(" ")
    if not began:
        return None
    return state[0], hashlib.sha256(" ".join(began.split()).encode()).hexdigest()[:12]
