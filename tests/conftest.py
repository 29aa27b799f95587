"""Imported before any test: settings that must come before torch, and how tests share a machine."""

import os

import pytest

import irs_core
from irs_core.hardware import usable_cores

assert irs_core.__version__
# Nobody turns a slider further than a test says.
os.environ["IRS_LOOK_AHEAD"] = "0"

# What a process of tests grows to.
_BYTES = 5 << 30


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Processes of `-n auto`: one per core, as far as memory goes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(usable_cores(), memory // _BYTES))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: gzip's hold the second at which they were made.

    Processes that share the tests collect each for themselves, and stop where names differ.
    """
    return argname if isinstance(val, bytes) else None
