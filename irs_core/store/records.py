"""The manifest of a study: what was asked, of which models and inputs, and where it lies."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any, Self

from irs_core.errors import StoreError
from irs_core.methods import compressed_streams, stream_draws
from irs_core.spec.cost import ModelCost
from irs_core.spec.fields import is_a, kind_name, shorten
from irs_core.spec.study import MAX_CLASSES, SCHEMA_VERSION, Stream, StudySpec
from irs_core.spec.titles import inputs_title, title
from irs_core.text import NAME, SENTENCE, plain

BASE = "base"
BASE_STREAMS: tuple[Stream, ...] = ("select", "estimate")
_EVIDENCE_ID = re.compile(r"[0-9a-f]{16}")
_LARGEST = 2**63


@dataclass(frozen=True)
class ModelRecord:
    """One classifier of a study.

    Args:
        name: `base`, or the text of the compression, e.g. `prune:0.1`.
        title: For people.
        digest: SHA-256 of weights, architecture and compression.
        execution: Backend, device and arithmetic.
        note: What is and is not compressed, in a sentence.
        size_bytes: Weights as stored in the model's own format.
        nonzero: Non-zero parameters.
        evidence: Stream to the id of its evidence array.
        clean: Class that it predicts for each input without noise; empty where not computed.
        fixed: What was measured of it as a function of one image, in a sentence; empty where
            nothing was.
        cost: Size as deployed and speed without noise; None where they were not measured.
    """

    name: str
    title: str
    digest: str
    execution: str
    note: str
    size_bytes: int
    nonzero: int
    evidence: Mapping[Stream, str]
    clean: tuple[int, ...] = ()
    fixed: str = ""
    cost: ModelCost | None = None

    def __post_init__(self) -> None:
        shorten(self, NAME, "title")
        shorten(self, SENTENCE, "note", "fixed")


def _also_called(model: ModelRecord) -> tuple[str, ...]:
    """What people write for a model beside its name, which of a file ends in the digest."""
    path, hash_sign, _ = model.name.rpartition("#")
    if not hash_sign:
        return (model.title,)
    kind, _, place = path.rpartition(":")
    short = PurePath(place).name
    return model.title, short, path, f"{kind}:{short}"


@dataclass(frozen=True)
class DataRecord:
    """The inputs of a study, without their pixels.

    Args:
        indices: Position of each input in its full set.
        labels: True class of each input; read by metrics only.
        reported: False for inputs held out for tuning.
    """

    digest: str
    description: str
    classes: tuple[str, ...]
    indices: tuple[int, ...]
    labels: tuple[int, ...]
    reported: tuple[bool, ...]

    def __post_init__(self) -> None:
        shorten(self, NAME, "description")
        if isinstance(self.classes, tuple) and all(is_a(one, str) for one in self.classes):
            object.__setattr__(self, "classes", tuple(plain(one, NAME) for one in self.classes))

    @property
    def called(self) -> str:
        """Its description as people say it: `CIFAR-10 test images`."""
        return inputs_title(self.description)


@dataclass(frozen=True)
class StudyRecord:
    """Everything about a study but its evidence.

    Args:
        created: When it was first started, ISO 8601, UTC.
        finished: All evidence that the specification asks for was computed.
        hardware, versions: What computed it.
        digests: Evidence id to SHA-256 of its predictions, once finished.
    """

    spec: StudySpec
    created: str
    finished: bool
    data: DataRecord
    models: tuple[ModelRecord, ...]
    hardware: str
    versions: Mapping[str, str]
    digests: Mapping[str, str]

    def __post_init__(self) -> None:
        shorten(self, NAME, "hardware")

    @property
    def id(self) -> str:
        """Id of the specification."""
        return self.spec.id

    @property
    def title(self) -> str:
        """Its name, or a description where it has none."""
        return title(self.spec)

    @property
    def base(self) -> ModelRecord:
        """The uncompressed classifier."""
        return self.models[0]

    @property
    def compressed(self) -> tuple[ModelRecord, ...]:
        """The compressed classifiers, in the order asked for."""
        return self.models[1:]

    def meant(self, text: str) -> str:
        """The name of the model that somebody writes: by that name or its title; a file also by the
        file's name or path, with or without its kind (`int8.onnx`, `file:int8.onnx`).

        The text itself where it means none of them, or several.
        """
        if any(one.name == text for one in self.models):
            return text
        found = [one.name for one in self.compressed if text in _also_called(one)]
        return found[0] if len(found) == 1 else text

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serialisable form, read back by `from_dict`."""
        described = asdict(self)
        for model in described["models"]:
            # A record from before these were measured stays as it was, byte for byte.
            for later in ("fixed", "cost"):
                if not model[later]:
                    del model[later]
        described["spec"] = self.spec.to_dict()
        described["schema"] = SCHEMA_VERSION
        return described

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> Self:
        """The record that `to_dict` described.

        Raises:
            StoreError: It is of a later version, or a field is missing or malformed.
        """
        try:
            fields = dict(described)
            schema = fields.pop("schema")
            if schema != SCHEMA_VERSION:
                raise StoreError(
                    f"this study has format version {schema}; this program reads {SCHEMA_VERSION}"
                )
            data: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value
                for key, value in fields.pop("data").items()
            }
            record = cls(
                spec=StudySpec.from_dict(fields.pop("spec")),
                data=DataRecord(**data),
                models=tuple(_model(model) for model in fields.pop("models")),
                **fields,
            )
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise StoreError(f"not a study: {error}") from None
        record.check()
        return record

    def digest_draws(self) -> dict[str, int]:
        """Evidence id to the draws per input that the study uses of it, which its digest covers."""
        spec, found = self.spec, dict[str, int]()
        for model in self.models:
            for stream, evidence_id in model.evidence.items():
                own = spec.n if stream == "estimate" else spec.n0
                base = model.name == BASE
                found[evidence_id] = own if base else stream_draws(spec, stream)
        return found

    def may_lack(self, model: ModelRecord) -> bool:
        """Whether a finished study may lack draws of a model, which others may then add."""
        return self.spec.original_stops if model.name == BASE else self.spec.partial

    def check(self) -> None:
        """Refuse a record whose fields are of the wrong type or do not fit together.

        Raises:
            StoreError: The rule that is broken, with the value.
        """
        _check("created", [self.created], str)
        try:
            datetime.fromisoformat(self.created)
        except ValueError:
            raise StoreError(f"created must be an ISO 8601 time; got {self.created!r}") from None
        _check("finished", [self.finished], bool)
        _check("hardware", [self.hardware], str)
        _check_texts("versions", self.versions)
        _check_data(self.data)
        _check_models(self.models, self.spec)
        for model in self.models:
            _check_clean(model, len(self.data.indices))
        _check_texts("digests", self.digests)
        if self.finished and set(self.digests) != set(self.digest_draws()):
            raise StoreError(
                "a finished study needs the digest of each of its arrays, and no other"
            )


def _model(described: Mapping[str, Any]) -> ModelRecord:
    clean, cost = described.get("clean", ()), described.get("cost")
    return ModelRecord(
        **{
            **described,
            "clean": tuple(clean) if isinstance(clean, list) else clean,
            "cost": None if cost is None else ModelCost.from_json(cost),
        }
    )


def _check_clean(model: ModelRecord, inputs: int) -> None:
    name = f"the clean predictions of {model.name}"
    if not isinstance(model.clean, tuple) or len(model.clean) not in (0, inputs):
        raise StoreError(f"{name} must be none or one per input; got {model.clean!r:.80}")
    _check_range(name, model.clean, MAX_CLASSES)


def _check(name: str, values: Iterable[object], kind: type) -> None:
    for value in values:
        if not is_a(value, kind):
            raise StoreError(f"{name} must be {kind_name(kind)}; got {value!r:.80}")


def _check_words(name: str, words: object) -> None:
    """Refuse a text that is a part of keys, and so cannot be shortened."""
    if isinstance(words, str) and plain(words, SENTENCE) != words:
        raise StoreError(
            f"{name} may have {SENTENCE} letters and none that are not seen; got {words!r:.80}"
        )


def _check_texts(name: str, values: object) -> None:
    if not isinstance(values, Mapping):
        raise StoreError(f"{name} must be a table of texts; got {values!r:.80}")
    _check(name, [*values.keys(), *values.values()], str)


def _check_range(name: str, values: Iterable[int], stop: int) -> None:
    _check(name, values, int)
    for value in values:
        if not 0 <= value < stop:
            raise StoreError(f"{name} must be in [0, {stop}); got {value}")


def _check_data(data: DataRecord) -> None:
    _check("the data's digest and description", [data.digest, data.description], str)
    _check_words("the data's digest", data.digest)
    for name in ("classes", "indices", "labels", "reported"):
        if not isinstance(getattr(data, name), tuple):
            raise StoreError(f"{name} must be a list; got {getattr(data, name)!r:.80}")
    _check("classes", data.classes, str)
    if not 1 <= len(data.classes) <= MAX_CLASSES:
        raise StoreError(f"a study needs 1 to {MAX_CLASSES} classes; got {len(data.classes)}")
    _check_range("indices", data.indices, _LARGEST)
    _check_range("labels", data.labels, len(data.classes))
    _check("reported", data.reported, bool)
    count = len(data.indices)
    if not count or len(data.labels) != count or len(data.reported) != count:
        raise StoreError("a study needs one label and one role per input, and at least one input")
    if len(set(data.indices)) != count:
        again = next(one for one, times in Counter(data.indices).items() if times > 1)
        raise StoreError(f"a study needs each input once; it lists the index {again} again")
    if not any(data.reported):
        raise StoreError(f"a study needs an input that is reported; all {count} are held out")


def _check_models(models: tuple[ModelRecord, ...], spec: StudySpec) -> None:
    names = [model.name for model in models]
    asked = [BASE, *(str(compression) for compression in spec.compressions)]
    if names != asked:
        raise StoreError(
            "a study needs its base classifier first, then each of its compressions in order: "
            f"{', '.join(asked)}; got {names!r:.80}"
        )
    for model in models:
        for words in (model.digest, model.execution):
            _check_words(f"the digest and execution of {model.name}", words)
        _check(
            f"the title, digest, execution, note and measurement of {model.name}",
            [model.title, model.digest, model.execution, model.note, model.fixed],
            str,
        )
        _check_range(f"the sizes of {model.name}", [model.size_bytes, model.nonzero], _LARGEST)
        _check_texts(f"the evidence of {model.name}", model.evidence)
        streams = BASE_STREAMS if model.name == BASE else compressed_streams(spec)
        if set(model.evidence) != set(streams):
            raise StoreError(
                f"{model.name} needs evidence on {', '.join(streams)}; "
                f"got {', '.join(model.evidence) or 'none'}"
            )
        for evidence_id in model.evidence.values():
            if not _EVIDENCE_ID.fullmatch(evidence_id):
                raise StoreError(
                    f"an evidence id has 16 hexadecimal digits; got {evidence_id!r:.80}"
                )
