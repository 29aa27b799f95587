"""Names of classes that a model's own file states: metadata of ONNX, `rt_info` of OpenVINO IR."""

import ast
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from irs_core.graphs.stated import named_in, stated

# Names under which exporters write them, the surer ones first.
KEYS = ("names", "class_names", "classes", "labels", "id2label", "categories")
_MOST_TEXT = 4 << 20
_DIGITS = 10
_IR = ".xml"


def stated_classes(path: Path) -> Any:
    """What a graph file says about its classes: a list, or a mapping from numbers or names.

    Texts are read as JSON, as a literal of Python (which is parsed, never run), or as names that
    stand on lines or between commas; those of an IR between spaces.

    Returns:
        The first text that names two classes or more, as `json.loads` would give it; None where
        there is none.

    Raises:
        CheckpointError: The file cannot be read.
    """
    texts = stated(path)
    return next(_found(texts, spaced=path.suffix.lower() == _IR), None)


def _found(texts: Mapping[str, str], *, spaced: bool) -> Iterator[Any]:
    for key in KEYS:
        text = (named_in(texts, key) or "").strip()
        if not 0 < len(text) <= _MOST_TEXT:
            continue
        value = _literal(text) if text[0] in "[{(" else _listed(text, spaced=spaced)
        if isinstance(value, list | dict) and len(value) >= 2 and _names(value):
            yield value


def _names(value: list[Any] | dict[str, Any]) -> bool:
    """Whether classes are named, rather than something else listed."""
    members = list(value.values()) if isinstance(value, dict) else value
    texts = all(isinstance(one, str) for one in members)
    return texts or (isinstance(value, dict) and all(type(one) is int for one in members))


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings():
            # Of backslashes that mean nothing.
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return _plain(value)


def _plain(value: Any) -> Any:
    """A literal of Python as JSON has it: lists, and texts as keys."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, dict) and all(_is_key(one) for one in value):
        return {str(key): one for key, one in value.items()}
    return value if isinstance(value, list) else None


def _is_key(key: object) -> bool:
    return type(key) is str or (type(key) is int and 0 <= key < 10**_DIGITS)


def _listed(text: str, *, spaced: bool) -> list[str]:
    if "\n" in text:
        return [one.strip() for one in text.splitlines() if one.strip()]
    if "," in text:
        return [one.strip() for one in text.split(",")]
    return text.split() if spaced else [text]
