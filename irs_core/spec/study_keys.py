"""The keys of a study file: one table, which the reader, the writer and the JSON Schema follow."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from irs_core.spec.convention import CONVENTIONS
from irs_core.spec.data_kinds import DATA_KINDS
from irs_core.spec.study import (
    BASELINE,
    BOUNDS,
    CHANNEL_ORDERS,
    GENERATORS,
    METHOD_NAMES,
    NOISE_KINDS,
)
from irs_core.spec.yaml_places import Node, Row, Text

VERSION = 1
KeyKind = Literal["integer", "number", "boolean", "text", "budget", "spend", "block"]
_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "text": "a text",
    "budget": "a whole number or a percentage of n",
    "spend": "a number of draws, a percentage of n or seconds, as in 20000, 2% or 60s",
}
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d*(_\d+)*)", re.ASCII)
_NUMBER = re.compile(r"[+-]?((0|[1-9]\d*(_\d+)*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BUDGET = re.compile(r"\d+|\d+(\.\d+)?%", re.ASCII)
_SPEND = re.compile(r"\d+|\d+(\.\d+)?[%s]", re.ASCII)


@dataclass(frozen=True)
class Key:
    """A key.

    Args:
        sentence: What it means, for people.
        many: A list of such values; one value alone will do.
        optional: Whether it may be null.
        plain: Whether it is a field of the study itself, under the same name.
        choices: The texts that are allowed; any if empty.
    """

    name: str
    kind: KeyKind
    sentence: str
    required: bool = False
    many: bool = False
    optional: bool = False
    plain: bool = False
    choices: tuple[str, ...] = ()

    def read(self, node: Node) -> Any:
        """The value in a file.

        Raises:
            SpecError: It is of another kind; with its place.
        """
        if self.optional and isinstance(node, Text) and node.null:
            return None
        if not self.many:
            return self._one(node)
        values = node.values if isinstance(node, Row) else (node,)
        return tuple(self._one(one) for one in values)

    def schema(self) -> dict[str, Any]:
        """Its part of the JSON Schema."""
        one: dict[str, Any] = {"type": "string" if self.kind == "text" else self.kind}
        if self.kind == "budget":
            one = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9.]+%$"}]}
        if self.kind == "spend":
            one = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[0-9.]+[%s]$"}]}
        if self.choices:
            one["enum"] = list(self.choices)
        found = {"anyOf": [one, {"type": "array", "items": one}]} if self.many else one
        return {"anyOf": [found, {"type": "null"}]} if self.optional else found

    def _one(self, node: Node) -> Any:
        wrong = node.place.error(f"{self.name} must be {_WORDS[self.kind]}; got {node}")
        if not isinstance(node, Text) or node.null:
            raise wrong
        text = node.value
        if self.choices and text not in self.choices:
            near = get_close_matches(text, self.choices, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            said = f"{self.name} must be one of {', '.join(self.choices)}; got {text!r:.80}{hint}"
            raise node.place.error(said)
        if self.kind == "text":
            return text
        if self.kind in ("budget", "spend"):
            if not (_BUDGET if self.kind == "budget" else _SPEND).fullmatch(text):
                raise wrong
            return text
        if node.quoted:
            raise node.place.error(f"{self.name} must be {_WORDS[self.kind]}, without quotes")
        if self.kind == "boolean" and text in ("true", "false"):
            return text == "true"
        # The length bounds the time that a number takes to be read.
        if self.kind == "integer" and _INTEGER.fullmatch(text) and len(text) < 40:
            return int(text)
        if self.kind == "number" and _NUMBER.fullmatch(text):
            return float(text)
        raise wrong


_MODEL = (
    Key("weights", "text", "A file, shipped:NAME, package.module:make or a server's address."),
    Key("arch", "text", "Architecture, where the file does not name it.", optional=True),
    Key("num_classes", "integer", "Classes, where the file does not tell.", optional=True),
    Key("mean", "number", "Mean per channel, inside the model.", many=True, optional=True),
    Key("std", "number", "Deviation per channel, inside the model.", many=True, optional=True),
    Key("output", "text", "Output that holds the scores, of several.", optional=True),
    Key("denoiser", "text", "In front of the classifier: a file or shipped:NAME.", optional=True),
    Key(
        "channel_order",
        "text",
        "Order in which the model takes colours; mean and std stay red, green, blue.",
        choices=CHANNEL_ORDERS,
    ),
)
_DATA = (
    Key("kind", "text", "Kind of data set.", choices=DATA_KINDS),
    Key("root", "text", "Folder of the data.", optional=True),
    Key("split", "text", "Split or sub-folder."),
    Key("start", "integer", "First input, from 0."),
    Key("stride", "integer", "Take every N-th input."),
    Key("max", "integer", "At most N inputs.", optional=True),
    Key("holdout", "integer", "Further inputs for choosing gamma, never reported."),
    Key("size", "integer", "Height and width that images are resized to.", optional=True),
    Key("channels", "integer", "1 makes colours grey, 3 repeats grey.", optional=True),
    Key(
        "class_list",
        "text",
        "File that lists the model's classes, or a model's file that states them.",
        optional=True,
    ),
)
_GOAL = (
    Key("budget", "spend", "Spend at most 20000 draws in total, 2% (of n per input) or 60s."),
    Key("reach_acr", "number", "As few draws as reach this average certified radius."),
    Key("max_loss", "number", "As few draws as lose at most so much radius on any input."),
)
BLOCKS: Mapping[str, tuple[Key, ...]] = {"model": _MODEL, "data": _DATA, "goal": _GOAL}
# What a goal chooses, once a pilot has run.
CHOSEN_BY_GOAL = ("n_p", "max_loss", "split_draws", "bound", "baseline")
_METHODS = tuple(name for name in METHOD_NAMES if name != BASELINE)
KEYS: tuple[Key, ...] = (
    Key("schema", "integer", f"Version of the format, {VERSION}.", required=True),
    Key("name", "text", "For people; decides about nothing."),
    Key("model", "block", "The original: a text as its weights, or a block.", required=True),
    Key("data", "block", "The inputs.", required=True),
    Key("sigma", "number", "Noise standard deviation, pixel units, > 0.", required=True),
    Key("noise", "text", "Kind of noise.", choices=NOISE_KINDS),
    Key(
        "generator",
        "text",
        "What makes integer noise: philox for a study that begins; sfc64 if left out, as before "
        "there was a choice.",
        choices=GENERATORS,
    ),
    Key("seed", "integer", "Seed of all noise, >= 0."),
    Key("group", "integer", "Inputs that share noise draws."),
    Key("compress", "text", "Compressed models, as after --compress.", required=True, many=True),
    Key("n0", "integer", "Selection draws per input.", plain=True),
    Key("n", "integer", "Estimation draws per input of the original.", plain=True),
    Key("n_p", "budget", "Draws per input of a compressed model.", many=True, plain=True),
    Key("alpha", "number", "Failure probability of the bound on p_A, in (0, 1).", plain=True),
    Key("alpha_zeta", "number", "The same of the bound on zeta.", plain=True),
    Key("gamma", "number", "Threshold on p_lower, in (0.5, 1].", plain=True),
    Key("baseline", "boolean", "Certify from scratch as well, for comparison.", plain=True),
    Key("methods", "text", "Draw for these.", many=True, plain=True, choices=_METHODS),
    Key(
        "goal",
        "block",
        "cirs: what the draws of each compressed model are to reach, one of three keys; a pilot "
        "then chooses n_p.",
    ),
    Key("decline", "number", "iss: radius that may be lost.", plain=True),
    Key("max_loss", "number", "cirs: radius that may be lost.", optional=True, plain=True),
    Key("split_draws", "integer", "cirs: draws that split alpha.", optional=True, plain=True),
    Key("bound", "text", "cirs: split or joint.", plain=True, choices=BOUNDS),
    Key("looks", "boolean", "cirs: results may be seen while it runs.", plain=True),
    Key("radii", "number", "seq: L2 radii, pixel units.", many=True, plain=True),
    Key("tolerance", "number", "seq: how much less the compressed has to withstand.", plain=True),
    Key("convention", "text", "one-sided or two-sided radii.", plain=True, choices=CONVENTIONS),
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of these files, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study of irs",
        **_object(KEYS),
    }


def _object(keys: Sequence[Key]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in keys:
        said = _object(BLOCKS[key.name]) if key.kind == "block" else key.schema()
        if key.name == "model":
            said = {"anyOf": [{"type": "string"}, said]}
        if key.name == "goal":
            said |= {"minProperties": 1, "maxProperties": 1}
        found[key.name] = {"description": key.sentence, **said}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [key.name for key in keys if key.required],
        "properties": found,
    }
