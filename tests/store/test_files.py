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
