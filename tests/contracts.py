"""The import contracts of pyproject.toml, for the tests that prove and describe them."""

import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
_OPTIONS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
ROOTS: list[str] = _OPTIONS["root_packages"]
CONTRACTS: list[dict[str, Any]] = _OPTIONS["contracts"]
# What each room must not reach, load or name.
ROOMS = [contract for contract in CONTRACTS if contract["type"] == "room"]
# Names by layer, the highest first; in parentheses where they need not exist.
LAYERS = [
    [name.strip() for name in line.split("|")]
    for contract in CONTRACTS
    if contract["type"] == "layers"
    for line in contract["layers"]
]
