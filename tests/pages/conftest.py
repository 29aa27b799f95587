"""What every test of a page needs: a store of its own, without the shipped studies."""

from pathlib import Path

import pytest


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(shipped))
    return tmp_path / "store"
