"""The contracts of pyproject.toml hold, see what they forbid, and are what ARCHITECTURE.md says."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from scripts.room_contract import STRENGTHS, bare, imports
from scripts.shape import PACKAGES, function_lengths

_PROJECT = Path(__file__).resolve().parents[1]
_OPTIONS = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
_CONTRACTS: list[dict[str, Any]] = _OPTIONS["contracts"]
_ROOMS = [contract for contract in _CONTRACTS if contract["type"] == "room"]
_LAYERS = [
    [name.strip() for name in line.split("|")]
    for contract in _CONTRACTS
    if contract["type"] == "layers"
    for line in contract["layers"]
]
_ROOTS = _OPTIONS["root_packages"]
# A module that loads torch, for those who must not load it through another.
_LOADS = {"torch": "irs_core.models.resnet", "irs_core.store": "irs_core.sampling.noise"}
_LINT = "from importlinter.cli import lint_imports_command as lint; lint()"


# --- A copy of the sources in which imports are planted ---


def _copy(folder: Path) -> Path:
    for name in (*_ROOTS, "scripts"):
        shutil.copytree(
            _PROJECT / name, folder / name, ignore=lambda _, names: _all_but_sources(names)
        )
    for name in ("app.py", "pyproject.toml"):
        shutil.copy(_PROJECT / name, folder / name)
    return folder


def _all_but_sources(names: list[str]) -> list[str]:
    return [name for name in names if "." in name and not name.endswith(".py")] + ["__pycache__"]


def _plant(folder: Path, room: str, lines: str, label: str) -> str:
    """Add lines to a module of a room, or a module of its own to a package; the module's name."""
    place = folder / room.replace(".", "/")
    module = place.with_suffix(".py")
    if module.exists():
        module.write_text(f"{module.read_text()}\n{lines}\n")
        return room
    place.mkdir(exist_ok=True)
    if room != "pages":
        (place / "__init__.py").touch()
    name = f"planted_{re.sub(r'[^a-z0-9]', '_', label)}"
    (place / f"{name}.py").write_text(f"{lines}\n")
    return f"{room}.{name}"


def _lint(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _LINT, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        # Wide enough for no line to be broken.
        env={"COLUMNS": "1000", "PATH": "", "PYTHONPATH": ""},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _sections(output: str) -> dict[str, str]:
    """What is said of each broken contract, by its name."""
    parts = re.split(r"^(\S.*)\n-{3,}\n", output.split("Broken contracts\n")[-1], flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


@dataclass(frozen=True)
class _Cell:
    """One module that one room must not import."""

    contract: str
    room: str
    strength: str
    target: str

    @property
    def label(self) -> str:
        return f"{self.strength}_{self.target}"


_CELLS = [
    _Cell(contract["name"], bare(room), strength, target)
    for contract in _ROOMS
    for room in contract["rooms"]
    for strength in STRENGTHS
    for target in contract.get(strength, [])
]


def test_contracts_hold() -> None:
    code, output = _lint(_PROJECT)
    assert code == 0, output


def test_each_forbidden_import_is_reported_even_in_a_function(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    planted = {}
    for cell in _CELLS:
        lines = f"def planted_later() -> None:\n    import {cell.target}"
        planted[cell] = _plant(copy, cell.room, lines, cell.label)
    _, output = _lint(copy)
    found = _sections(output)
    missed = [
        cell
        for cell, module in planted.items()
        if not _reports(found.get(cell.contract, ""), cell, [module, cell.target])
    ]
    assert not missed


def test_what_is_loaded_through_others_is_reported(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    cells = [
        cell
        for cell in _CELLS
        if cell.strength in ("reaches", "loads")
        and cell.target in _LOADS
        and cell.room.startswith(("ui.", "pages", "app", "irs_core."))
    ]
    planted = {
        cell: _plant(copy, cell.room, f"import {_LOADS[cell.target]}", f"by_{cell.label}")
        for cell in cells
    }
    _, output = _lint(copy)
    found = _sections(output)
    missed = [
        cell
        for cell, module in planted.items()
        if not _reports(found.get(cell.contract, ""), cell, [module, _LOADS[cell.target]])
    ]
    assert cells
    assert not missed


def _reports(section: str, cell: _Cell, link: list[str]) -> bool:
    """Whether a link is in what is said of a cell."""
    head = f"{cell.room} must not import {cell.target} ({cell.strength}):\n"
    said = section.split(head)[-1].split("\n\n")[0] if head in section else ""
    return f" {link[0]} -> {link[1]} (" in said


def test_functions_may_ask_other_rooms_for_what_their_own_must_not_load(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    _plant(copy, "ui.shared", "def later() -> None:\n    import irs_core.models", "later")
    types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import irs_core.models"
    _plant(copy, "ui.shared", types, "types")
    code, output = _lint(copy)
    assert code == 0, output


def test_a_package_is_loaded_with_what_its_init_imports(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    (copy / "irs_core/run/__init__.py").write_text("import irs_core.run.study\n")
    _, output = _lint(copy)
    assert "irs_core.run -> irs_core.run.study (l.1)" in _sections(output)["ui/shared"]


def test_arrows_that_run_up_or_sideways_and_cycles_are_reported(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    expected = [
        (_plant(copy, bare(low), f"import {bare(high)}", f"up_{high}"), bare(high))
        for above, below in pairwise(_LAYERS)
        for low in below
        for high in above
    ]
    expected += [
        (_plant(copy, bare(one), f"import {bare(other)}", f"beside_{other}"), bare(other))
        for layer in _LAYERS
        for one in layer
        for other in layer
        if one != other
    ]
    (copy / "irs_core/stats/planted_a.py").write_text("import irs_core.stats.planted_b\n")
    (copy / "irs_core/stats/planted_b.py").write_text("import irs_core.stats.planted_a\n")
    _, output = _lint(copy)
    found = _sections(output)
    layers = found["Layers: each imports only what is below it"]
    missed = [link for link in expected if f"{link[0]} -> {link[1]} (" not in layers]
    assert not missed
    assert "irs_core.stats" in found["No cycle between modules or packages"]


# --- What the linter does not see ---


def test_the_entry_imports_the_framework_and_the_dashboard_alone() -> None:
    names = {name.split(".")[0] for name, _ in imports(ast.parse(Path("app.py").read_text()))}
    assert names == {"streamlit", "ui"}


def test_rooms_without_torch_load_without_it() -> None:
    """What packages of others load is known when they are loaded, not from our sources."""
    modules = [
        module
        for contract in _ROOMS
        if "torch" in (*contract.get("reaches", []), *contract.get("loads", []))
        for room in contract["rooms"]
        # Pages are scripts: importing one runs it.
        if not bare(room).startswith(("pages", "app"))
        for module in _modules(bare(room))
        if module not in contract.get("except_in", [])
    ]
    lines = [
        "import importlib, sys",
        f"for name in {modules!r}:",
        "    importlib.import_module(name)",
        "    if 'torch' in sys.modules: sys.exit(f'{name} loads torch')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=_PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _modules(room: str) -> Iterator[str]:
    """The names of the modules of a room; none where it does not exist."""
    place = _PROJECT / room.replace(".", "/")
    files = [place.with_suffix(".py"), *sorted(place.rglob("*.py"))]
    for file in files:
        if file.exists():
            parts = file.relative_to(_PROJECT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# --- ARCHITECTURE.md ---


def _table() -> dict[tuple[str, ...], str]:
    """Cell "must not import" by rooms, in the order of ARCHITECTURE.md."""
    text = (_PROJECT / "ARCHITECTURE.md").read_text()
    rows = re.findall(r"^\| (`[^|]*) \| [^|]* \| ([^|]*) \| [^|]* \|$", text, flags=re.M)
    return {tuple(re.findall(r"`([^`]+)`", rooms)): cell for rooms, cell in rows}


def _written(room: str) -> str:
    """A room as ARCHITECTURE.md writes it: `irs_core.spec` is `spec/`."""
    path = bare(room).replace(".", "/")
    is_file = (_PROJECT / f"{path}.py").exists()
    return path.removeprefix("irs_core/") + (".py" if is_file else "/")


def _cell(rooms: tuple[str, ...]) -> str:
    """What the contracts say of rooms, as ARCHITECTURE.md writes it."""
    parts = []
    for contract in _ROOMS:
        if tuple(map(_written, contract["rooms"])) == rooms:
            parts += [_clause(contract, word) for word in STRENGTHS if contract.get(word)]
    return "; ".join(parts) or "—"


def _clause(contract: dict[str, Any], strength: str) -> str:
    verb = strength.removesuffix("es") if strength == "reaches" else strength.removesuffix("s")
    targets = ", ".join(f"`{target.removeprefix('irs_core.')}`" for target in contract[strength])
    free = ", ".join(f"`{name.split('.')[-1]}`" for name in contract.get("except_in", []))
    return f"{verb} {targets}" + (f", except in {free}" if free else "")


def test_the_table_says_what_the_contracts_check() -> None:
    table = _table()
    assert table == {rooms: _cell(rooms) for rooms in table}


def test_every_contract_has_its_row() -> None:
    assert {tuple(map(_written, contract["rooms"])) for contract in _ROOMS} <= set(_table())


def test_rows_stand_in_the_order_of_the_layers() -> None:
    rows = [room for rooms in _table() for room in rooms if room not in ("app.py", "irs_core/")]
    for layer in _LAYERS:
        here, rows = rows[: len(layer)], rows[len(layer) :]
        assert sorted(here) == sorted(map(_written, layer))
    assert not rows


def test_every_room_stands_in_a_layer() -> None:
    known = {bare(name) for layer in _LAYERS for name in layer}
    there = {
        f"{package}.{entry.stem}"
        for package in ("irs_core", "ui")
        for entry in (_PROJECT / package).iterdir()
        if not entry.name.startswith(("_", "."))
        and (entry.suffix == ".py" or (entry.is_dir() and any(entry.glob("*.py"))))
    }
    assert there <= known


def test_architecture_is_one_page_with_short_names() -> None:
    assert len((_PROJECT / "ARCHITECTURE.md").read_text().splitlines()) < 100


# --- Shape ---


@pytest.mark.parametrize("package", PACKAGES)
def test_the_median_function_is_short(package: str) -> None:
    assert median(function_lengths(_PROJECT / package)) < 12
