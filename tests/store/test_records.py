"""Records and specifications that come from somebody else."""

import copy
import json
from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.errors import SpecError, StoreError
from irs_core.spec.study import MAX_DRAWS, StudySpec
from irs_core.store import Library, StudyRecord


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    return synthetic_study(Library(tmp_path_factory.mktemp("store"))).to_dict()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("created", 5),
        ("created", None),
        ("created", "yesterday"),
        ("finished", 1),
        ("finished", "true"),
        ("hardware", None),
        ("hardware", "a\x1b[2Jb"),
        ("versions", ["a"]),
        ("versions", {"torch": 2}),
        ("digests", {}),
        ("digests", None),
        ("data", None),
        ("data.digest", 5),
        ("data.description", ["a"]),
        ("data.classes", None),
        ("data.classes", []),
        ("data.classes", "0123456789"),
        ("data.classes.0", 0),
        ("data.classes.0", "\ud800"),
        ("data.indices.0", -1),
        ("data.indices.0", 2**63),
        ("data.indices.0", 0.5),
        ("data.labels.0", "5"),
        ("data.labels.0", 10),
        ("data.labels.0", -1),
        ("data.labels.0", True),
        ("data.labels", "5" * 60),
        ("data.labels", [1]),
        ("data.reported.0", 1),
        ("data.reported", [False] * 60),
        ("models", {"base": 1}),
        ("models", []),
        ("models.0.name", "fp16"),
        ("models.1.name", "prune:0.1"),
        ("models.1.name", []),
        ("models.0.title", None),
        ("models.0.digest", 5),
        ("models.0.execution", {}),
        ("models.0.note", ["a"]),
        ("models.0.size_bytes", -1),
        ("models.0.size_bytes", 10**400),
        ("models.0.nonzero", 1.5),
        ("models.0.evidence", ["a"]),
        ("models.0.evidence", {"select": "0" * 16}),
        ("models.0.evidence.select", "0" * 15),
        ("models.0.evidence.select", "../../../../..//"),
        ("models.0.evidence.select", 5),
        ("models.0.evidence.pilot", "0" * 16),
        ("models.1.evidence", {"estimate": "0" * 16}),
        ("extra", 1),
    ],
)
def test_every_field_is_checked(described, path, value):
    changed = copy.deepcopy(described)
    *way, last = path.split(".")
    place = changed
    for step in way:
        # Tuples of the record are lists in a file.
        key = int(step) if step.isdigit() else step
        if isinstance(place[key], tuple):
            place[key] = list(place[key])
        place = place[key]
    place[int(last) if last.isdigit() else last] = value
    with pytest.raises(StoreError):
        StudyRecord.from_dict(changed)


def test_models_in_another_order_are_refused(described):
    base, first, second = described["models"]
    with pytest.raises(StoreError, match=r"in order: base, fp16, prune:0\.1; got"):
        StudyRecord.from_dict({**described, "models": [base, second, first]})


def test_lengths_of_digests(described):
    record = StudyRecord.from_dict(described)
    draws = record.digest_draws()
    assert [draws[record.base.evidence[one]] for one in ("select", "estimate")] == [100, 2000]
    own = record.compressed[0].evidence
    streams = ("estimate", "scratch-select", "scratch-estimate")
    assert [draws[own[one]] for one in streams] == [300, 100, 300]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("n", 2000.5),
        ("n", 2000.0),
        ("n", "x"),
        ("n", None),
        ("n", True),
        ("n0", [100]),
        ("n_p", "100"),
        ("n_p", [100.0]),
        ("n_p", [True]),
        ("n_p", None),
        ("alpha", "0.001"),
        ("alpha_zeta", None),
        ("gamma", True),
        ("baseline", 1),
        ("name", 5),
        ("name", "\ud800"),
        ("compressions", "fp16"),
        ("compressions", [5]),
        ("compressions", None),
        ("noise.sigma", "0.5"),
        ("noise.sigma", True),
        ("noise.sigma", 10**400),
        ("noise.seed", True),
        ("noise.seed", 1.0),
        ("noise.group", "1"),
        ("noise.kind", 1),
        ("model.weights", 5),
        ("model.arch", 5),
        ("model.num_classes", 10.0),
        ("model.mean", 5),
        ("model.mean", ["a"]),
        ("model.std", "abc"),
        ("data.kind", ["digits"]),
        ("data.root", 5),
        ("data.split", None),
        ("data.start", False),
        ("data.stride", 1.0),
        ("data.max", "40"),
        ("data.max", 2**63),
        ("data.holdout", None),
        ("data.size", "8"),
    ],
)
def test_every_field_of_a_specification_is_checked(path, value):
    described = synthetic_spec().to_dict()
    *way, last = path.split(".")
    place = described
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(SpecError):
        StudySpec.from_dict(described)


@pytest.mark.parametrize("name", ["n0", "n"])
def test_draws_are_bounded_by_the_width_of_arrays(name):
    assert getattr(synthetic_spec(**{name: MAX_DRAWS}), name) == MAX_DRAWS
    with pytest.raises(SpecError, match=f"at most {MAX_DRAWS}"):
        synthetic_spec(**{name: MAX_DRAWS + 1})


@pytest.mark.parametrize("field", ["mean", "std"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_normalisation_is_finite(field, value):
    model = {"weights": "x.pt", "mean": [0.5], "std": [0.5], field: [value]}
    with pytest.raises(SpecError, match="finite"):
        StudySpec.from_dict({**synthetic_spec().to_dict(), "model": model})


@pytest.mark.parametrize(
    "place", ["hardware", "data.description", "data.classes.3", "models.1.title"]
)
def test_what_is_only_shown_is_shortened_and_hides_nothing(described, place):
    *way, last = place.split(".")
    changed = at = json.loads(json.dumps(described))
    for step in way:
        at = at[int(step) if step.isdigit() else step]
    at[int(last) if last.isdigit() else last] = "a\u202eb\u200b" + "x" * 300
    found = StudyRecord.from_dict(changed).to_dict()
    for step in place.split("."):
        found = found[int(step) if step.isdigit() else step]
    assert found == "ab" + "x" * 197 + "…"


@pytest.mark.parametrize("place", ["execution", "digest"])
@pytest.mark.parametrize("value", ["a\u202eb", "x" * 5000])
def test_what_keys_are_made_of_is_refused_instead(described, place, value):
    changed = json.loads(json.dumps(described))
    changed["models"][1][place] = value
    with pytest.raises(StoreError, match="none that are not seen"):
        StudyRecord.from_dict(changed)


@pytest.mark.parametrize(
    ("description", "called"),
    [
        ("images in cifar10-jpeg, test split", "CIFAR-10 test images"),
        ("images in cifar100, train split", "CIFAR-100 train images"),
        ("images in my-flowers, val split", "my-flowers val images"),
        ("images in x, test split; 16-bit", "images in x, test split; 16-bit"),
        ("handwritten digits", "handwritten digits"),
    ],
)
def test_inputs_are_called_as_people_call_them(described, description, called):
    described = {**described, "data": {**described["data"], "description": description}}
    assert StudyRecord.from_dict(described).data.called == called


def test_a_model_that_is_a_file_is_meant_by_what_people_write(described):
    record = StudyRecord.from_dict(copy.deepcopy(described))
    file = replace(
        record.compressed[0],
        name="file:/a/b/f_int8.onnx#0123456789abcdef",
        title="f_int8.onnx 01234567",
    )
    record = replace(record, models=(record.base, file, record.compressed[1]))
    for text in ("f_int8.onnx", "file:f_int8.onnx", "file:/a/b/f_int8.onnx", file.title, file.name):
        assert record.meant(text) == file.name
    for text in ("base", record.compressed[1].name, "int7", "file:/c/f_int8.onnx", "f"):
        assert record.meant(text) == text
    # Two of one name are told apart by more than that.
    other = replace(file, name="file:/c/f_int8.onnx#fedcba9876543210", title="f_int8.onnx fedcba98")
    both = replace(record, models=(record.base, file, other))
    assert both.meant("f_int8.onnx") == "f_int8.onnx"
    assert both.meant("file:/c/f_int8.onnx") == other.name
