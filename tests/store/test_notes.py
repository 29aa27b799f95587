"""What the notes of a journal vouch for."""

import json
import shutil

import numpy as np
import pytest
from old_store import unseal_journal
from synthetic import write_predictions

from irs_core.errors import StoreError
from irs_core.spec.study import NoiseSpec
from irs_core.store import CHUNK_DRAWS, ChunkId, EvidenceKey
from irs_core.store.chunk_states import chunk_states, vouch
from irs_core.store.evidence import create_evidence, read_evidence
from irs_core.store.notes import chunk_digest

KEY = EvidenceKey("model", "data", NoiseSpec(0.5), "estimate", "torch cpu fp32")
OTHER = EvidenceKey("other", "data", NoiseSpec(0.5), "estimate", "torch cpu fp32")
DRAWS = 2 * CHUNK_DRAWS


@pytest.fixture
def predictions():
    return np.random.default_rng(0).integers(0, 10, (70, DRAWS)).astype(np.uint8)


@pytest.fixture
def place(tmp_path, predictions):
    for key in (KEY, OTHER):
        array = create_evidence(tmp_path, key, n_inputs=70, classes=10, pixels=64)
        write_predictions(array, predictions if key is KEY else predictions[::-1])
    return tmp_path / KEY.id


def _open(place):
    return read_evidence(place, place / "journal.jsonl")


def _lost(place, predictions):
    """Chunks that do not count, all others being as they were."""
    found = _open(place).read(DRAWS)
    assert (found == predictions)[found != 255].all()
    return {(int(row) // 32, int(draw) // CHUNK_DRAWS) for row, draw in np.argwhere(found == 255)}


def test_sound_chunks_count(place, predictions):
    assert _lost(place, predictions) == set()
    assert set(chunk_states(_open(place), DRAWS).values()) == {"sound"}


@pytest.mark.parametrize("source", ["c/0/1", "c/1/0", f"../{OTHER.id}/c/0/0"])
def test_a_chunk_counts_at_its_own_place_only(place, predictions, source):
    shutil.copy(place / source, place / "c" / "0" / "0")
    assert _lost(place, predictions) == {(0, 0)}
    assert chunk_states(_open(place), DRAWS)[ChunkId(0, 0)] == "foreign"


def test_a_chunk_where_nothing_was_committed_does_not_count(place):
    shutil.copy(place / "c" / "0" / "0", place / "c" / "0" / "2")
    found = _open(place).read(3 * CHUNK_DRAWS)
    assert (found[:, DRAWS:] == 255).all()


def test_the_journal_of_another_array_vouches_for_nothing(place):
    shutil.copy(place.parent / OTHER.id / "journal.jsonl", place / "journal.jsonl")
    array = _open(place)
    assert (array.read(DRAWS) == 255).all()
    assert list(array.notes()) == []
    assert array.journal.damaged == 6


@pytest.mark.parametrize("field", ["tile", "chunk", "seconds", "draws", "hardware", "content"])
def test_a_changed_note_does_not_count(place, predictions, field):
    path = place / "journal.jsonl"
    lines = path.read_text().splitlines()
    note = json.loads(lines[0])
    changed = {**note, field: note[field] + (1 if isinstance(note[field], int | float) else "0")}
    lines[0] = json.dumps({key: changed[key] for key in json.loads(lines[0])})
    path.write_text("".join(f"{line}\n" for line in lines))
    assert _lost(place, predictions) == {(0, 0)}
    assert _open(place).journal.damaged == 1


def test_an_older_state_of_a_chunk_still_counts(place):
    array = _open(place)
    old = (place / "c" / "0" / "2").exists()
    assert not old
    full = np.full((32, CHUNK_DRAWS), 255, np.uint8)
    full[:, :7] = 3
    array.write_chunk(ChunkId(0, 2), full, seconds=1, draws=224, hardware="")
    kept = (place / "c" / "0" / "2").read_bytes()
    full[:, :9] = 3
    array.write_chunk(ChunkId(0, 2), full, seconds=1, draws=64, hardware="")
    # The machine stopped between the note and the chunk.
    (place / "c" / "0" / "2").write_bytes(kept)
    assert (_open(place).read(DRAWS + 7, start=DRAWS)[:32] == 3).all()


def test_a_reader_sees_what_another_process_commits(place):
    reader, writer = _open(place), _open(place)
    reader.read(DRAWS)
    full = np.full((32, CHUNK_DRAWS), 4, np.uint8)
    writer.write_chunk(ChunkId(0, 0), full, seconds=1, draws=1, hardware="")
    assert (reader.read(5)[:32] == 4).all()


def test_a_torn_line_takes_no_other_with_it(place):
    with (place / "journal.jsonl").open("a") as file:
        file.write('{"tile": 0, "chu')
    full = np.full((32, CHUNK_DRAWS), 4, np.uint8)
    _open(place).write_chunk(ChunkId(0, 0), full, seconds=1, draws=1, hardware="")
    assert (_open(place).read(5)[:32] == 4).all()
    assert _open(place).journal.damaged == 1


def test_a_commit_that_was_cut_short_and_made_again_costs_once(place):
    full = np.full((32, CHUNK_DRAWS), 4, np.uint8)
    _open(place).write_chunk(ChunkId(0, 9), full, seconds=1, draws=100, hardware="")
    (place / "c" / "0" / "9").unlink()
    _open(place).write_chunk(ChunkId(0, 9), full, seconds=3, draws=100, hardware="")
    found = [note for note in _open(place).notes() if note[:2] == (0, 9)]
    assert [(note.seconds, note.draws) for note in found] == [(1.0, 100)]


def test_merging_never_vouches_for_what_was_there_without_a_note(place):
    shutil.copy(place / "c" / "1" / "1", place / "c" / "0" / "0")
    rows = np.zeros(32, bool)
    rows[0] = True
    _open(place).merge_chunk(ChunkId(0, 0), rows, 0, np.full((32, 4), 5), seconds=1, hardware="a")
    found = _open(place).read(CHUNK_DRAWS)[:32]
    assert (found[0, :4] == 5).all()
    assert np.count_nonzero(found != 255) == 4


def test_chunks_of_old_journals_count_and_are_unsealed(place, predictions):
    unseal_journal(place / "journal.jsonl")
    assert _lost(place, predictions) == set()
    assert set(chunk_states(_open(place), DRAWS).values()) == {"unsealed"}


def test_vouching_seals_whole_chunks_only(place):
    unseal_journal(place / "journal.jsonl")
    before = _open(place).seconds_per_draw(DRAWS)
    assert vouch(_open(place), CHUNK_DRAWS + 100) == 3
    states = chunk_states(_open(place), DRAWS)
    assert [states[ChunkId(0, at)] for at in range(2)] == ["sound", "unsealed"]
    assert vouch(_open(place), DRAWS) == 0
    assert set(chunk_states(_open(place), DRAWS).values()) == {"sound"}
    assert np.array_equal(_open(place).seconds_per_draw(DRAWS), before)


def test_a_chunk_that_was_noted_and_is_gone_is_damaged(place):
    (place / "c" / "0" / "0").unlink()
    states = chunk_states(_open(place), 3 * CHUNK_DRAWS)
    assert states[ChunkId(0, 0)] == "damaged"
    assert states[ChunkId(0, 2)] == "absent"


def test_a_folder_of_another_array_is_refused(place):
    shutil.rmtree(place)
    shutil.copytree(place.parent / OTHER.id, place)
    with pytest.raises(StoreError, match="holds that of another classifier or stream"):
        _open(place)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"fill_value": 255', b'"fill_value": 251'),
        (b'"shape": [\n    70', b'"shape": [\n    71'),
        (b'"classes": 10', b'"classes": "a"'),
        (b'"zstd"', b'"zste"'),
        (b"{", b"["),
    ],
)
def test_a_changed_description_is_refused(place, old, new):
    path = place / "zarr.json"
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    if b"shape" in old:
        # Said where the study's number of inputs is known.
        assert _open(place).n_inputs == 71
        return
    with pytest.raises(StoreError, match=r"is damaged|was changed"):
        _open(place)


def test_digests_of_chunks_are_bound_to_array_and_place(predictions):
    chunk = predictions[:32, :CHUNK_DRAWS]
    found = {
        chunk_digest(one, ChunkId(*at), chunk)
        for one in ("a", "b")
        for at in ((0, 0), (0, 1), (1, 0))
    }
    assert len(found) == 6
