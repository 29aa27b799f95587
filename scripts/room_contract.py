"""What a room of the code must not import: the contract type `room` of import-linter.

Three strengths, strictest first:

- `reaches`: neither the room nor anything that it imports imports the module, in functions too.
- `loads`: importing the room does not load the module, and no line of the room imports it. What
  functions import from other rooms is free: it is loaded when it is asked for.
- `names`: no line of the room imports the module; what the room imports may.
"""

import ast
import importlib.util
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from grimp import ImportGraph
from importlinter.application import output
from importlinter.domain import fields
from importlinter.domain.contract import Contract, ContractCheck

STRENGTHS = ("reaches", "loads", "names")
Chain = tuple[str, ...]
Next = Callable[[str], Iterable[str]]


class RoomContract(Contract):
    """One "must not import" cell of ARCHITECTURE.md.

    Options:
        rooms: Packages and modules; in parentheses where they need not exist.
        reaches, loads, names: Modules or whole packages that the rooms must not import.
        except_in: Modules of the rooms that are free to.
    """

    type_name = "room"

    rooms = fields.ListField(subfield=fields.StringField())
    reaches = fields.ListField(subfield=fields.StringField(), required=False)
    loads = fields.ListField(subfield=fields.StringField(), required=False)
    names = fields.ListField(subfield=fields.StringField(), required=False)
    except_in = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Chains of imports by what breaks the contract: room, strength, module."""
        found = {}
        free: list[str] = self.except_in or []  # type: ignore[assignment]
        for name in set(free) - graph.modules:
            raise ValueError(f"Exception '{name}' does not exist; remove it from '{self.name}'.")
        for room in self.rooms:  # type: ignore[attr-defined]
            starts = _starts(graph, room, free)
            for strength in STRENGTHS:
                for target in getattr(self, strength) or []:
                    chains = _broken(graph, strength, starts, target)
                    if chains:
                        found[bare(room), strength, target] = chains
        metadata = {"found": found, "lines": {link: _lines(graph, *link) for link in _links(found)}}
        return ContractCheck(kept=not found, metadata=metadata)

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each chain with its lines."""
        for (room, strength, target), chains in check.metadata["found"].items():
            output.print_error(f"{room} must not import {target} ({strength}):")
            for chain in chains:
                for place, link in enumerate(pairwise(chain)):
                    lines = check.metadata["lines"][link]
                    head = "    " if place else "-   "
                    output.print_error(f"{head}{link[0]} -> {link[1]}{lines}", bold=False)
            output.new_line()


def bare(room: str) -> str:
    """The name of a room without the parentheses that make it optional."""
    return room.strip("()")


def is_in(module: str, package: str) -> bool:
    """Whether a module is a package or stands in it."""
    return module == package or module.startswith(f"{package}.")


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Everything that a file may import, in functions too, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def _starts(graph: ImportGraph, room: str, exceptions: Iterable[str]) -> list[str]:
    """Modules of a room, sorted."""
    name = bare(room)
    if name not in graph.modules and _source(name) is not None:
        _add_script(graph, name)
    if name not in graph.modules and name == room:
        raise ValueError(f"Room '{room}' does not exist; name one that does, or write '({room})'.")
    return [
        module
        for module in sorted(graph.modules)
        if is_in(module, name) and not any(is_in(module, free) for free in exceptions)
    ]


def _add_script(graph: ImportGraph, name: str) -> None:
    """Add a single file beside the packages, which import-linter does not read."""
    source = _source(name)
    assert source is not None
    for imported, line in imports(ast.parse(source.read_text())):
        known = next((one for one in _with_parents(imported) if one in graph.modules), None)
        graph.add_import(
            importer=name,
            imported=known or imported.split(".")[0],
            line_number=line,
            line_contents=imported,
        )


def _broken(graph: ImportGraph, strength: str, starts: list[str], target: str) -> list[Chain]:
    """The shortest chain from each module of a room to a target, without those within others."""

    def named(module: str) -> Iterable[str]:
        return graph.find_modules_directly_imported_by(module)

    def loaded(module: str) -> Iterable[str]:
        return _loaded(graph, module)

    routes: Mapping[str, tuple[Next, ...]] = {
        "reaches": (_far(named),),
        "loads": (named, _far(loaded)),
        "names": (named,),
    }
    chains = {}
    for start in starts:
        for step in routes[strength]:
            chain = _shortest(start, target, step, far=step is not named)
            if chain:
                chains[start] = chain
                break
    return [chain for chain in chains.values() if chain[1] not in chains]


def _far(step: Next) -> Next:
    return cache(lambda module: tuple(sorted(step(module))))


def _shortest(start: str, target: str, step: Next, *, far: bool) -> Chain | None:
    """The shortest chain from a module to a target or into it; of one link unless `far`."""
    seen = {start}
    waiting: deque[Chain] = deque([(start,)])
    while waiting:
        chain = waiting.popleft()
        for following in sorted(step(chain[-1])):
            if is_in(following, target):
                return (*chain, following)
            if far and following not in seen:
                seen.add(following)
                waiting.append((*chain, following))
    return None


def _loaded(graph: ImportGraph, module: str) -> set[str]:
    """What importing a module imports at once: its parents and what stands outside functions.

    Importing a module of a package runs the package's `__init__` first.
    """
    found = set(_with_parents(module))
    if not graph.is_module_squashed(module):
        later = _later(module)
        for imported in graph.find_modules_directly_imported_by(module):
            details = graph.get_import_details(importer=module, imported=imported)
            if any(detail["line_number"] not in later for detail in details):
                found.add(imported)
    return {name for name in found if name != module and name in graph.modules}


def _with_parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]


@cache
def _later(module: str) -> frozenset[int]:
    """Lines of imports that loading a module does not run: in functions, or for types alone."""
    source = _source(module)
    if source is None:
        return frozenset()
    found: set[int] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        of_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if of_types or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    found.update(range(inner.lineno, (inner.end_lineno or inner.lineno) + 1))
    return frozenset(found)


def _source(module: str) -> Path | None:
    """The file of a module, found without importing anything."""
    root, *rest = module.split(".")
    spec = importlib.util.find_spec(root)
    if spec is None:
        return None
    if spec.submodule_search_locations is None:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    place = Path(next(iter(spec.submodule_search_locations)), *rest)
    files = (place / "__init__.py", place.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)


def _links(found: Mapping[Any, Iterable[Chain]]) -> set[tuple[str, str]]:
    chains = [chain for several in found.values() for chain in several]
    return {link for chain in chains for link in pairwise(chain)}


def _lines(graph: ImportGraph, importer: str, imported: str) -> str:
    details = graph.get_import_details(importer=importer, imported=imported)
    numbers = ", ".join(f"l.{detail['line_number']}" for detail in details)
    return f" ({numbers})" if numbers else ""
