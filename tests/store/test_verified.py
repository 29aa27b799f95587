"""Bundles are verified once: equal bytes under equal rules are opened without."""

from pathlib import Path

import numpy as np
import pytest

from irs_core.errors import BundleError
from irs_core.store import bundle
from irs_core.store.bundle import SHIPPED_MARKS, bundle_mark, open_bundle, read_bundle

SHIPPED = Path(__file__).parents[2] / "cached_results"


@pytest.fixture
def checks(monkeypatch):
    """The study of every verification that takes place."""
    made = []
    real = bundle.check_evidence

    def counted(record, arrays):
        made.append(record.id)
        real(record, arrays)

    monkeypatch.setattr(bundle, "check_evidence", counted)
    return made


def test_those_marked_as_shipped_are_shipped_and_pass():
    paths = sorted(SHIPPED.glob("*.irs.zip"))
    for path in paths:
        assert read_bundle(path).record.finished
    marks = sorted(bundle_mark(path.read_bytes()) for path in paths)
    assert SHIPPED_MARKS.read_text().splitlines() == marks, "run scripts/mark_shipped"


def test_shipped_ones_are_not_verified_by_users(tmp_path, checks):
    path = min(SHIPPED.glob("*.irs.zip"), key=lambda one: one.stat().st_size)
    opened = open_bundle(path, tmp_path / "verified")
    assert checks == []
    assert not (tmp_path / "verified").exists()
    assert opened.arrays == read_bundle(path).arrays


def test_equal_bytes_are_verified_once_and_hold_the_same(tmp_path, path, record, checks):
    memory = tmp_path / "store" / "verified"
    opened = [open_bundle(path, memory) for _ in range(3)]
    assert checks == [record.id]
    whole = read_bundle(path)
    for one in opened:
        assert one.record == record
        assert one.arrays == whole.arrays
        for evidence_id in record.base.evidence.values():
            a, b = one.evidence(evidence_id).read(2000), whole.evidence(evidence_id).read(2000)
            assert np.array_equal(a, b)


def test_changed_bytes_are_verified_and_refused(tmp_path, path, checks):
    memory = tmp_path / "verified"
    open_bundle(path, memory)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(BundleError):
            open_bundle(path, memory)
    assert len(memory.read_text().splitlines()) == 1


def test_more_rules_verify_again(tmp_path, path, checks, monkeypatch):
    open_bundle(path, tmp_path / "verified")
    monkeypatch.setattr(bundle, "RULES", bundle.RULES + 1)
    open_bundle(path, tmp_path / "verified")
    assert len(checks) == 2


def test_import_verifies_whatever_is_remembered(tmp_path, path, checks):
    open_bundle(path, tmp_path / "verified")
    read_bundle(path)
    assert len(checks) == 2


@pytest.mark.parametrize("memory", [b"\xff\x00", None])
def test_a_memory_that_cannot_be_used_only_costs_time(tmp_path, path, checks, memory):
    place = tmp_path / "verified"
    if memory is None:
        place.mkdir()
    else:
        place.write_bytes(memory)
    for _ in range(2):
        open_bundle(path, place)
    assert len(checks) == 2
