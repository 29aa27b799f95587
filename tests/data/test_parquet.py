"""Tables of images: Parquet files, and folders as the library `datasets` saves them."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from irs_core.data import load_dataset
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

pa = pytest.importorskip("pyarrow")
import pyarrow.parquet as pq  # noqa: E402

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
NAMES = ["tench", "shark", "owl"]


def encoded(pixels):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def table(labels=(0, 1, 2, 0, 1, 2), names=None, *, struct=True, image="image", label="label"):
    found = [encoded(one) for one in PIXELS]
    images = [{"bytes": one, "path": "a.png"} for one in found] if struct else found
    made = pa.table({image: images, label: list(labels)})
    if names:
        feature = {label: {"names": names, "_type": "ClassLabel"}}
        described = json.dumps({"info": {"features": feature}})
        made = made.replace_schema_metadata({"huggingface": described})
    return made


def load(root, **settings):
    return load_dataset(DataSpec("parquet", str(root), **settings))


@pytest.mark.parametrize("struct", [True, False])
def test_a_file_of_bytes_or_of_structs(tmp_path, struct):
    pq.write_table(table(struct=struct), tmp_path / "a.parquet")
    data = load(tmp_path / "a.parquet")
    assert np.array_equal(data.pixels.transpose(0, 2, 3, 1), PIXELS)
    assert data.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.classes == ("0", "1", "2")
    assert data.known


@pytest.mark.parametrize(
    "name", ["test.parquet", "data/test-00000-of-00001.parquet", "test/0000.parquet"]
)
def test_a_split_is_found_by_its_name(tmp_path, name):
    for one, count in ((name, 6), (name.replace("test", "train"), 4)):
        (tmp_path / one).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table().slice(0, count), tmp_path / one)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "test.parquet").write_bytes(b"no table")
    assert len(load(tmp_path)) == 6
    assert len(load(tmp_path, split="train")) == 4
    with pytest.raises(DatasetError, match=r"split .dev..*there are test, train"):
        load(tmp_path, split="dev")


def test_parts_are_read_in_order(tmp_path):
    for part in range(3):
        place = tmp_path / f"test-0000{part}-of-00003.parquet"
        pq.write_table(table().slice(2 * part, 2), place)
    assert np.array_equal(load(tmp_path).pixels.transpose(0, 2, 3, 1), PIXELS)


def test_names_of_the_table_are_not_yet_the_models(tmp_path):
    pq.write_table(table(names=NAMES), tmp_path / "a.parquet")
    data = load(tmp_path / "a.parquet")
    assert (data.classes, data.known) == (tuple(NAMES), False)
    (tmp_path / "list").write_text("dog\nowl\ntench\nshark\n")
    data = load(tmp_path / "a.parquet", class_list=str(tmp_path / "list"))
    assert data.classes == ("dog", "owl", "tench", "shark")
    assert data.labels.tolist() == [2, 3, 1, 2, 3, 1]
    assert (data.known, data.notes) == (True, ("classes numbered by list",))


def test_texts_are_classes_in_order(tmp_path):
    pq.write_table(table(["10", "9", "2", "10", "9", "2"]), tmp_path / "a.parquet")
    data = load(tmp_path / "a.parquet")
    assert data.classes == ("2", "9", "10")
    assert data.labels.tolist() == [2, 1, 0, 2, 1, 0]
    assert not data.known


def test_sizes_and_channels(tmp_path):
    pq.write_table(table(image="img", label="fine_label"), tmp_path / "a.parquet")
    assert load(tmp_path / "a.parquet", size=3, channels=1).input_shape == (1, 3, 3)


def save_to_disk(folder, made, features, *, stream=True):
    """As `Dataset.save_to_disk` does."""
    folder.mkdir(parents=True)
    open_ = pa.ipc.new_stream if stream else pa.ipc.new_file
    with (folder / "data-00000-of-00001.arrow").open("wb") as file, open_(file, made.schema) as out:
        out.write_table(made)
    files = [{"filename": "data-00000-of-00001.arrow"}]
    (folder / "state.json").write_text(json.dumps({"_data_files": files}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))


FEATURES = {"label": {"names": NAMES, "_type": "ClassLabel"}, "image": {"_type": "Image"}}


@pytest.mark.parametrize("stream", [True, False])
def test_a_saved_folder(tmp_path, stream):
    save_to_disk(tmp_path / "set", table(), FEATURES, stream=stream)
    data = load(tmp_path / "set")
    assert np.array_equal(data.pixels.transpose(0, 2, 3, 1), PIXELS)
    assert data.classes == tuple(NAMES)


def test_a_saved_folder_of_splits(tmp_path):
    save_to_disk(tmp_path / "set" / "test", table(), FEATURES)
    (tmp_path / "set" / "dataset_dict.json").write_text(json.dumps({"splits": ["test"]}))
    assert load(tmp_path / "set").classes == tuple(NAMES)
    with pytest.raises(DatasetError, match=r"no split .train..*there are test"):
        load(tmp_path / "set", split="train")


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "", 3, "none.arrow"])
def test_a_saved_folder_names_files_beside_it_only(tmp_path, name):
    save_to_disk(tmp_path / "set", table(), FEATURES)
    (tmp_path / "secret.arrow").write_bytes(b"")
    (tmp_path / "set" / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(DatasetError, match=r"must name files beside it|lacks"):
        load(tmp_path / "set")


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (table(image="picture"), "column named image or"),
        (table(label="answer"), "column named label or"),
        (table([0, 1, 2, 0, 1, 3], NAMES), r"must lie in \[0, 2\]; it holds 0 to 3"),
        (table([0, 1, 2, 0, 1, -1]), "must lie in"),
        (table([0, 1, 2, 0, 1, None]), "all filled"),
        (table([0.5] * 6), "whole numbers or texts"),
        (pa.table({"image": [{"path": "/etc/passwd"}], "label": [0]}), "paths .* are not followed"),
        (pa.table({"image": [b"no image"], "label": [0]}), "cannot decode image row 0"),
        (pa.table({"image": ["a.png"], "label": [0]}), "no encoded image"),
    ],
)
def test_tables_of_another_kind_are_refused(tmp_path, made, rule):
    pq.write_table(made, tmp_path / "a.parquet")
    with pytest.raises(DatasetError, match=rule):
        load(tmp_path / "a.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_damaged_files_are_one_sentence(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match="no readable table"):
        load(tmp_path / "a.parquet")


def test_without_pyarrow_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DatasetError, match="pip install pyarrow"):
        load(tmp_path)
