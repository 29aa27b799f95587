"""Differences between chunks: nothing is lost, and nothing that they claim is taken on trust."""

import numpy as np
import pytest
from numcodecs.zstd import Zstd

from irs_core.errors import StoreError
from irs_core.store.deltas import restore, shrink
from irs_core.store.verify import open_array

MOST = 1 << 30


@pytest.fixture
def files(library, record):
    return {
        f"evidence/{one}/{place.relative_to(library.evidence_folder / one)}": place.read_bytes()
        for one in record.digest_draws()
        for place in sorted((library.evidence_folder / one).rglob("*"))
        if place.is_file() and ("/c/" in str(place) or place.name == "zarr.json")
    }


def predictions(files, one):
    prefix = f"evidence/{one}/"
    own = {name[len(prefix) :]: each for name, each in files.items() if name.startswith(prefix)}
    return open_array(own).read(2000)


def test_restored_predictions_are_those_that_were_shrunk(record, files):
    restored = restore(record, shrink(record, files), MOST)
    assert restored.keys() == files.keys()
    for one in record.digest_draws():
        np.testing.assert_array_equal(predictions(restored, one), predictions(files, one))


def test_only_the_first_classifier_of_a_stream_keeps_whole_chunks(record, files):
    small = shrink(record, files)
    seen = set()
    for model in record.models:
        for stream, one in model.evidence.items():
            kinds = {name.split("/")[2] for name in small if f"/{one}/" in name} - {"zarr.json"}
            assert kinds == ({"d"} if stream in seen else {"c"})
        seen |= set(model.evidence)
    assert sum(map(len, small.values())) < sum(map(len, files.values()))


def test_a_damaged_chunk_does_not_become_a_valid_one(record, files):
    one = record.compressed[0].evidence["estimate"]
    name = f"evidence/{one}/c/0/0"
    damaged = files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])}
    restored = restore(record, shrink(record, damaged), MOST)
    assert restored[name] == damaged[name]
    assert (predictions(restored, one)[:, :500] == 255).any()


def test_chunks_of_other_sizes_stay_whole(record, files):
    one = record.compressed[0].evidence["estimate"]
    name = f"evidence/{one}/c/0/0"
    reference = f"evidence/{record.base.evidence['estimate']}/c/0/0"
    small = shrink(record, files)
    del small[name.replace("/c/", "/d/")]
    mixed = small | {name: files[name]}
    assert restore(record, mixed, MOST)[name] == files[name]
    small[name.replace("/c/", "/d/")] = bytes(Zstd().encode(bytes(10)))
    with pytest.raises(StoreError, match="must unpack to 16000 bytes, as its reference does"):
        restore(record, small, MOST)
    assert reference in small


@pytest.mark.parametrize("content", [b"", b"no frame at all", bytes(Zstd().encode(bytes(16_000)))])
def test_what_is_no_difference_is_refused(record, files, content):
    small = shrink(record, files)
    name = next(name for name in small if "/d/" in name)
    small[name] = content[:-1]
    with pytest.raises(StoreError):
        restore(record, small, MOST)


def test_a_frame_damaged_inside_is_refused(record, files):
    small = shrink(record, files)
    name = max((name for name in small if "/d/" in name), key=lambda name: len(small[name]))
    inner = bytearray(small[name])
    refused = 0
    for place in range(8, len(inner)):
        small[name] = (
            bytes(inner[:place]) + bytes([inner[place] ^ 0xFF]) + bytes(inner[place + 1 :])
        )
        try:
            restore(record, small, MOST)
        except StoreError:
            refused += 1
    assert refused


def test_a_difference_needs_its_reference(record, files):
    small = shrink(record, files)
    del small[f"evidence/{record.base.evidence['estimate']}/c/0/0"]
    with pytest.raises(StoreError, match="a difference from a chunk that the bundle lacks"):
        restore(record, small, MOST)


def test_what_differences_unpack_to_is_bounded(record, files):
    small = shrink(record, files)
    count = sum("/d/" in name for name in small)
    restore(record, small, count * 16_000)
    with pytest.raises(StoreError, match="may unpack to"):
        restore(record, small, count * 16_000 - 1)
