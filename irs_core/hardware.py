"""What ran a computation: part of every result's provenance."""

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@cache
def describe_hardware() -> str:
    """Processor and usable cores in one line, e.g. `AMD EPYC, 2 cores`."""
    return f"{_processor()}, {usable_cores()} cores"


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def software_versions() -> dict[str, str]:
    """Versions of the packages that a prediction may depend on."""
    found = {"python": platform.python_version()}
    for name in ("numpy", "torch", "openvino", "nncf"):
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
