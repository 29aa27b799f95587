"""Lists of a model's classes, and labels tied to them by name."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from irs_core.data.stated_classes import stated_classes
from irs_core.errors import CheckpointError, DatasetError, reason
from irs_core.graphs import is_graph_file
from irs_core.sandbox.opening import opened
from irs_core.spec.paths import expanded
from irs_core.spec.study import MAX_CLASSES

NAMES = ("classes.txt", "labels.txt", "class_names.txt", "synset_words.txt", "classes.json")
_MAX_BYTES = 8 << 20
_SYNSET = re.compile(r"n\d{8}\b")
_NUMBERED = re.compile(r"\s*(\d+)\s*[:,;\t ]\s*(.+)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_KEYS = ("classes", "class_names", "labels", "names", "id2label", "class_to_idx", "label2id")
_SHOWN = 5
_DIGITS = 10


@dataclass(frozen=True)
class ClassList:
    """The classes of a model by number.

    Args:
        name: Of its file, for people.
        entries: Of each class the names that it goes by, the one to show first.
        way: What to do where it does not fit, for messages.
    """

    name: str
    entries: tuple[tuple[str, ...], ...]
    way: str = ""

    @property
    def classes(self) -> tuple[str, ...]:
        """A name of each class."""
        return tuple(one[0] for one in self.entries)

    def numbers(self, names: Sequence[str]) -> tuple[int, ...]:
        """The number of each class, by its name.

        Raises:
            DatasetError: A name is not in the list, or stands for several classes.
        """
        exact, known = dict[str, set[int]](), dict[str, set[int]]()
        for number, entry in enumerate(self.entries):
            for one in entry:
                exact.setdefault(one, set()).add(number)
                known.setdefault(_plain(one), set()).add(number)
        found = [exact.get(one) or known.get(_plain(one), set()) for one in names]
        missing = [name for name, one in zip(names, found, strict=True) if not one]
        if missing:
            used = set().union(*found)
            left = [one for n, one in enumerate(self.classes) if n not in used]
            raise DatasetError(
                f"{_some(missing)} not among the {len(self.entries)} classes of {self.name}; "
                f"classes without images: {_listed(left) or 'none'}{self.way}"
            )
        several = [name for name, one in zip(names, found, strict=True) if len(one) > 1]
        if several:
            raise DatasetError(
                f"{_some(several)} the name of several classes in {self.name}{self.way}"
            )
        numbers = tuple(min(one) for one in found)
        if len(set(numbers)) != len(numbers):
            raise DatasetError(f"two folders stand for one class of {self.name}{self.way}")
        return numbers


def read_class_list(path: str | Path) -> ClassList:
    """A list of classes: one a line in their order, numbered or not, or JSON.

    A line may begin with a synset (`n01440764 tench, Tinca tinca`). JSON is a list, a mapping from
    numbers to names or from names to numbers, or an object with either under a usual key. Of a
    graph file (ONNX, OpenVINO IR), the names that it states itself.

    Raises:
        DatasetError: It cannot be read, or is no such list.
    """
    file = expanded(path)
    if is_graph_file(file.name):
        return _stated(file)
    name = file.name
    return _checked(name, _of_text(_text(file), name))


def names_classes(path: Path) -> bool:
    """Whether a model's file is a graph file that says something about its classes.

    Raises:
        DatasetError: It cannot be read.
    """
    return is_graph_file(path.name) and path.is_file() and _of_graph(path) is not None


def _of_graph(file: Path) -> Any:
    try:
        return stated_classes(file)
    except CheckpointError as error:
        raise DatasetError(str(error)) from None


def _stated(file: Path) -> ClassList:
    found, name = _of_graph(file), f"the metadata of {file.name}"
    if found is None:
        raise DatasetError(f"{name} names no classes; give a file that lists them (--classes FILE)")
    way = "; --classes FILE gives other names"
    try:
        return replace(_checked(name, _of_value(found, name)), way=way)
    except DatasetError as error:
        raise DatasetError(f"{error}{way}") from None


def _text(file: Path) -> str:
    try:
        with opened(file) as source:
            content = source.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise DatasetError(f"a class list has at most {_MAX_BYTES} bytes; {file.name} has more")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise DatasetError(f"cannot read class list {file}: {reason(error)}") from None
    except UnicodeDecodeError:
        raise DatasetError(f"class list {file.name} is no text file") from None


def _of_text(text: str, name: str) -> list[tuple[str, ...]]:
    return _from_json(text, name) if text.lstrip()[:1] in "[{" else _from_lines(text)


def _checked(name: str, entries: Sequence[tuple[str, ...]]) -> ClassList:
    if not 2 <= len(entries) <= MAX_CLASSES:
        raise DatasetError(
            f"a class list names 2 to {MAX_CLASSES} classes; {name} names {len(entries)}"
        )
    if not all(all(one) for one in entries):
        raise DatasetError(f"a class list names every class; {name} leaves one without a name")
    if any(_UNPRINTABLE.search(one) for entry in entries for one in entry):
        raise DatasetError(f"names of classes hold no control characters; some in {name} do")
    return ClassList(name, tuple(entries))


def written(entry: tuple[str, ...]) -> str | list[str]:
    """All names of a class as a list in JSON gives them, to be read back as they are."""
    texts = [entry[0], *(f"{one} {entry[0]}" for one in entry[1:] if _SYNSET.fullmatch(one))]
    return next((one for one in texts if _aliases(one) == entry), list(entry[::-1]))


def list_beside(weights: str) -> Path | None:
    """The class list that lies beside a model's file: by its name, or by a usual one."""
    file = expanded(weights)
    if not file.is_file():
        return None
    own = [file.with_suffix(end) for end in (".classes.txt", ".txt", ".json")]
    usual = [file.parent / one for one in (*NAMES, "config.json")]
    return next((one for one in (*own, *usual) if one.is_file() and _readable(one)), None)


def list_among(folder: Path) -> Path | None:
    """The class list that lies in the folder of a data set."""
    return next((folder / one for one in NAMES if (folder / one).is_file()), None)


def _readable(path: Path) -> bool:
    try:
        read_class_list(path)
    except DatasetError:
        return False
    return True


def _from_lines(text: str) -> list[tuple[str, ...]]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    for first in (0, 1):
        if lines and all(
            one is not None and int(one[1]) == n for n, one in enumerate(numbered, start=first)
        ):
            lines = [one[2].strip() for one in numbered if one is not None]
            break
    return [_aliases(line) for line in lines]


def _aliases(line: str) -> tuple[str, ...]:
    synset = _SYNSET.match(line)
    if synset is None:
        return (line,)
    words = line[synset.end() :].strip(" ,:;\t")
    parts = [one.strip() for one in words.split(",") if one.strip()]
    return tuple(dict.fromkeys([*([words] if words else []), synset[0], *parts]))


def _from_json(text: str, name: str) -> list[tuple[str, ...]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"class list {name} is no JSON: {error}") from None
    return _of_value(found, name)


def _of_value(found: Any, name: str) -> list[tuple[str, ...]]:
    if isinstance(found, dict):
        found = next(
            (found[key] for key in _KEYS if isinstance(found.get(key), dict | list)), found
        )
    if isinstance(found, dict):
        found = _by_number(found)
    if not isinstance(found, list):
        raise DatasetError(f"class list {name} numbers no classes from 0 on")
    return [_entry(one, name) for one in found]


def _by_number(found: Mapping[str, Any]) -> list[Any] | None:
    # Python reads no number of thousands of digits.
    numbers = {one: name for one, name in found.items() if one.isdecimal() and len(one) < _DIGITS}
    if len(numbers) != len(found):
        if not all(type(one) is int for one in found.values()):
            return None
        numbers = {str(number): name for name, number in found.items()}
    if sorted(map(int, numbers)) != list(range(len(found))):
        return None
    return [numbers[key] for key in sorted(numbers, key=int)]


def _entry(one: Any, name: str) -> tuple[str, ...]:
    if isinstance(one, str):
        return _aliases(one.strip())
    if isinstance(one, list) and one and all(isinstance(part, str) for part in one):
        return tuple(one[::-1])
    raise DatasetError(f"class list {name} must name classes by texts; got {str(one)[:40]!r}")


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _some(names: Sequence[str]) -> str:
    return f"{_listed(names)} {'are' if len(names) > 1 else 'is'}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
