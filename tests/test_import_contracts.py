"""Each import contract is kept by the sources and broken by an import that it forbids."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from contracts import LAYERS, PROJECT, ROOMS, ROOTS

from scripts.room_contract import STRENGTHS, bare, imports

# A module of ours that imports what others must not load through it.
_IMPORTERS = {"torch": "irs_core.models.resnet", "irs_core.store": "irs_core.sampling.noise"}
_LINT = "from importlinter.cli import lint_imports_command as lint; lint()"
_LATER = "def planted_later() -> None:\n    import {}"


@dataclass(frozen=True)
class Cell:
    """One module that one room must not import."""

    contract: str
    room: str
    strength: str
    target: str


_CELLS = [
    Cell(contract["name"], bare(room), strength, target)
    for contract in ROOMS
    for room in contract["rooms"]
    for strength in STRENGTHS
    for target in contract.get(strength, [])
]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of everything that the contracts read."""
    for name in (*ROOTS, "scripts"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=_all_but_sources)
    for name in ("app.py", "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return tmp_path


def _all_but_sources(folder: str, names: list[str]) -> list[str]:
    return [
        name
        for name in names
        if name == "__pycache__" or (Path(folder, name).is_file() and not name.endswith(".py"))
    ]


def _plant(folder: Path, room: str, lines: str, label: str) -> str:
    """Add lines to a single module, or as a module of its own to a package; the module's name."""
    place = folder / room.replace(".", "/")
    module = place.with_suffix(".py")
    if module.exists():
        module.write_text(f"{module.read_text()}\n{lines}\n")
        return room
    if not place.exists():
        place.mkdir()
        (place / "__init__.py").touch()
    name = "planted_" + re.sub(r"\W", "_", label)
    (place / f"{name}.py").write_text(f"{lines}\n")
    return f"{room}.{name}"


def _lint(folder: Path) -> tuple[int, str]:
    """Exit code and output of `lint-imports`, with lines too wide to be broken."""
    done = subprocess.run(
        [sys.executable, "-c", _LINT, "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "1000"},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _sections(folder: Path) -> dict[str, str]:
    """What is said of each broken contract, by its name."""
    code, output = _lint(folder)
    assert code == 1, output
    parts = re.split(r"^(\S.*)\n-{3,}\n", output.split("Broken contracts\n")[-1], flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


def _missed(folder: Path, planted: Mapping[Cell, tuple[str, str]]) -> list[Cell]:
    """Cells whose contract does not report the link that was planted for them."""
    sections = _sections(folder)
    missed = []
    for cell, (importer, imported) in planted.items():
        head = f"{cell.room} must not import {cell.target} ({cell.strength}):\n"
        _, found, rest = sections.get(cell.contract, "").partition(head)
        if not found or f"-   {importer} -> {imported} (" not in rest.split("\n\n")[0]:
            missed.append(cell)
    return missed


def test_the_sources_keep_every_contract() -> None:
    code, output = _lint(PROJECT)
    assert code == 0, output


def test_each_forbidden_import_is_reported_in_a_function_too(sources: Path) -> None:
    planted = {}
    for cell in _CELLS:
        lines = _LATER.format(cell.target)
        module = _plant(sources, cell.room, lines, f"{cell.strength}_{cell.target}")
        planted[cell] = module, cell.target
    assert not _missed(sources, planted)


def test_so_is_what_comes_in_through_other_modules(sources: Path) -> None:
    planted = {}
    for cell in _CELLS:
        if cell.strength != "names" and cell.target in _IMPORTERS:
            between = _IMPORTERS[cell.target]
            lines = f"import {between}" if cell.strength == "loads" else _LATER.format(between)
            planted[cell] = _plant(sources, cell.room, lines, f"by_{cell.target}"), between
    assert {cell.strength for cell in planted} == {"loads", "reaches"}
    assert not _missed(sources, planted)


def test_functions_may_ask_others_for_what_their_room_must_not_load(sources: Path) -> None:
    _plant(sources, "ui.shared", _LATER.format("irs_core.models"), "later")
    types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import irs_core.models"
    _plant(sources, "ui.shared", types, "types")
    code, output = _lint(sources)
    assert code == 0, output


def test_a_package_is_loaded_with_what_its_init_imports(sources: Path) -> None:
    (sources / "irs_core/run/__init__.py").write_text("import irs_core.run.prepare\n")
    assert "irs_core.run -> irs_core.run.prepare (l.1)" in _sections(sources)["Command line"]


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("irs_core.goals", "irs_core.gaols", "Room 'irs_core.gaols' does not exist"),
        ("irs_core.run.named", "irs_core.run.nam", "Exception 'irs_core.run.nam' does not"),
    ],
)
def test_names_that_do_not_exist_are_errors(
    was: str, becomes: str, said: str, sources: Path
) -> None:
    head, *contracts = (sources / "pyproject.toml").read_text().split('type = "room"')
    changed = [text.replace(f'"{was}"', f'"{becomes}"') for text in contracts]
    (sources / "pyproject.toml").write_text('type = "room"'.join([head, *changed]))
    code, output = _lint(sources)
    assert code == 1
    assert said in output


def test_every_exception_is_needed(sources: Path) -> None:
    settings = sources / "pyproject.toml"
    without = re.sub(r"^except_in = \[[^]]*\]\n", "", settings.read_text(), flags=re.M)
    settings.write_text(without)
    sections = _sections(sources)
    needless = [
        free
        for contract in ROOMS
        for free in contract.get("except_in", [])
        if not re.search(rf"-   {free}(\.\w+)* -> ", sections.get(contract["name"], ""))
    ]
    assert needless == []


def test_what_is_forbidden_exists() -> None:
    """A slip of the pen would forbid nothing."""
    for target in {cell.target for cell in _CELLS}:
        assert importlib.util.find_spec(target), target


def test_arrows_that_run_up_or_sideways_are_reported(sources: Path) -> None:
    upward = [(low, high) for above, below in pairwise(LAYERS) for low in below for high in above]
    sideways = [(one, other) for layer in LAYERS for one in layer for other in layer]
    expected = [
        f"{_plant(sources, bare(one), f'import {bare(other)}', other)} -> {bare(other)} ("
        for one, other in (*upward, *sideways)
        if one != other
    ]
    said = _sections(sources)["Layers: each imports only what is below it"]
    assert [link for link in expected if link not in said] == []


def test_a_cycle_is_reported(sources: Path) -> None:
    for one, other in ("ab", "ba"):
        module = sources / f"irs_core/stats/planted_{one}.py"
        module.write_text(f"import irs_core.stats.planted_{other}\n")
    said = _sections(sources)["No cycle between modules or packages"]
    assert "No cycles are allowed in irs_core.stats" in said


def test_the_entry_imports_the_framework_and_the_dashboard_alone() -> None:
    tree = ast.parse((PROJECT / "app.py").read_text())
    assert {name.split(".")[0] for name, _ in imports(tree)} == {"streamlit", "ui"}


def test_rooms_that_must_not_load_torch_load_without_it() -> None:
    """The contracts read our sources alone; packages of others may load torch too."""
    names = [name for contract in ROOMS for name in _without_torch(contract)]
    lines = [
        "import importlib, sys",
        f"for name in {names!r}:",
        "    importlib.import_module(name)",
        "    if 'torch' in sys.modules: sys.exit(f'{name} loads torch')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(names) > 100
    assert done.returncode == 0, done.stderr


def _without_torch(contract: Mapping[str, list[str]]) -> Iterator[str]:
    """Modules that a contract keeps free of torch; not pages, which run when imported."""
    if "torch" in (*contract.get("reaches", []), *contract.get("loads", [])):
        for room in map(bare, contract["rooms"]):
            if room not in ("app", "pages"):
                yield from set(_modules(room)) - set(contract.get("except_in", []))


def _modules(room: str) -> Iterator[str]:
    """The modules of a room; none where it does not exist."""
    place = PROJECT / room.replace(".", "/")
    for file in (place.with_suffix(".py"), *sorted(place.rglob("*.py"))):
        if file.exists():
            parts = file.relative_to(PROJECT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
