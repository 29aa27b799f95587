"""Images of a study: read below listed folders only, and never where a bundle says."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec
from irs_core.store import Library
from ui.explore import certified


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of arrays in a folder of its own, which is not listed."""
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("IRS_DATA_DIRS", raising=False)
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "mine.npz"
    data = DataSpec("npz", str(path), max=40, holdout=20)
    library = Library(tmp_path / "own", tmp_path / "none")
    record = synthetic_study(library, synthetic_spec(data=data))
    labels = np.zeros(60, np.int64)
    labels[list(record.data.indices)] = record.data.labels
    images = np.arange(60, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    np.savez(path, images=images, labels=labels)
    return library.open(record.id)


def imported(study, tmp_path):
    """The same study, as somebody else sends it."""
    own, other = (Library(tmp_path / name, tmp_path / "none") for name in ("own", "other"))
    own.export(study.record.id, tmp_path / "s.irs.zip")
    other.import_bundle(tmp_path / "s.irs.zip")
    found = other.open(study.record.id)
    assert found.origin == "imported"
    return found


def test_images_are_closed_until_their_folder_is_listed(study, tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="IRS_DATA_DIRS"):
        certified.image_reader(study, None)
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "data"))
    read = certified.image_reader(study, None)
    images = read(np.array([3, 7]))
    assert images.shape == (2, 1, 8, 8)
    assert (255 * images[:, 0, 0, 0]).round().tolist() == [3, 7]


def test_a_bundle_opens_no_file_even_in_a_listed_folder(study, tmp_path, monkeypatch):
    foreign = imported(study, tmp_path)
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path))
    with pytest.raises(DatasetError, match="name the folder of its images"):
        certified.image_reader(foreign, None)
    # A person names it, and the operator lists it.
    read = certified.image_reader(foreign, str(tmp_path / "data" / "mine.npz"))
    assert read(np.array([5])).shape == (1, 1, 8, 8)


def test_other_images_are_refused(study, tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "data"))
    np.savez(tmp_path / "data" / "mine.npz", images=np.zeros((60, 8, 8), np.uint8), labels=[1] * 60)
    with pytest.raises(DatasetError, match="holds other images than the study's"):
        certified.image_reader(study, None)


@pytest.mark.parametrize("split", ["../private", "/etc", "..", "../../.."])
def test_the_split_of_a_bundle_leads_nowhere(study, tmp_path, monkeypatch, split):
    (tmp_path / "private" / "cat").mkdir(parents=True)
    data = DataSpec("image-folder", str(tmp_path / "data"), split, max=40, holdout=20)
    record = synthetic_study(
        Library(tmp_path / "own", tmp_path / "none"), synthetic_spec(data=data)
    )
    own = Library(tmp_path / "own", tmp_path / "none").open(record.id)
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "data"))
    for root in (None, str(tmp_path / "data")):
        for one in (own, imported(own, tmp_path)):
            with pytest.raises(DatasetError):
                certified.image_reader(one, root)
    with pytest.raises(DatasetError, match="IRS_DATA_DIRS"):
        certified.image_reader(own, None)


def test_the_class_list_of_a_bundle_is_not_opened(study, tmp_path, monkeypatch):
    foreign = imported(study, tmp_path)
    data = replace(foreign.record.spec.data, class_list="/etc/passwd")
    spec = replace(foreign.record.spec, data=data)
    forged = replace(foreign, record=replace(foreign.record, spec=spec))
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "data"))
    assert certified._data_of(forged, str(tmp_path / "data" / "mine.npz")).class_list is None
