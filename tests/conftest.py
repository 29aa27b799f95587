"""Imported before any test: settings that must come before torch, and how tests share a machine."""

import os
from pathlib import Path

import pytest

import irs_core
from irs_core.hardware import usable_cores

assert irs_core.__version__
# Each app of a test has a store of its own, where counting every shipped study serves nobody.
os.environ["IRS_COUNT_AHEAD"] = "0"

# What a process of tests grows to.
_BYTES = 5 << 30
_LONG = ("browser", "jobs", "run", "test_how_to.py", "test_own_files_end_to_end.py")
# They are spread over so much of the others, so that they neither meet nor come last.
_SPREAD = 0.7


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Processes of `-n auto`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(usable_cores(), memory // _BYTES))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files in an order in which no process is left alone with a long one."""
    root = Path(__file__).parent
    files = list(dict.fromkeys(one.path for one in items))
    long = [one for one in files if any(one.is_relative_to(root / name) for name in _LONG)]
    short = [one for one in files if one not in long]
    places = {one: _SPREAD * at / len(long) for at, one in enumerate(long)}
    places |= {one: at / len(short) for at, one in enumerate(short)}
    items.sort(key=lambda one: places[one.path])
