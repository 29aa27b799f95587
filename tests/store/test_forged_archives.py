"""Files that are no sound archive of a study are refused before they are unpacked."""

import json
import struct
import zipfile

import google_crc32c
import pytest
from forged import rewrite
from numcodecs.zstd import Zstd

from irs_core.errors import BundleError
from irs_core.store import Library, read_bundle
from irs_core.store import bundle_sizes as sizes_module
from irs_core.store import verify as verify_module


def test_changed_contents_do_not_match_their_digest(path):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in files if "/c/" in name)
    files[name] = files[name][:-1] + b"x"
    with zipfile.ZipFile(path, "w") as archive:
        for key, content in files.items():
            archive.writestr(key, content)
    with pytest.raises(BundleError, match="does not match its digest"):
        read_bundle(path)


@pytest.mark.parametrize(
    "name",
    ["../outside", "/etc/passwd", "evidence/../../x", "evidence/0123456789abcdef/run.py", "C:\\x"],
)
def test_foreign_names_are_refused(path, name):
    rewrite(path, lambda files: files.update({name: b"x"}))
    with pytest.raises(BundleError, match="may not hold a file named"):
        read_bundle(path)


def test_size_is_bounded_before_unpacking(path):
    with pytest.raises(BundleError, match=r"may unpack to 1000 bytes.*raise IRS_UPLOAD_MB"):
        read_bundle(path, 1000)


@pytest.mark.parametrize("name", ["c/0/0", "d/0/0", "zarr.json", "journal.jsonl"])
@pytest.mark.parametrize("lie", [False, True], ids=["declared", "hidden"])
def test_zeros_are_refused_before_they_are_unpacked(path, record, name, lie):
    evidence = record.base.evidence["select"]
    place = f"evidence/{evidence}/{name}"
    rewrite(path, lambda files: files.update({place: bytes(20_000_000)}))
    if not lie:
        with pytest.raises(BundleError, match=r"may have [0-9]+ bytes; this one has 20000000"):
            read_bundle(path)
        return
    content = path.read_bytes()
    # The size in the table of contents and in the entry itself.
    path.write_bytes(content.replace(struct.pack("<I", 20_000_000), struct.pack("<I", 1000)))
    with pytest.raises(BundleError):
        read_bundle(path)


def test_count_is_bounded(path, monkeypatch):
    monkeypatch.setattr(sizes_module, "MAX_FILES", 3)
    with pytest.raises(BundleError, match="may hold 3 files"):
        read_bundle(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 100])
def test_what_is_not_a_zip_is_refused(tmp_path, content):
    path = tmp_path / "x.irs.zip"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="not a readable bundle"):
        read_bundle(path)


@pytest.mark.parametrize("keep", [100, 1000, 20_000])
def test_truncated_bundles_are_refused(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BundleError, match="not a readable bundle"):
        read_bundle(path)


def test_a_refused_bundle_leaves_the_store_untouched(tmp_path):
    bad = tmp_path / "x.irs.zip"
    bad.write_bytes(b"x")
    library = Library(tmp_path / "b", tmp_path / "none")
    with pytest.raises(BundleError):
        library.import_bundle(bad)
    assert not library.root.exists()


def _replace_chunk(frame):
    def change(files):
        checksum = google_crc32c.value(frame).to_bytes(4, "little")
        files[next(name for name in files if "/c/" in name)] = frame + checksum

    return change


def test_chunks_that_unpack_to_more_are_refused(path):
    frame = Zstd(level=3).encode(bytes(10**8))
    assert len(frame) < 10_000
    rewrite(path, _replace_chunk(frame))
    with pytest.raises(BundleError, match="to 32000 bytes at most; this one to 100000000"):
        read_bundle(path)


def test_chunks_that_do_not_say_what_they_unpack_to_are_refused(path):
    # One run block of 16,000 zeros behind a window of 1 MiB, no content size.
    frame = b"\x28\xb5\x2f\xfd\x00\x50" + (16_000 << 3 | 3).to_bytes(3, "little") + b"\x00"
    assert Zstd().decode(frame) == bytes(16_000)
    rewrite(path, _replace_chunk(frame))
    with pytest.raises(BundleError, match="must declare the size"):
        read_bundle(path)


def test_predictions_are_bounded_before_they_are_read(path, monkeypatch):
    monkeypatch.setattr(verify_module, "MAX_PREDICTION_BYTES", 1000)
    with pytest.raises(BundleError, match="predictions may take 1000 bytes"):
        read_bundle(path)


def test_other_compression_methods_are_refused(path):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match="may only be stored or deflated"):
        read_bundle(path)


@pytest.mark.parametrize("digest", [[], {}, None, 5])
def test_digests_of_files_that_are_no_texts_are_refused(path, digest):
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["bundle.json"])
    manifest["files"]["study.json"]["sha256"] = digest
    files["bundle.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    with pytest.raises(BundleError, match=r"'study\.json' does not match its digest"):
        read_bundle(path)
