"""A study whose every text is an attack on what shows it, and the same one with harmless texts."""

from collections.abc import Callable
from dataclasses import replace

from synthetic import synthetic_spec, synthetic_study

from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.compressions import FileModel
from irs_core.spec.study import ModelSpec, StudySpec
from irs_core.store import Library, ModelRecord, StudyRecord

HOST = "x.invalid"
# Every text begins as a formula, a block of Markdown or a command, and carries the rest.
REST = (
    f"](http://{HOST}/a) ![i](//{HOST}/i) <img src=//{HOST}/b> $\\href{{//{HOST}}}{{x}}$ :red[no] "
    f":material/check: :100: www.{HOST} a@{HOST} #1 `c` **VERIFIED** %{{x}} |<br>"
)
BEGINNINGS = ("=HYPERLINK(1)", "+1+cmd|'/C'!A0", "@SUM(1)", "-2+3", "# A", "::error::x")


def hostile(what: str, at: int = 0) -> str:
    """A text that attacks, in the place of a harmless one."""
    return f"{BEGINNINGS[at % len(BEGINNINGS)]} {what} {REST}"


def harmless(what: str, at: int = 0) -> str:
    """What `hostile` stands for."""
    return f"{what} {at}"


def foreign_study(
    library: Library, text: Callable[[str, int], str], *, named: bool = True
) -> StudyRecord:
    """A finished study of two models, one of them a file, with texts of `text` wherever it has any.

    Args:
        named: It has a name; else its weights' are shown.
    """
    record = synthetic_study(library, _spec(text, named=named))
    data = replace(
        record.data,
        description=text("data", 1),
        classes=tuple(text(f"class{at}", at) for at in range(len(record.data.classes))),
    )
    models = tuple(_renamed(one, text, at) for at, one in enumerate(record.models))
    hardware = text("hardware", 2)
    found = replace(record, data=data, models=models, hardware=hardware)
    library.save(found)
    return found


def _spec(text: Callable[[str, int], str], *, named: bool) -> StudySpec:
    file = FileModel(f"/models/{text('file', 0)}.onnx", "0123456789abcdef")
    return synthetic_spec(
        name=text("name", 0) if named else "",
        model=ModelSpec(text("weights", 0)),
        compressions=(file, parse_compression("fp16")),
    )


def _renamed(model: ModelRecord, text: Callable[[str, int], str], at: int) -> ModelRecord:
    return replace(
        model, title=text(f"model{at}", at), note=text("note", at), fixed=text("fixed", at)
    )
