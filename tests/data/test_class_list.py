"""Labels tied to a model's classes by name."""

import json

import pytest
from PIL import Image

from irs_core.data import load_dataset
from irs_core.data.class_list import list_beside, read_class_list
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

NAMES = ("tench", "great white shark", "owl")
SYNSETS = "n01440764 tench, Tinca tinca\nn01484850 great white shark\nn01622779 owl\n"


def folders(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)
        Image.new("L", (2, 2)).save(root / name / "a.png")


def load(root, class_list=None):
    given = None if class_list is None else str(class_list)
    return load_dataset(DataSpec("image-folder", str(root), "", class_list=given))


@pytest.mark.parametrize(
    "content",
    [
        "tench\ngreat white shark\nowl\n",
        "\ufefftench\r\ngreat white shark\r\n\r\nowl",
        "0 tench\n1 great white shark\n2 owl",
        "1: tench\n2: great white shark\n3: owl",
        json.dumps(NAMES),
        json.dumps(dict(enumerate(NAMES))),
        json.dumps({name: number for number, name in enumerate(NAMES)}),
        json.dumps({"id2label": dict(enumerate(NAMES)), "model_type": "vit"}),
        json.dumps({"name": "net", "classes": NAMES}),
        json.dumps({"0": ["n0", "tench"], "1": ["n1", "great white shark"], "2": ["n2", "owl"]}),
    ],
)
def test_lists_of_every_kind(tmp_path, content):
    (tmp_path / "list").write_bytes(content.encode())
    assert read_class_list(tmp_path / "list").classes == NAMES


def test_synsets_and_words_stand_for_one_class(tmp_path):
    (tmp_path / "list").write_text(SYNSETS)
    found = read_class_list(tmp_path / "list")
    assert found.classes == ("tench, Tinca tinca", "great white shark", "owl")
    assert found.numbers(["n01622779", "tench", "Great_White-shark"]) == (2, 0, 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"one", b"[1, 2]", b"{", b'{"a": 1, "b": 3}', b'{"a": "x"}', b"\xff\xfe", b"a\x1b\nb"],
)
def test_what_is_no_list_is_one_sentence(tmp_path, content):
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(DatasetError, match="list"):
        read_class_list(tmp_path / "list")


def test_a_subset_of_the_classes_keeps_their_numbers(tmp_path):
    folders(tmp_path / "data", "owl", "tench")
    (tmp_path / "list").write_text("\n".join(NAMES))
    data = load(tmp_path / "data", tmp_path / "list")
    assert (data.classes, data.labels.tolist(), data.known) == (NAMES, [2, 0], True)
    assert data.notes == ("classes numbered by list",)


def test_folders_that_are_not_in_the_list_are_named_with_what_is_left(tmp_path):
    folders(tmp_path / "data", "owl", "tensch")
    (tmp_path / "list").write_text("\n".join(NAMES))
    with pytest.raises(
        DatasetError,
        match=r"'tensch' is not among the 3 classes of list; classes without images: "
        r"'tench', 'great white shark'",
    ):
        load(tmp_path / "data", tmp_path / "list")


def test_a_name_of_several_classes_is_refused(tmp_path):
    folders(tmp_path / "data", "crane", "owl")
    (tmp_path / "list").write_text("n02012849 crane\nn03126707 crane\nn01622779 owl\n")
    with pytest.raises(DatasetError, match="'crane' is the name of several classes"):
        load(tmp_path / "data", tmp_path / "list")
    (tmp_path / "data" / "crane").rename(tmp_path / "data" / "n03126707")
    assert load(tmp_path / "data", tmp_path / "list").labels.tolist() == [1, 2]


def test_two_folders_of_one_class_are_refused(tmp_path):
    folders(tmp_path / "data", "Owl", "owl")
    (tmp_path / "list").write_text("\n".join(NAMES))
    with pytest.raises(DatasetError, match="two folders stand for one class"):
        load(tmp_path / "data", tmp_path / "list")


def test_a_list_among_the_data_is_taken(tmp_path):
    folders(tmp_path, "owl", "tench")
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    assert load(tmp_path).labels.tolist() == [2, 0]


def test_numbers_are_in_their_own_order(tmp_path):
    folders(tmp_path, *map(str, range(1, 12)))
    data = load(tmp_path)
    assert data.classes == tuple(map(str, range(1, 12)))
    assert data.labels.tolist() == list(range(11))
    assert data.notes == ("class folders in the order of their numbers",)
    assert not data.known


def test_other_names_are_in_the_order_of_text(tmp_path):
    folders(tmp_path, "a1", "a10", "a2")
    assert load(tmp_path).classes == ("a1", "a10", "a2")


@pytest.mark.parametrize(
    "name", ["net.txt", "net.json", "net.classes.txt", "classes.txt", "config.json"]
)
def test_a_list_beside_the_model_is_found(tmp_path, name):
    (tmp_path / "net.onnx").write_bytes(b"x")
    assert list_beside(str(tmp_path / "net.onnx")) is None
    (tmp_path / name).write_text(json.dumps({"id2label": dict(enumerate(NAMES))}))
    assert list_beside(str(tmp_path / "net.onnx")) == tmp_path / name


def test_a_card_without_classes_is_no_list(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"x")
    (tmp_path / "net.json").write_text(json.dumps({"arch": "resnet18", "sigma": 0.5}))
    assert list_beside(str(tmp_path / "net.onnx")) is None
    assert list_beside("shipped:digits-0.50") is None
