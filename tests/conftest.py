"""Imported before any test: settings that must come before torch, and how tests share a machine."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

import irs_core
from irs_core.hardware import usable_cores

assert irs_core.__version__
# Each app of a test has a store of its own, where counting every shipped study serves nobody.
os.environ["IRS_COUNT_AHEAD"] = "0"

# Many tests wait for browsers, servers and worker processes; what a process of tests grows to.
_PER_CORE, _BYTES = 2, 5 << 30
# Files that take minutes start first, so that no process is left alone with one.
_LONG = ("browser", "jobs", "run", "test_how_to.py", "test_own_files_end_to_end.py")


def pytest_xdist_auto_num_workers() -> int:
    """Processes of `-n auto`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(_PER_CORE * usable_cores(), memory // _BYTES))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, in an order that all processes agree on."""
    items.sort(key=lambda one: not _is_long(one.path.relative_to(Path(__file__).parent).parts))


def _is_long(parts: Sequence[str]) -> bool:
    return parts[0] in _LONG
