import errno
import multiprocessing

import numpy as np
import pytest
from synthetic import write_predictions

from irs_core.errors import MissingEvidenceError, StoreError
from irs_core.spec.study import NoiseSpec
from irs_core.store import CHUNK_DRAWS, ChunkId, EvidenceKey, Library
from irs_core.store.evidence import create_evidence, read_evidence, tile_rows_for
from irs_core.store.files import write_bytes

KEY = EvidenceKey("model", "data", NoiseSpec(0.5), "estimate", "torch cpu fp32")
DRAWS = 2 * CHUNK_DRAWS + 100


@pytest.fixture
def predictions():
    return np.random.default_rng(0).integers(0, 10, (70, DRAWS)).astype(np.uint8)


@pytest.fixture
def array(tmp_path, predictions):
    array = create_evidence(tmp_path, KEY, n_inputs=70, classes=10, pixels=64)
    write_predictions(array, predictions)
    return array


def test_what_was_written_is_read(array, predictions):
    assert np.array_equal(array.read(DRAWS), predictions)
    assert np.array_equal(array.read(DRAWS, start=450), predictions[:, 450:])


def test_draws_beyond_what_was_written_are_missing(array):
    assert (array.read(DRAWS + 1)[:, -1] == array.missing).all()


def test_completeness_is_checked(array):
    assert array.read_complete(DRAWS).shape == (70, DRAWS)
    with pytest.raises(MissingEvidenceError, match="70 of"):
        array.read_complete(DRAWS + 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b[:-3],
        lambda b: b"",
        lambda b: b[:40] + bytes([b[40] ^ 1]) + b[41:],
        lambda b: b"x" * 5000,
    ],
    ids=["truncated", "empty", "one bit", "foreign"],
)
def test_damaged_chunks_count_as_missing_and_leave_the_rest(tmp_path, array, predictions, damage):
    chunk = tmp_path / KEY.id / "c" / "1" / "0"
    chunk.write_bytes(damage(chunk.read_bytes()))
    found = array.read(DRAWS)
    assert (found[32:64, :CHUNK_DRAWS] == array.missing).all()
    expected = predictions.copy()
    expected[32:64, :CHUNK_DRAWS] = array.missing
    assert np.array_equal(found, expected)


def test_every_single_bit_flip_is_noticed(tmp_path, array, predictions):
    chunk = tmp_path / KEY.id / "c" / "0" / "0"
    good = chunk.read_bytes()
    for position in np.random.default_rng(1).integers(0, len(good), 50):
        flipped = bytearray(good)
        flipped[position] ^= 1 << int(position % 8)
        chunk.write_bytes(flipped)
        assert (array.read_chunk(ChunkId(0, 0)) == array.missing).all()


def test_more_classes_take_wider_integers(tmp_path):
    assert create_evidence(tmp_path / "a", KEY, n_inputs=1, classes=255, pixels=1).dtype == np.uint8
    wide = create_evidence(tmp_path / "b", KEY, n_inputs=1, classes=256, pixels=1)
    assert wide.dtype == np.uint16
    assert wide.missing == 65_535


def test_opening_twice_keeps_the_contents(tmp_path, array, predictions):
    again = create_evidence(tmp_path, KEY, n_inputs=70, classes=10, pixels=64)
    assert np.array_equal(again.read(DRAWS), predictions)


def test_evidence_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="no evidence nowhere"):
        read_evidence(tmp_path / "nowhere", tmp_path / "journal.jsonl")


def test_seconds_follow_the_notes_and_fill_gaps_with_the_mean(tmp_path):
    array = create_evidence(tmp_path, KEY, n_inputs=40, classes=10, pixels=64)
    full = np.zeros((32, CHUNK_DRAWS), np.uint8)
    array.write_chunk(ChunkId(0, 0), full, seconds=3.2, draws=32 * CHUNK_DRAWS, hardware="a")
    array.write_chunk(ChunkId(0, 1), full, seconds=6.4, draws=32 * CHUNK_DRAWS, hardware="a")
    seconds = array.seconds_per_input(np.array([100, 500, 600]))
    rate = 3.2 / (32 * CHUNK_DRAWS)
    assert seconds[0] == pytest.approx([100 * rate, 500 * rate, 500 * rate + 100 * 2 * rate])
    assert seconds[39] == pytest.approx(1.5 * rate * np.array([100, 500, 600]))


def test_a_torn_note_is_skipped(tmp_path, array):
    journal = tmp_path / KEY.id / "journal.jsonl"
    with journal.open("a") as file:
        file.write('{"tile": 0, "chu')
    assert len(list(array.notes())) == 9


def test_digest_depends_on_every_prediction_and_on_the_length(tmp_path, array, predictions):
    before = array.digest(DRAWS)
    assert array.digest(DRAWS - 1) != before
    changed = predictions.copy()
    changed[69, -1] ^= 1
    write_predictions(array, changed)
    assert array.digest(DRAWS) != before
    write_predictions(array, predictions)
    assert array.digest(DRAWS) == before


def test_keys_differ_in_every_part():
    others = [
        EvidenceKey("other", "data", KEY.noise, "estimate", KEY.execution),
        EvidenceKey("model", "other", KEY.noise, "estimate", KEY.execution),
        EvidenceKey("model", "data", NoiseSpec(0.5, seed=1), "estimate", KEY.execution),
        EvidenceKey("model", "data", NoiseSpec(0.25), "estimate", KEY.execution),
        EvidenceKey("model", "data", NoiseSpec(0.5, group=2), "estimate", KEY.execution),
        EvidenceKey("model", "data", KEY.noise, "select", KEY.execution),
        EvidenceKey("model", "data", KEY.noise, "estimate", "torch cuda fp32"),
    ]
    assert len({key.id for key in [KEY, *others]}) == 8


@pytest.mark.parametrize(("pixels", "rows"), [(64, 32), (3072, 32), (150_528, 1), (10**9, 1)])
def test_tiles_shrink_with_the_image(pixels, rows):
    assert tile_rows_for(pixels) == rows


def test_a_full_disk_is_said_in_a_sentence_and_keeps_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "file"
    write_bytes(target, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="is full; free some space and resume"):
        write_bytes(target, b"new")
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_partial_file_stays_behind(tmp_path):
    target = tmp_path / "file"
    target.mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        write_bytes(target, b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_library_puts_evidence_below_its_root(tmp_path):
    Library(tmp_path).open_evidence(KEY, n_inputs=1, classes=2, pixels=1)
    assert (tmp_path / "evidence" / KEY.id / "zarr.json").exists()


def test_a_chunk_that_cannot_be_read_now_is_not_overwritten(tmp_path, array, monkeypatch):
    class Busy:
        def __getitem__(self, key):
            raise OSError(errno.EMFILE, "Too many open files")

    chunk = next(tmp_path.glob("*/c/0/0"))
    before = chunk.read_bytes()
    monkeypatch.setattr(array._chunks, "_array", Busy())
    assert (array.read_chunk(ChunkId(0, 0)) == array.missing).all()
    with pytest.raises(StoreError, match=r"cannot read stored .* Too many open"):
        array.merge_chunk(
            ChunkId(0, 0), np.ones(32, bool), 0, np.ones((32, 4)), seconds=1, hardware="a"
        )
    assert chunk.read_bytes() == before


def test_merging_keeps_what_is_stored_and_adds_the_rest(tmp_path):
    array = create_evidence(tmp_path, KEY, n_inputs=3, classes=10, pixels=64)
    every, first = np.ones(3, bool), np.array([True, False, False])
    array.merge_chunk(ChunkId(0, 0), first, 0, np.full((3, 4), 1), seconds=1, hardware="a")
    array.merge_chunk(ChunkId(0, 0), every, 2, np.full((3, 4), 2), seconds=1, hardware="a")
    m = array.missing
    assert array.read(7).tolist() == [
        [1, 1, 1, 1, 2, 2, m],
        [m, m, 2, 2, 2, 2, m],
        [m, m, 2, 2, 2, 2, m],
    ]
    # Two of the twelve were there, and so was their cost.
    assert [(note.draws, note.seconds) for note in array.notes()] == [(4, 1.0), (10, 0.833333)]


def test_what_another_process_stored_meanwhile_is_not_stored_or_counted_again(tmp_path):
    arrays = [create_evidence(tmp_path, KEY, n_inputs=3, classes=10, pixels=64) for _ in range(2)]
    every = np.ones(3, bool)
    for array in arrays:
        array.merge_chunk(ChunkId(0, 0), every, 0, np.full((3, 4), 1), seconds=1, hardware="a")
    assert [note.draws for note in arrays[0].notes()] == [12]


@pytest.mark.parametrize("bad", [-1, 255, 93894182355659])
def test_what_is_no_class_is_never_stored(tmp_path, bad):
    array = create_evidence(tmp_path, KEY, n_inputs=1, classes=10, pixels=64)
    with pytest.raises(StoreError, match=r"class ids must be in \[0, 255\)"):
        array.merge_chunk(
            ChunkId(0, 0), np.ones(1, bool), 0, np.array([[bad]]), seconds=1, hardware="a"
        )
    assert (array.read(1) == array.missing).all()


def _merge_columns(folder, first):
    array = create_evidence(folder, KEY, n_inputs=32, classes=10, pixels=64)
    for column in range(first, first + 50):
        array.merge_chunk(
            ChunkId(0, 0), np.ones(32, bool), column, np.full((32, 1), 3), seconds=1, hardware="a"
        )


def test_two_writers_of_one_chunk_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_merge_columns, args=(tmp_path, 50 * k)) for k in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    array = create_evidence(tmp_path, KEY, n_inputs=32, classes=10, pixels=64)
    assert (array.read(100) == 3).all()


def test_a_damaged_description_is_written_again(tmp_path, array, predictions):
    (tmp_path / KEY.id / "zarr.json").write_bytes(b"{")
    again = create_evidence(tmp_path, KEY, n_inputs=70, classes=10, pixels=64)
    assert np.array_equal(again.read(DRAWS), predictions)
