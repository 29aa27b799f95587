"""Pages and commands change a store through `irs_core.actions` alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
# What changes a store, by the name that is imported or called.
CHANGES = {
    "import_bundle",
    "import_cohen",
    "keep_data",
    "keep_upload",
    "take_over",
    "discard",
    "save_pilot",
    "write_about",
    "take_back",
    "unpack_evidence",
    "write_manifest",
    "worker_gone",
    "requeue",
}
# `start_worker` is an action; this is what an allowed start ends with.
FREE = {("ui/shared/launch.py", "ensure_worker")}
FILES = sorted(
    str(path.relative_to(PROJECT))
    for folder in ("ui", "pages")
    for path in (PROJECT / folder).rglob("*.py")
)


def _names(path: str) -> Iterator[tuple[str, str]]:
    """Modules and names that a file imports, and names of what it calls on something."""
    for node in ast.walk(ast.parse((PROJECT / path).read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from ((str(node.module), one.name) for one in node.names)
        elif isinstance(node, ast.Attribute):
            yield "", node.attr


@pytest.mark.parametrize("path", FILES)
def test_a_page_calls_nothing_that_changes_a_store(path: str) -> None:
    found = {
        name
        for module, name in _names(path)
        if not module.startswith("irs_core.actions")
        and (name in CHANGES or name == "ensure_worker")
        and (path, name) not in FREE
    }
    assert not found


@pytest.mark.parametrize("path", [one for one in FILES if not one.endswith("job_queue.py")])
def test_the_queue_is_opened_in_one_module_only(path: str) -> None:
    assert ("irs_core.jobs", "JobQueue") not in set(_names(path))


def test_that_module_only_reads() -> None:
    called = {name for module, name in _names("ui/shared/job_queue.py") if not module}
    assert not called & {"add", "cancel", "retry", "move", "claim", "finish", "report", "beat"}
