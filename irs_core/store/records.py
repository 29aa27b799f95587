"""The manifest of a study: what was asked, of which models and inputs, and where it lies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from irs_core.errors import StoreError
from irs_core.specs import SCHEMA_VERSION, StudySpec

BASE = "base"


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
    """

    name: str
    title: str
    digest: str
    execution: str
    note: str
    size_bytes: int
    nonzero: int
    evidence: Mapping[str, str]


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

    @property
    def id(self) -> str:
        """Id of the specification."""
        return self.spec.id

    @property
    def title(self) -> str:
        """Its name, or a description where it has none."""
        return self.spec.name or f"{self.spec.model.weights}, sigma {self.spec.noise.sigma:g}"

    @property
    def base(self) -> ModelRecord:
        """The uncompressed classifier."""
        return self.models[0]

    @property
    def compressed(self) -> tuple[ModelRecord, ...]:
        """The compressed classifiers, in the order asked for."""
        return self.models[1:]

    def to_dict(self) -> dict[str, Any]:
        """A JSON-serialisable form, read back by `from_dict`."""
        described = asdict(self)
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
                models=tuple(ModelRecord(**model) for model in fields.pop("models")),
                **fields,
            )
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise StoreError(f"not a study: {error}") from None
        record.check()
        return record

    def check(self) -> None:
        """Refuse a record whose parts do not fit together."""
        count = len(self.data.indices)
        if not count or len(self.data.labels) != count or len(self.data.reported) != count:
            raise StoreError(
                "a study needs one label and one role per input, and at least one input"
            )
        if not self.models or self.models[0].name != BASE:
            raise StoreError("a study needs its base classifier first")
