"""Chunks that were decoded before: what is read must always be what lies on disk."""

import os

import numpy as np
import pytest
from synthetic import write_predictions

from irs_core.spec.study import NoiseSpec
from irs_core.store import CHUNK_DRAWS, ChunkId, EvidenceKey
from irs_core.store.chunk_cache import ChunkCache, stamp
from irs_core.store.evidence import create_evidence

KEY = EvidenceKey("model", "data", NoiseSpec(0.5), "estimate", "torch cpu fp32")
AT = ChunkId(0, 0)


@pytest.fixture
def cache(monkeypatch):
    made = ChunkCache()
    monkeypatch.setattr("irs_core.store.chunks.CHUNKS", made)
    # As if every file had been written long ago.
    monkeypatch.setattr("irs_core.store.chunk_cache._SETTLED_NS", -1)
    return made


@pytest.fixture
def array(tmp_path, cache):
    array = create_evidence(tmp_path, KEY, n_inputs=40, classes=10, pixels=64)
    write_predictions(array, np.random.default_rng(0).integers(0, 10, (40, 2 * CHUNK_DRAWS)))
    return array


@pytest.fixture
def decoded(array, monkeypatch):
    """Places that were read from the files, in order."""
    found = []
    inner = array._chunks._array

    class Counted:
        def __getitem__(self, key):
            found.append(key)
            return inner[key]

        def __setitem__(self, key, value):
            inner[key] = value

    monkeypatch.setattr(array._chunks, "_array", Counted())
    return found


def test_a_block_is_decoded_once(array, decoded):
    first = array.read(2 * CHUNK_DRAWS)
    assert np.array_equal(first, array.read(2 * CHUNK_DRAWS))
    assert np.array_equal(first[:32, :CHUNK_DRAWS], array.read_chunk(AT))
    assert len(decoded) == 1


def test_chunks_read_alone_serve_a_block(array, decoded):
    parts = [array.read_chunk(ChunkId(tile, 0)) for tile in range(2)]
    assert np.array_equal(np.concatenate(parts), array.read(CHUNK_DRAWS))
    assert len(decoded) == 2


def test_what_is_not_there_is_not_looked_for(array, decoded):
    assert (array.read_chunk(ChunkId(0, 7)) == array.missing).all()
    assert not decoded


def test_what_is_written_is_read_again(array, decoded):
    assert (array.read_chunk(AT) < 10).all()
    array.write_chunk(AT, np.full((32, CHUNK_DRAWS), 3), seconds=1, draws=1, hardware="a")
    assert (array.read_chunk(AT) == 3).all()
    assert (array.read(CHUNK_DRAWS)[:32] == 3).all()


def test_another_process_replaces_a_chunk(array, tmp_path, decoded):
    array.read_chunk(AT)
    other = create_evidence(tmp_path, KEY, n_inputs=40, classes=10, pixels=64)
    other.write_chunk(AT, np.full((32, CHUNK_DRAWS), 5), seconds=1, draws=1, hardware="a")
    assert (array.read_chunk(AT) == 5).all()


def test_a_chunk_damaged_after_it_was_read_counts_as_missing(array, tmp_path, decoded):
    array.read(CHUNK_DRAWS)
    chunk = tmp_path / KEY.id / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    assert (array.read(CHUNK_DRAWS)[:32] == array.missing).all()
    assert (array.read(CHUNK_DRAWS)[32:] < 10).all()
    chunk.unlink()
    assert (array.read_chunk(AT) == array.missing).all()


def test_a_chunk_that_the_journal_no_longer_vouches_for_does_not_count(array, tmp_path, decoded):
    array.read(CHUNK_DRAWS)
    (tmp_path / KEY.id / "journal.jsonl").unlink()
    again = create_evidence(tmp_path, KEY, n_inputs=40, classes=10, pixels=64)
    assert (again.read(CHUNK_DRAWS) == array.missing).all()


def test_a_file_changed_just_now_is_not_kept(tmp_path, monkeypatch):
    cache = ChunkCache()
    state = state_of(tmp_path / "chunk", b"one")
    # Changed just now, whatever it says of when it was written.
    os.utime(tmp_path / "chunk", ns=(0, 0))
    assert not stamp(tmp_path / "chunk").settled
    cache.put(state, np.zeros(3))
    assert cache.get(state) is None


def state_of(path, content):
    path.write_bytes(content)
    return stamp(path)


def test_neither_another_file_nor_one_written_with_its_old_time_is_taken_for_the_first(
    tmp_path, cache
):
    path = tmp_path / "chunk"
    state_of(path, b"one")
    os.utime(path, ns=(0, 10**9))
    cache.put(stamp(path), np.zeros(3))
    assert cache.get(stamp(path)) is not None
    before = stamp(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 10**9))
    assert stamp(path).written_ns == before.written_ns
    assert cache.get(stamp(path)) is None
    # A file of the same size, time and name is another one where its number is.
    cache.put(before, np.zeros(3))
    assert cache.get(before._replace(number=before.number + 1)) is None
    assert cache.get(before) is not None


def test_more_than_fits_is_not_kept(array, cache, monkeypatch):
    monkeypatch.setattr(cache, "most_bytes", 1000)
    array.read(CHUNK_DRAWS)
    assert not cache._chunks


def test_what_was_read_longest_ago_goes_first(tmp_path, cache):
    cache.most_bytes = 250
    states = [state_of(tmp_path / name, b"x") for name in "abc"]
    cache.put(states[0], np.zeros(100, np.uint8))
    cache.put(states[1], np.ones(100, np.uint8))
    assert cache.get(states[0]) is not None
    cache.put(states[2], np.zeros(100, np.uint8))
    assert [cache.get(one) is not None for one in states] == [True, False, True]
    # Replaced, not counted twice.
    cache.put(states[0], np.zeros(100, np.uint8))
    assert cache.get(states[2]) is not None


def test_what_is_kept_cannot_be_changed(tmp_path, cache):
    state, chunk = state_of(tmp_path / "chunk", b"x"), np.zeros(3)
    cache.put(state, chunk)
    chunk[0] = 1
    kept = cache.get(state)
    assert kept.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 1


def test_a_folder_in_place_of_a_file_has_no_state(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert stamp(tmp_path / "file" / "0") is None
    assert stamp(tmp_path / "absent") is None
