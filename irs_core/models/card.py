"""Model cards: who made the weights, how, and how good they are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from irs_core.errors import CheckpointError, reason


def read_card(path: Path) -> dict[str, Any]:
    """The card in a JSON file; an empty one where there is no file.

    Raises:
        CheckpointError: The file is no JSON object.
    """
    if not path.exists():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read model card {path.name}: {reason(error)}") from None
    if not isinstance(card, dict):
        raise CheckpointError(f"model card {path.name} must be a JSON object")
    return card


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    """Write a card as JSON, keys in their order."""
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def card_markdown(card: Mapping[str, Any]) -> str:
    """A card as Markdown: the name as heading, every other field as a row of a table."""
    rows = [f"| {_words(key)} | {_cell(value)} |" for key, value in card.items() if key != "name"]
    return "\n".join(
        [f"## {card.get('name', 'Model')}", "", "| field | value |", "|---|---|", *rows]
    )


def _words(key: str) -> str:
    return key.replace("_", " ")


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(str(key))} {_cell(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    if value is None:
        return "none"
    return str(value).replace("|", "\\|").replace("\n", " ")
