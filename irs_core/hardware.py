"""What ran a computation: part of every result's provenance."""

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from irs_core.errors import SpecError

THREADS_VARIABLE = "IRS_THREADS"


@cache
def describe_hardware() -> str:
    """Processor and usable cores in one line, e.g. `AMD EPYC, 2 cores`."""
    cores = usable_cores()
    return f"{_processor()}, {cores} {'core' if cores == 1 else 'cores'}"


def usable_cores() -> int:
    """Cores that this process may run on, or fewer where the variable IRS_THREADS says so.

    Raises:
        SpecError: IRS_THREADS is not a positive whole number.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = os.environ.get(THREADS_VARIABLE, "")
    if limit and (not limit.isdecimal() or int(limit) < 1):
        raise SpecError(f"{THREADS_VARIABLE} must be a positive whole number; got {limit!r}")
    return min(cores or 1, int(limit)) if limit else cores or 1


def free_memory(
    machine: Path = Path("/proc/meminfo"), group: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Bytes that this process may still take; None where the system does not tell.

    Of a container the least of what its limit leaves and what the machine has.

    Args:
        machine: What the kernel says of the machine.
        group: Folder of the process's control group (version 2).
    """
    found = []
    if machine.exists():
        found.append(1024 * _numbers(machine)["MemAvailable:"])
    limit = group / "memory.max"
    if limit.exists() and (most := limit.read_text().strip()) != "max":
        # Files that were read count as used, and make room for whoever needs it.
        kept = _numbers(group / "memory.stat")
        used = int((group / "memory.current").read_text())
        found.append(int(most) - used + kept["active_file"] + kept["inactive_file"])
    return min(found, default=None)


def _numbers(file: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    return {words[0]: int(words[1]) for words in map(str.split, file.read_text().splitlines())}


@cache
def software_versions() -> dict[str, str]:
    """Versions of the packages that a prediction may depend on."""
    found = installed_versions("numpy", "torch", "openvino", "nncf")
    return {"python": platform.python_version(), **found}


def installed_versions(*names: str) -> dict[str, str]:
    """Versions of those of the packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown processor"
