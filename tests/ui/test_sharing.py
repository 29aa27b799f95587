"""Links, tables and bundles."""

import io
import zipfile
from pathlib import Path

import pandas as pd
from synthetic import synthetic_study

from irs_core.spec.settings import Settings
from irs_core.store import Library
from ui.share import bundles
from ui.shared.opening import Opened

OWN = Settings(0.001, 0.001, 0.99)


def test_link_names_study_page_and_changed_settings_only() -> None:
    here = "http://127.0.0.1:8501/tools/share?link_page=zeta_table"
    changed = Settings(0.001, 0.01, 0.95)
    assert bundles.link(here, "acr_time", "0123", changed, OWN) == (
        "http://127.0.0.1:8501/tools/acr_time?study=0123&gamma=0.95&alpha_zeta=0.01"
    )
    assert bundles.link(here, "overview", "0123", OWN, OWN).endswith("/tools/overview?study=0123")
    # The first page has no name in its address.
    assert bundles.link(here, "decide", "0123", OWN, OWN).endswith("/tools/?study=0123")


def test_packed_tables_hold_every_table_and_where_it_is_from() -> None:
    packed = bundles.packed_tables({"one": pd.DataFrame({"a": [1]})}, "csv", "n = 10")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("one.csv") == b"a\n1\n"
        assert archive.read("README.txt") == b"n = 10"


def test_bundle_of_a_study_opens_elsewhere_and_stays_the_same(tmp_path: Path) -> None:
    here, there = Library(tmp_path / "a", tmp_path / "s"), Library(tmp_path / "b", tmp_path / "s")
    record = synthetic_study(here)
    packed = here.bundle_bytes(record.id)
    (tmp_path / "x.irs.zip").write_bytes(packed)
    assert there.import_bundle(tmp_path / "x.irs.zip").id == record.id
    assert there.bundle_bytes(record.id) == packed


def test_tables_of_a_study_that_others_reported_say_so(tmp_path: Path) -> None:
    here, there = Library(tmp_path / "a", tmp_path / "s"), Library(tmp_path / "b", tmp_path / "s")
    record = synthetic_study(here)
    here.export(record.id, tmp_path / "x.irs.zip")
    there.import_bundle(tmp_path / "x.irs.zip")
    for library, said in ((here, False), (there, True)):
        opened = Opened(library.open(record.id), Settings.of(record.spec))
        for name, frame in bundles.all_tables(opened).items():
            assert ("origin" in frame) == said, name
