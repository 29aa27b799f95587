"""A study as a file that people write and keep in git: YAML, read with the place of each mistake.

docs/study-file.md explains it. Every key is one entry of `KEYS`, which the JSON Schema follows.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from irs_core.errors import IrsError, SpecError, reason
from irs_core.spec.budgets import parse_budgets
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import FILE_PREFIX, NORMALIZED_PREFIX, Compression
from irs_core.spec.goal import Goal, read_goal
from irs_core.spec.outside import is_address, is_url
from irs_core.spec.parts import PARTS
from irs_core.spec.paths import expanded
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.spec.study_keys import BLOCKS, CHOSEN_BY_GOAL, KEYS, VERSION
from irs_core.spec.yaml_places import Place, Row, Text, Tree, read_tree

_SCHEME = re.compile(r"[A-Za-z][\w+.-]+:")
Models = Callable[[ModelSpec, Sequence[str], DataSpec], tuple[ModelSpec, tuple[Compression, ...]]]


@dataclass(frozen=True)
class StudyFile:
    """What a file says.

    Args:
        spec: The study; what the file leaves out has its default.
        given: Keys that the file has, those of blocks as `model.arch`.
        goal: What chooses the draws of compressed models, once a pilot has run; None for none.
    """

    spec: StudySpec
    given: frozenset[str]
    goal: Goal | None = None


def read_study_file(path: Path, models: Models | None = None) -> StudyFile:
    """The study in a file; relative paths in it start from the file's folder.

    Args:
        models: Reads the models that the texts name; None takes texts alone, so that files need
            their digests.

    Raises:
        SpecError: It cannot be read, or breaks a rule: with line, column and key.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"cannot read {str(path)!r}: {reason(error)}") from None
    return parse_study(content, name=path.name, folder=path.parent, models=models)


MAX_BYTES = 100_000


def parse_study(
    content: bytes | str,
    *,
    name: str = "study.yaml",
    folder: Path | None = None,
    models: Models | None = None,
) -> StudyFile:
    """The study that a text describes; see `read_study_file`.

    Args:
        name: Of the file, for messages.
        folder: Where relative paths start; None leaves them as they are.
    """
    raw = content.encode() if isinstance(content, str) else content
    if len(raw) > MAX_BYTES:
        raise SpecError(f"{name}: a study file may have at most {MAX_BYTES:,} bytes")
    tree = read_tree(raw, name)
    values: dict[str, Any] = {}
    places: dict[str, Place] = {"": tree.place}
    for key, value, place in _read(tree, ""):
        places[key] = place
        if not key.startswith("'"):
            values[key] = value
    for known in KEYS:
        if known.required and known.name not in values:
            raise tree.place.error(f"the key {known.name} is missing: {known.sentence}")
    if values["schema"] != VERSION:
        raise places["schema"].error(f"schema must be {VERSION}; got {values['schema']}")
    given = frozenset(values)
    with _Located(places):
        goal = _goal(values)
        return StudyFile(_study(values, folder, models), given, goal)


def study_text(spec: StudySpec, goal: Goal | None = None) -> str:
    """The file that describes a study, with every value that decides about its id.

    Args:
        goal: What is to choose the draws of compressed models anew, in place of the study's own.
    """
    lines = [
        "# ./irs certify THIS_FILE; docs/study-file.md explains every key.",
        f"schema: {VERSION}",
    ]
    if spec.name:
        lines.append(f"name: {_shown(spec.name)}")
    for block, part in (("model", spec.model), ("data", spec.data)):
        lines.append(f"{block}:")
        lines += [
            f"  {field.name}: {_shown(value)}"
            for field in fields(part)
            if (value := getattr(part, field.name)) != field.default
        ]
        if lines[-1] == f"{block}:":
            lines.append("  kind: digits")
    noise = spec.noise
    lines += [f"sigma: {_shown(noise.sigma)}", f"noise: {noise.kind}", f"seed: {noise.seed}"]
    if noise.group != 1:
        lines.append(f"group: {noise.group}")
    if noise.generator != "sfc64":
        lines.append(f"generator: {noise.generator}")
    texts = [str(one) for one in spec.compressions]
    lines += ["compress:", *(f"  - {_shown(one)}" for one in texts)] if texts else ["compress: []"]
    if goal is not None:
        lines += ["goal:", *(f"  {key}: {_shown(value)}" for key, value in goal.written.items())]
    left_out = () if goal is None else (*CHOSEN_BY_GOAL, "methods")
    plain = [key.name for key in KEYS if key.plain and key.name not in left_out]
    lines += [f"{name}: {_shown(getattr(spec, name))}" for name in plain]
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    """A value as YAML that reads back as the same, whatever reads it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, float):
        # YAML 1.1 takes 1e-05 for a text: it wants a point.
        text = repr(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    if isinstance(value, int):
        return str(value)
    text = str(value)
    if re.fullmatch(r"[A-Za-z/][\w./:#+-]*", text, re.ASCII) and text.lower() not in _WORDS:
        return text if not text.endswith(":") else f"'{text}'"
    return "'" + text.replace("'", "''") + "'"


# What YAML 1.1 reads as something other than a text.
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def _read(tree: Tree, block: str) -> Iterator[tuple[str, Any, Place]]:
    known = {key.name: key for key in (BLOCKS[block] if block else KEYS)}
    where = f" of {block}" if block else ""
    for name, (place, node) in tree.items.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known{where}: {', '.join(known)}"
            raise place.error(f"unknown key {name!r}; {hint}")
        key, full = known[name], f"{block}.{name}" if block else name
        if key.kind == "block":
            if isinstance(node, Tree):
                yield full, None, place
                yield from _read(node, name)
                continue
            if name != "model" or not isinstance(node, Text) or node.null:
                raise node.place.error(f"{name} must be a block of keys; got {node}")
            yield full, None, place
            yield "model.weights", node.value, node.place
        else:
            yield full, key.read(node), node.place
            if key.name == "compress" and isinstance(node, Row):
                yield from ((str(one), None, one.place) for one in node.values)


def _study(values: Mapping[str, Any], folder: Path | None, models: Models | None) -> StudySpec:
    block: dict[str, dict[str, Any]] = {
        name: {
            key.partition(".")[2]: one for key, one in values.items() if key.startswith(f"{name}.")
        }
        for name in BLOCKS
    }
    if "weights" not in block["model"]:
        raise SpecError("model needs the key weights: a file, or shipped:NAME")
    weights = block["model"].pop("weights")
    if block["model"].get("denoiser") is not None:
        block["model"]["denoiser"] = _beside(block["model"]["denoiser"], folder)
    model = ModelSpec(_beside(weights, folder), **block["model"])
    for name in ("root", "class_list"):
        if block["data"].get(name) is not None:
            block["data"][name] = _beside(block["data"][name], folder)
    data = DataSpec(**block["data"])
    texts = [_compression_beside(text, folder) for text in values["compress"]]
    model, compressions = (models or _texts_alone)(model, texts, data)
    fixed = {key.name: values[key.name] for key in KEYS if key.plain and key.name in values}
    if "goal" in values:
        fixed.setdefault("methods", ("cirs",))
    n = fixed.get("n", StudySpec.n)
    fixed["n_p"] = parse_budgets(fixed.get("n_p", ["1%", "2%", "5%", "10%"]), n)
    return StudySpec(
        model=model,
        data=data,
        noise=NoiseSpec(
            values["sigma"],
            values.get("seed", 0),
            values.get("noise", "gaussian"),
            values.get("group", 1),
            values.get("generator", "sfc64"),
        ),
        compressions=compressions,
        name=values.get("name", ""),
        **fixed,
    )


def _goal(values: Mapping[str, Any]) -> Goal | None:
    """The goal in a file.

    Raises:
        SpecError: It is not one of the three, or the file chooses itself what a goal chooses.
    """
    if "goal" not in values:
        return None
    given = {
        key.name: values[f"goal.{key.name}"]
        for key in BLOCKS["goal"]
        if f"goal.{key.name}" in values
    }
    goal = read_goal(**given)
    if goal is None:
        raise SpecError("goal must say one thing to reach: budget, reach_acr or max_loss; got none")
    for name in CHOSEN_BY_GOAL:
        if values.get(name) not in (None, False):
            raise SpecError(f"{name} is chosen by the goal; leave out one of the two")
    if values.get("methods", ("cirs",)) != ("cirs",):
        raise SpecError(
            f"methods must be cirs alone under a goal; got {', '.join(values['methods'])}"
        )
    return goal


def _texts_alone(
    model: ModelSpec, texts: Sequence[str], _: DataSpec
) -> tuple[ModelSpec, tuple[Compression, ...]]:
    return model, tuple(map(parse_compression, texts))


def _beside(text: str, folder: Path | None) -> str:
    """A path as seen from the file's folder; shipped:NAME, code and addresses as they are."""
    if folder is None or _SCHEME.match(text) or is_url(text) or is_address(text):
        return text
    return str(folder / expanded(text)) if text else text


def _compression_beside(text: str, folder: Path | None) -> str:
    kind, colon, path = text.partition(":")
    if kind in PARTS:
        return f"{kind}:{_compression_beside(path, folder)}"
    if not colon or kind not in (FILE_PREFIX, NORMALIZED_PREFIX):
        return text
    return f"{kind}:{_beside(path, folder)}"


class _Located:
    """Gives a broken rule the place of the key that its sentence names."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, IrsError):
            return
        said = str(error)
        # A text that is quoted in the sentence has a place of its own.
        quoted = [key for key in self._places if key.startswith("'") and key in said]
        words = re.findall(
            r"\w+", said.partition("; got")[0].replace("compressions", "compression")
        )
        words = ["compress" if word == "compression" else word for word in words]
        last = {key.rpartition(".")[2]: key for key in self._places}
        named = [last[word] for word in words if word in last]
        raise self._places[[*quoted, *named, ""][0]].error(said) from None
