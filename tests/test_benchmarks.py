"""Benchmarks are run by hand: what they take from the engine has to be there when they are."""

import ast
from importlib import import_module
from importlib.util import find_spec
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
                whole = f"{node.module}.{one.name}"
                inside = hasattr(module, "__path__") and find_spec(whole) is not None
                if not (hasattr(module, one.name) or inside):
                    missing.append(whole)
    assert missing == []
