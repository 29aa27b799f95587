"""Writes docs/api.md from the docstrings of the names that other programs may rely on.

PYTHONPATH=. .venv/bin/python scripts/api_reference.py
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "docs" / "api.md"
# In the order of the page: most readers want the notebook.
NAMES: dict[str, tuple[str, ...]] = {
    "irs_core.api": (
        *("load", "certify", "open_study", "compare", "decide", "decide_together", "plot"),
        *("log_to_mlflow", "adopt", "sensitivity", "Model", "Result"),
    ),
    "irs_core.certify": (
        *("certify_rs", "certify_iss", "certify_irs", "certify_cirs", "certify_joint"),
        *("certify_sequential", "certify_sequential_scratch"),
        "Certificates",
    ),
    "irs_core.metrics": ("average_certified_radius", "certified_accuracy", "area_speedup"),
    "irs_core.stats": (
        *("binomial_lower_bound", "binomial_upper_bound", "certified_radius", "wilson_interval"),
        *("agresti_coull_interval", "samples_for_error", "iss_sample_sizes"),
    ),
}
_SECTION = re.compile(r"(Args|Returns|Raises|Source|Example|Attributes):")
_WIDTH = 96
_ITEM = re.compile(r"(\*{0,2}\w[\w, *]*): (.*)")


def reference() -> str:
    """The page."""
    lines = [
        "# Public names",
        "",
        "What other programs may rely on. This page is made from the docstrings by",
        "`scripts/api_reference.py`; a test says when it has to be made again. Examples run in it.",
    ]
    for module, names in NAMES.items():
        lines += ["", f"## {module}"]
        for name in names:
            lines += _entry(getattr(import_module(module), name), name, "###")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def _entry(thing: Any, name: str, head: str) -> Iterator[str]:
    yield from ("", f"{head} {name}", "", "```python", _signature(thing, name), "```", "")
    yield from _described(inspect.getdoc(thing) or "")
    if inspect.isclass(thing):
        for inner, member in vars(thing).items():
            if not inner.startswith("_") and _is_documented(member):
                yield from _entry(member, f"{name}.{inner}", "####")


def _is_documented(member: object) -> bool:
    return isinstance(member, property | classmethod) or inspect.isfunction(member)


def _signature(thing: Any, name: str) -> str:
    """The definition as it stands in the source, on several lines where one is too long."""
    inner = thing.fget if isinstance(thing, property) else getattr(thing, "__func__", thing)
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(inner))).body
    if isinstance(node, ast.ClassDef):
        fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
        parts, ending = [ast.unparse(one) for one in fields], ""
    else:
        assert isinstance(node, ast.FunctionDef)
        ending = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        if isinstance(thing, property):
            return f"{name}{ending}"
        parts = list(_parameters(node.args))
    line = f"{name}({', '.join(parts)}){ending}"
    if len(line) <= _WIDTH:
        return line
    inside = "".join(f"    {part},\n" for part in parts)
    return f"{name}(\n{inside}){ending}"


def _parameters(found: ast.arguments) -> Iterator[str]:
    plain = found.posonlyargs + found.args
    lacking: list[ast.expr | None] = [None] * (len(plain) - len(found.defaults))
    for one, default in zip(plain, lacking + found.defaults, strict=True):
        if one.arg not in ("self", "cls"):
            yield _parameter(one, default)
    if found.kwonlyargs:
        yield "*"
    for one, default in zip(found.kwonlyargs, found.kw_defaults, strict=True):
        yield _parameter(one, default)
    if found.kwarg:
        yield f"**{ast.unparse(found.kwarg)}"


def _parameter(one: ast.arg, default: ast.expr | None) -> str:
    if default is None:
        return ast.unparse(one)
    return (
        f"{ast.unparse(one)} = {'...' if isinstance(default, ast.Lambda) else ast.unparse(default)}"
    )


def _described(doc: str) -> Iterator[str]:
    """A docstring as Markdown: arguments as a list, examples as code, the rest as it is."""
    section, code = "", False
    for line in doc.splitlines():
        match = _SECTION.fullmatch(line)
        if match:
            if code:
                code = False
                yield "```"
            section = match[1]
            yield from ("", f"**{section}**", "")
            continue
        text = line[4:] if section else line
        is_code = line.lstrip().startswith((">>>", "...")) or (code and bool(line.strip()))
        if is_code != code:
            code = is_code
            yield "```python" if code else "```"
        if code:
            yield line.strip() if not line.strip().startswith("...") else line.lstrip()
        elif section in ("Args", "Raises", "Attributes"):
            item = _ITEM.fullmatch(text)
            yield f"- `{item[1]}`: {item[2]}" if item else f"  {text.strip()}".rstrip()
        else:
            yield text if section or text else ""
    if code:
        yield "```"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
