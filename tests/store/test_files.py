import os
from pathlib import Path

import pytest

from irs_core.errors import StoreError
from irs_core.store.files import write_bytes


def test_a_write_that_cannot_even_be_cleaned_up_tells_the_first_reason(tmp_path, monkeypatch):
    def refuse(self, missing_ok=False):
        raise PermissionError(13, "not allowed", str(self))

    monkeypatch.setattr(Path, "unlink", refuse)
    (tmp_path / "taken").mkdir()
    with pytest.raises(StoreError, match=r"cannot write .*taken: Is a directory"):
        write_bytes(tmp_path / "taken", b"x")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see what is synced")
def test_a_written_file_is_durable_and_so_is_its_name(tmp_path, monkeypatch):
    synced = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write_bytes(tmp_path / "file", b"x")
    assert len(synced) == 2
    assert synced[0].parent == tmp_path
    assert synced[1] == tmp_path
