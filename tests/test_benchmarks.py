"""Benchmarks are run by hand: what they take from the engine has to be there when they are."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda one: one.name)
def test_what_a_benchmark_imports_is_there(path: Path) -> None:
    missing = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("irs_core"):
            module = import_module(node.module)
            for one in node.names:
                if not hasattr(module, one.name):
                    missing.append(f"{node.module}.{one.name}")
    assert missing == []
