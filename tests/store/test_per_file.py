"""What files were read to is kept until they change."""

import os
from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.errors import BundleError
from irs_core.spec.study import NoiseSpec
from irs_core.store import Library
from irs_core.store import library as library_module
from irs_core.store.per_file import file_state, kept_per_file

_HOUR_NS = 3_600_000_000_000


def _age(path):
    """Make a file look as if it was written an hour ago."""
    then = path.stat().st_mtime_ns - _HOUR_NS
    os.utime(path, ns=(then, then))


@pytest.fixture
def reader():
    read = []

    @kept_per_file
    def text(path, _state, *_):
        read.append(path.name)
        return path.read_text()

    return text, read


def test_a_file_is_read_again_only_after_a_change(tmp_path, reader):
    text, read = reader
    path = tmp_path / "one"
    path.write_text("first")
    _age(path)
    assert [text(path, file_state(path)) for _ in range(3)] == ["first"] * 3
    assert read == ["one"]
    path.write_text("other")
    assert text(path, file_state(path)) == "other"


def test_a_file_of_this_moment_is_not_kept(tmp_path, reader):
    text, read = reader
    path = tmp_path / "one"
    path.write_text("first")
    state = file_state(path)
    assert [text(path, state) for _ in range(2)] == ["first"] * 2
    assert read == ["one", "one"]


def test_more_files_than_any_cache_of_fixed_size_are_read_once(tmp_path, reader):
    text, read = reader
    paths = [tmp_path / str(at) for at in range(200)]
    for path in paths:
        path.write_text(path.name)
        _age(path)
    for _ in range(2):
        assert [text(path, file_state(path)) for path in paths] == [path.name for path in paths]
    assert len(read) == 200


def test_other_arguments_are_another_result(tmp_path, reader):
    text, read = reader
    path = tmp_path / "one"
    path.write_text("first")
    _age(path)
    text(path, file_state(path), 1)
    text(path, file_state(path), 2)
    assert len(read) == 2


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return Library(tmp_path / "store")


def test_listing_reads_only_what_changed(store, monkeypatch):
    records = [
        synthetic_study(store, synthetic_spec(noise=NoiseSpec(0.5, seed=seed))) for seed in range(3)
    ]
    for record in records:
        _age(store.study_path(record.id))
    store.survey()
    read = []
    original = library_module.read_manifest
    monkeypatch.setattr(
        library_module, "read_manifest", lambda path: read.append(path.stem) or original(path)
    )
    assert {one.record.id for one in store.survey().studies} == {one.id for one in records}
    assert read == []
    store.save(replace(records[1], finished=False))
    found = {one.record.id: one.record.finished for one in store.survey().studies}
    assert read == [records[1].id]
    assert not found[records[1].id]


def test_a_bundle_that_was_changed_since_gives_no_draws(store, tmp_path):
    record = synthetic_study(store)
    path = tmp_path / "one.irs.zip"
    store.export(record.id, path)
    other = Library(tmp_path / "other", tmp_path / "none")
    other.import_bundle(path)
    (study,) = other.studies()
    (place,) = (other.root / "bundles").glob("*.irs.zip")
    place.write_bytes(place.read_bytes() + b"x")
    with pytest.raises(BundleError, match="was changed since it was opened"):
        study.evidence(next(iter(record.base.evidence.values())))
