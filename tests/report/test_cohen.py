import gzip
import io
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import synthetic_study

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.analysis.tsv import certificates_tsv
from irs_core.cli.main import main
from irs_core.errors import CheckpointError, DatasetError
from irs_core.report import HEADER, import_cohen, imported_results, parse_cohen
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library

DATA = Path(os.environ.get("IRS_SHARED") or Path(__file__).resolve().parents[3] / "shared")
PUBLISHED = DATA / "data" / "cohen2019" / "cifar10_resnet110_sigma_0.50.tsv"
ROWS = ["0\t3\t3\t0.486\t1\t16.6", "20\t7\t-1\t0.0\t0\t0:01:17.5", "40\t8\t1\t0.9\t0\t1.0"]


def content(*rows, header=HEADER):
    return ("\n".join([header, *(rows or ROWS)]) + "\n").encode()


def test_a_small_file_by_hand():
    found = parse_cohen(content(), "small")
    assert found.acr == pytest.approx(0.486 / 3)
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.seconds.tolist() == [16.6, 77.5, 1.0]
    assert found.certified_accuracy([0.0, 0.486, 0.487]).tolist() == [1 / 3, 1 / 3, 0]
    assert found.rounded
    assert not parse_cohen(content("0\t3\t3\t0.48612\t1\t16.6"), "exact").rounded


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published results are not here")
def test_published_results_as_pandas_computes_them():
    path = PUBLISHED
    found = parse_cohen(path.read_bytes(), "published")
    # As in the analysis script of Cohen et al. 2019.
    frame = pd.read_csv(path, delimiter="\t")
    radii = np.arange(0, 2.25, 0.25)
    direct = [(frame["correct"] & (frame["radius"] >= radius)).mean() for radius in radii]
    assert found.certified_accuracy(radii).tolist() == direct
    assert found.acr == pytest.approx((frame["correct"] * frame["radius"]).mean(), abs=1e-12)
    assert found.rounded
    assert len(found) == len(frame)


def test_an_exported_file_reads_as_the_fields_scripts_read_it(tmp_path):
    library = Library(tmp_path, tmp_path / "none")
    record = synthetic_study(library)
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    text = certificates_tsv(record, analysis, BASE, "irs")
    (tmp_path / "out.tsv").write_text(text)
    frame = pd.read_csv(tmp_path / "out.tsv", delimiter="\t")
    assert list(frame) == ["idx", "label", "predict", "radius", "correct", "time"]
    expected = metrics.smoothed_accuracy(analysis.base, analysis.labels)
    assert (frame["correct"] & (frame["radius"] >= 0)).mean() == expected
    back = parse_cohen(text.encode(), "back")
    acr = metrics.average_certified_radius(analysis.base, analysis.labels)
    assert not back.rounded
    assert back.acr == pytest.approx(acr, rel=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.decode().encode("utf-16"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.replace(b"\n", b"\n\n"),
        lambda text: text.replace(b"\t", b" \t "),
        lambda text: text.replace(b"0.486", b"4.86e-01"),
        lambda text: text.replace(b"\t1\t", b"\t1.0\t").replace(b"\t3", b"\t3.0"),
        gzip.compress,
    ],
)
@pytest.mark.parametrize("name", ["sigma_0.25", "theirs", "theirs.results", "theirs.TXT"])
def test_results_are_known_by_their_content(tmp_path, capsys, change, name):
    (tmp_path / name).write_bytes(change(content()))
    store = tmp_path / "store"
    assert main(["import", str(tmp_path / name), "--store", str(store)]) == 0
    stem = name.removesuffix(".TXT")
    assert capsys.readouterr().out.startswith(f"{stem}: 3 inputs, ACR 0.1620")
    assert [(one.name, one.acr) for one in imported_results(store)] == [(stem, 0.486 / 3)]


@pytest.mark.parametrize(
    ("name", "bytes_", "rule"),
    [
        ("theirs", b"a\tb\n", "cannot read the bundle|not a zip"),
        ("theirs.tsv", b"a\tb\n", "must begin with the columns"),
        ("theirs.gz", gzip.compress(b"a\tb\n"), "must begin with the columns"),
        ("theirs.gz", gzip.compress(content())[:-9], "damaged gzip"),
        ("theirs.gz", gzip.compress(bytes((64 << 20) + 1)), "may unpack to at most"),
    ],
)
def test_files_that_are_neither_results_nor_bundles(tmp_path, capsys, name, bytes_, rule):
    (tmp_path / name).write_bytes(bytes_)
    assert main(["import", str(tmp_path / name), "--store", str(tmp_path / "store")]) == 2
    assert re.search(rule, capsys.readouterr().err)


def test_an_import_is_kept_with_its_name(tmp_path):
    path = tmp_path / "theirs.tsv"
    path.write_bytes(content())
    found = import_cohen(path, tmp_path / "store")
    again = imported_results(tmp_path / "store")
    assert [(one.name, one.digest) for one in again] == [("theirs", found.digest)]


@pytest.mark.parametrize(
    "row",
    [
        "0\t3\t3\tnan\t1\t1",
        "0\t3\t3\tinf\t1\t1",
        "0\t3\t3\t-0.1\t1\t1",
        "0\t3\t3\t0.1\t0\t1",
        "0\t3\t-1\t0.1\t0\t1",
        "0\t3\t-2\t0.1\t0\t1",
        "-1\t3\t3\t0.1\t1\t1",
        "99999999999999999999\t3\t3\t0.1\t1\t1",
        "0\t3\t3\t0.1\t1",
        "0\t3\t3\t0.1\t1\t1\t1",
        "0\t3\t3\t0.1\t1\tsoon",
        "0 3 3 0.1 1 1",
    ],
)
def test_lines_that_break_a_rule_are_refused(tmp_path, row):
    path = tmp_path / "bad.tsv"
    path.write_bytes(content(row))
    with pytest.raises(DatasetError, match="line 2"):
        import_cohen(path, tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("bytes_", "rule"),
    [
        (b"\xff\xff", "no text"),
        (b"a,b,c\n", "columns"),
        (content("0\t3\t3\t0.1\t1\t1", "0\t3\t3\t0.1\t1\t1"), "twice"),
        (HEADER.encode(), "no results"),
    ],
)
def test_files_of_another_kind_are_refused(bytes_, rule):
    with pytest.raises(DatasetError, match=rule):
        parse_cohen(bytes_, "bad")


def test_empty_files_and_odd_names_are_refused(tmp_path):
    (tmp_path / "empty.tsv").write_bytes(b"")
    with pytest.raises(CheckpointError, match="is empty"):
        import_cohen(tmp_path / "empty.tsv", tmp_path / "store")
    odd = tmp_path / "a\nb.tsv"
    odd.write_bytes(content())
    with pytest.raises(DatasetError, match="control characters"):
        import_cohen(odd, tmp_path / "store")


BANNER = "Reported by others, not recomputed here."


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A library with a study that somebody else reported."""
    here = Library(tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("none"))
    record = synthetic_study(here)
    path = tmp_path_factory.mktemp("bundle") / "study.irs.zip"
    here.export(record.id, path)
    there = Library(tmp_path_factory.mktemp("there"), tmp_path_factory.mktemp("none"))
    there.import_bundle(path)
    return there, record


def test_results_that_others_reported_say_so_and_read_as_before(imported, tmp_path, capsys):
    library, record = imported
    out = tmp_path / "out.tsv"
    assert main(["report", record.id, str(out), "--store", str(library.root)]) == 0
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    plain = pd.read_csv(io.StringIO(certificates_tsv(record, analysis, BASE)), delimiter="\t")
    # As the field's scripts read it: columns by name.
    frame = pd.read_csv(out, delimiter="\t")
    pd.testing.assert_frame_equal(frame[list(plain)], plain)
    assert frame["origin"].unique().tolist() == [BANNER]
    capsys.readouterr()
    assert main(["studies", record.id, "--store", str(library.root), "--tsv", BASE]) == 0
    assert capsys.readouterr().out == out.read_text()
    assert parse_cohen(out.read_bytes(), "out").origin == BANNER
    assert parse_cohen(content(), "plain").origin == ""
    assert main(["import", str(out), "--store", str(tmp_path / "store")]) == 0
    assert f"origin, as the file says: {BANNER}" in capsys.readouterr().out
    assert [one.origin for one in imported_results(tmp_path / "store")] == [BANNER]


@pytest.mark.parametrize("option", ["--why", "--speedups"])
def test_tables_of_reported_studies_say_so_in_the_terminal(imported, capsys, option):
    library, record = imported
    name = ["fp16"] if option == "--why" else []
    assert main(["studies", record.id, "--store", str(library.root), option, *name]) == 0
    assert capsys.readouterr().out.startswith(BANNER)


@pytest.mark.parametrize(
    ("origins", "rule"),
    [
        (("theirs", "ours", "theirs"), "line 3: all lines must have one origin"),
        (("", "", ""), "1 to 500 printable characters"),
        (("a\x1b[2Jb",) * 3, "1 to 500 printable characters"),
        (("x" * 501,) * 3, "1 to 500 printable characters"),
    ],
)
def test_origins_that_break_a_rule_are_refused(origins, rule):
    rows = [f"{row}\t{origin}" for row, origin in zip(ROWS, origins, strict=True)]
    with pytest.raises(DatasetError, match=rule):
        parse_cohen(content(*rows, header=f"{HEADER}\torigin"), "bad")


def test_a_seventh_column_needs_its_name():
    with pytest.raises(DatasetError, match="may have origin"):
        parse_cohen(content(header=f"{HEADER}\tnotes"), "bad")
    with pytest.raises(DatasetError, match="line 2"):
        parse_cohen(content(header=f"{HEADER}\torigin"), "bad")
