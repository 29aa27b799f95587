"""ARCHITECTURE.md says what the contracts check; rooms and functions have the shape it promises."""

import re
from collections.abc import Mapping
from statistics import median
from typing import Any

import pytest
from contracts import LAYERS, PROJECT, ROOMS

from scripts.room_contract import STRENGTHS, bare
from scripts.shape import PACKAGES, function_lengths

_VERBS = {"reaches": "reach", "loads": "load", "names": "name"}
_ONE_PAGE = 100


def _table() -> dict[tuple[str, ...], str]:
    """Cell "must not" by rooms, in the order of ARCHITECTURE.md."""
    text = (PROJECT / "ARCHITECTURE.md").read_text()
    rows = re.findall(r"^\| (`[^|]*) \| [^|]* \| ([^|]*) \| [^|]* \|$", text, flags=re.M)
    return {tuple(re.findall(r"`([^`]+)`", rooms)): cell for rooms, cell in rows}


def _written(room: str) -> str:
    """A room as ARCHITECTURE.md writes it: `irs_core.spec` is `spec/`."""
    path = bare(room).replace(".", "/")
    ending = ".py" if (PROJECT / f"{path}.py").exists() else "/"
    return path.removeprefix("irs_core/") + ending


def _cell(rooms: tuple[str, ...]) -> str:
    """What the contracts say of rooms, as ARCHITECTURE.md writes it."""
    clauses = [
        _clause(contract, strength)
        for contract in ROOMS
        if tuple(map(_written, contract["rooms"])) == rooms
        for strength in STRENGTHS
        if strength in contract
    ]
    return "; ".join(clauses) or "—"


def _clause(contract: Mapping[str, Any], strength: str) -> str:
    targets = ", ".join(f"`{name.removeprefix('irs_core.')}`" for name in contract[strength])
    free = ", ".join(f"`{name.split('.')[-1]}`" for name in contract.get("except_in", []))
    return f"{_VERBS[strength]} {targets}" + (f", except in {free}" if free else "")


def test_the_table_says_what_the_contracts_check() -> None:
    for rooms, cell in _table().items():
        assert cell == _cell(rooms), rooms


def test_every_contract_has_its_row() -> None:
    assert {tuple(map(_written, contract["rooms"])) for contract in ROOMS} <= set(_table())


def test_rows_stand_in_the_order_of_the_layers() -> None:
    rows = [room for rooms in _table() for room in rooms if room not in ("app.py", "irs_core/")]
    for layer in LAYERS:
        here, rows = rows[: len(layer)], rows[len(layer) :]
        assert sorted(here) == sorted(map(_written, layer))
    assert not rows


def test_every_room_stands_in_a_layer() -> None:
    known = {bare(name) for layer in LAYERS for name in layer}
    there = {
        f"{package}.{entry.stem}"
        for package in ("irs_core", "ui")
        for entry in (PROJECT / package).iterdir()
        if not entry.name.startswith(("_", "."))
        and (entry.suffix == ".py" or any(entry.glob("*.py")))
    }
    assert there <= known


def test_architecture_is_one_page() -> None:
    assert len((PROJECT / "ARCHITECTURE.md").read_text().splitlines()) <= _ONE_PAGE


@pytest.mark.parametrize("package", PACKAGES)
def test_the_median_function_is_short(package: str) -> None:
    assert median(function_lengths(PROJECT / package)) < 12
