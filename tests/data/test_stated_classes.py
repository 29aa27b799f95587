"""Classes that a model's own file names."""

import json

import pytest
from graphs.test_stated import ir, with_metadata
from PIL import Image

from irs_core.data import load_dataset, with_model_classes
from irs_core.data.class_list import read_class_list
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

NAMES = ("owl", "tench", "great white shark")


def folders(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)
        Image.new("L", (2, 2)).save(root / name / "a.png")
    return DataSpec("image-folder", str(root), "")


@pytest.mark.parametrize(
    "texts",
    [
        {"names": str(dict(enumerate(NAMES)))},
        {"names": str(list(NAMES))},
        {"names": str(NAMES)},
        {"names": json.dumps(NAMES)},
        {"labels": json.dumps(dict(enumerate(NAMES)))},
        {"classes": "owl\ntench\ngreat white shark\n"},
        {"class_names": "owl, tench, great white shark"},
        {"id2label": "{'2': 'great white shark', '0': 'owl', '1': 'tench'}"},
        {"categories": str({name: number for number, name in enumerate(NAMES)})},
        {"author": "[", "names": "one", "labels": str(NAMES)},
        {"names": "[1, 2, 3]", "labels": str(NAMES)},
        {"names": "__import__('os').system('false')", "labels": str(NAMES)},
        {"names": "-" * 100_000 + "1", "labels": str(NAMES)},
        {"names": "{" * 5000, "labels": str(NAMES)},
        {"names": "{0: 'a', True: 'b'}", "labels": str(NAMES)},
    ],
)
def test_names_in_every_usual_form(tmp_path, texts):
    path = with_metadata(tmp_path / "net.onnx", **texts)
    assert read_class_list(path).classes == NAMES
    data = folders(tmp_path / "data", "great_white_shark", "owl")
    found = load_dataset(with_model_classes(data, str(path)))
    assert (found.classes, found.labels.tolist(), found.known) == (NAMES, [2, 0], True)
    assert found.notes == ("classes numbered by the metadata of net.onnx",)


def test_an_apostrophe_and_a_backslash_are_letters(tmp_path):
    names = ["jack-o'-lantern", 'a "b"', "c\\d"]
    path = with_metadata(tmp_path / "net.onnx", names=str(dict(enumerate(names))))
    assert read_class_list(path).classes == tuple(names)


def test_labels_of_an_ir_stand_between_spaces(tmp_path):
    path = ir(
        tmp_path / "net.xml",
        "<model_info><labels value='owl tench great_white_shark'/></model_info>",
    )
    assert read_class_list(path).classes == ("owl", "tench", "great_white_shark")
    data = folders(tmp_path / "data", "Great white shark", "owl")
    assert load_dataset(with_model_classes(data, str(path))).labels.tolist() == [2, 0]


def test_a_list_beside_the_file_wins(tmp_path):
    path = with_metadata(tmp_path / "net.onnx", names=str(NAMES))
    (tmp_path / "labels.txt").write_text("\n".join(NAMES[::-1]))
    data = folders(tmp_path / "data", "owl", "tench")
    found = load_dataset(with_model_classes(data, str(path)))
    assert (found.classes, found.labels.tolist()) == (NAMES[::-1], [2, 1])


def test_folders_that_the_file_does_not_name_are_said_with_the_way_out(tmp_path):
    path = with_metadata(tmp_path / "net.onnx", names=str(NAMES))
    data = with_model_classes(folders(tmp_path / "data", "owl", "tensch"), str(path))
    with pytest.raises(
        DatasetError,
        match=r"'tensch' is not among the 3 classes of the metadata of net.onnx; classes without "
        r"images: 'tench', 'great white shark'; --classes FILE gives other names",
    ):
        load_dataset(data)


def test_a_name_of_two_classes_names_neither(tmp_path):
    path = with_metadata(tmp_path / "net.onnx", names="{0: 'crane', 1: 'crane', 2: 'owl'}")
    owls = with_model_classes(folders(tmp_path / "owls", "owl"), str(path))
    assert load_dataset(owls).labels.tolist() == [2]
    data = with_model_classes(folders(tmp_path / "data", "crane", "owl"), str(path))
    with pytest.raises(DatasetError, match="'crane' is the name of several classes in the meta"):
        load_dataset(data)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("{0: 'owl', 2: 'tench'}", "numbers no classes from 0 on"),
        ("{1: 'owl', 2: 'tench'}", "numbers no classes from 0 on"),
        ("{0: 'owl', 1: ''}", "leaves one without a name"),
        ("['owl', 'a\\x1bb']", "no control characters"),
    ],
)
def test_names_that_number_no_classes_are_refused_with_the_way_out(tmp_path, names, said):
    path = with_metadata(tmp_path / "net.onnx", names=names)
    data = folders(tmp_path / "data", "owl", "tench")
    with pytest.raises(DatasetError, match=rf"{said}.*--classes FILE"):
        with_model_classes(data, str(path))


@pytest.mark.parametrize(
    "texts", [{}, {"names": ""}, {"names": "[]"}, {"names": "{0: 'LABEL_0', 1: 'LABEL_1'}"}]
)
def test_a_file_that_names_nothing_leaves_the_data(tmp_path, texts):
    path = with_metadata(tmp_path / "net.onnx", **texts)
    data = folders(tmp_path / "data", "b", "a")
    assert with_model_classes(data, str(path)) == data


def test_folders_that_are_all_numbers_need_no_names(tmp_path):
    path = with_metadata(tmp_path / "net.onnx", names=str(NAMES))
    data = folders(tmp_path / "data", "0", "1", "2")
    assert with_model_classes(data, str(path)) == data


def test_a_file_without_names_is_no_list(tmp_path):
    path = with_metadata(tmp_path / "net.onnx", names="one")
    with pytest.raises(DatasetError, match=r"metadata of net\.onnx names no classes"):
        read_class_list(path)


def test_folders_that_were_numbered_as_text_keep_that_order(tmp_path):
    names = sorted(str(one) for one in range(1, 12))
    path = with_metadata(tmp_path / "net.onnx", names=str(dict(enumerate(names))))
    data = folders(tmp_path / "data", *names)
    found = load_dataset(with_model_classes(data, str(path)))
    assert found.labels.tolist() == [names.index(str(one)) for one in range(1, 12)]
    assert found.classes == ("1", "10", "11", *map(str, range(2, 10)))
