"""How long functions are: `python scripts/shape.py`."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = ("irs_core", "ui")


def function_lengths(folder: Path) -> Iterator[int]:
    """Lines of every function below a folder, from `def` to its end, docstring included."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1


def main() -> None:
    """Print number, median and longest of each package and of all."""
    by_package = {name: list(function_lengths(PROJECT / name)) for name in PACKAGES}
    by_package["all"] = [length for lengths in by_package.values() for length in lengths]
    for name, lengths in by_package.items():
        print(
            f"{name}: {len(lengths)} functions, median {median(lengths):g} lines, "
            f"longest {max(lengths)}"
        )


if __name__ == "__main__":
    main()
