import warnings

import pytest
import torch
from graph_files import export_onnx, save_ir
from torch import nn

from irs_core.errors import CheckpointError, DatasetError, IrsError, SpecError
from irs_core.graphs import read_graph
from irs_core.models import read_checkpoint
from irs_core.server_files import (
    check_data_root,
    check_model_path,
    keep_data,
    keep_upload,
    uploads_folder,
)


@pytest.fixture(scope="module")
def onnx(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "net.onnx"
    return export_onnx(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), (1, 8, 8), path)


def files_below(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_an_upload_is_kept_under_its_digest(tmp_path, onnx):
    content = onnx.read_bytes()
    kept = keep_upload(tmp_path, [("net.onnx", content)], read_graph)
    assert kept.digest == read_graph(onnx).digest
    assert kept.path.read_bytes() == content
    assert check_model_path(str(kept.path), tmp_path) == kept.path.resolve()
    again = keep_upload(tmp_path, [("net.onnx", content)], read_graph)
    assert (again.path, again.digest) == (kept.path, kept.digest)
    assert (kept.fresh, again.fresh) == (True, False)
    assert files_below(tmp_path) == [f"uploads/{kept.path.parent.name}/net.onnx"]


def test_an_ir_is_two_files(tmp_path, onnx):
    save_ir(onnx, tmp_path / "net.xml")
    files = [(name, (tmp_path / name).read_bytes()) for name in ("net.bin", "net.xml")]
    kept = keep_upload(tmp_path / "store", files, read_graph)
    assert kept.path.name == "net.xml"
    with pytest.raises(CheckpointError, match=r"net\.bin"):
        keep_upload(tmp_path / "other", files[1:], read_graph)
    assert files_below(tmp_path / "other") == []


@pytest.mark.parametrize(
    "name",
    [
        "../net.onnx",
        "/tmp/net.onnx",
        "a\\b.onnx",
        "a\nb.onnx",
        ".onnx",
        "net.exe",
        "",
        "net.onnx\0",
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, onnx, name):
    with pytest.raises(CheckpointError, match="file name"):
        keep_upload(tmp_path, [(name, onnx.read_bytes())], read_graph)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("names", [["net.onnx", "two.onnx"], ["a.bin"], ["net.onnx", "net.onnx"]])
def test_one_model_at_a_time(tmp_path, onnx, names):
    with pytest.raises(CheckpointError, match="one model at a time"):
        keep_upload(tmp_path, [(name, onnx.read_bytes()) for name in names], read_graph)


def test_the_operator_limits_the_size(tmp_path, onnx, monkeypatch):
    monkeypatch.setenv("IRS_UPLOAD_MB", "1")
    with pytest.raises(SpecError, match="1 to 1000000 bytes"):
        keep_upload(tmp_path, [("net.onnx", b"x" * 1_000_001)], read_graph)
    monkeypatch.setenv("IRS_UPLOAD_MB", "lots")
    with pytest.raises(IrsError, match="whole number of megabytes; got 'lots'"):
        keep_upload(tmp_path, [("net.onnx", onnx.read_bytes())], read_graph)


class _Payload:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (open, (self.marker, "w"))


def test_a_pickle_is_neither_run_nor_kept(tmp_path):
    path, marker = tmp_path / "bad.pt", tmp_path / "ran"
    torch.save({"state_dict": _Payload(str(marker))}, path)
    with pytest.raises(CheckpointError, match="never loaded"):
        keep_upload(tmp_path / "store", [("bad.pt", path.read_bytes())], read_checkpoint)
    assert not marker.exists()
    assert files_below(tmp_path / "store") == []


def test_only_listed_folders_are_read(tmp_path, onnx, monkeypatch):
    store, inside, outside = (tmp_path / name for name in ("store", "in", "out"))
    inside.mkdir()
    outside.mkdir()
    (outside / "net.onnx").write_bytes(onnx.read_bytes())
    (inside / "link.onnx").symlink_to(outside / "net.onnx")
    with pytest.raises(CheckpointError, match="IRS_MODEL_DIRS"):
        check_model_path(str(inside / "net.onnx"), store)
    monkeypatch.setenv("IRS_MODEL_DIRS", f"/nonexistent:{inside}")
    assert check_model_path(str(inside / "net.onnx"), store) == inside / "net.onnx"
    for path in (
        outside / "net.onnx",
        inside / "link.onnx",
        inside / ".." / "out" / "net.onnx",
        tmp_path / "inner.onnx",
        uploads_folder(store) / ".." / ".." / "out" / "net.onnx",
    ):
        with pytest.raises(CheckpointError, match="IRS_MODEL_DIRS"):
            check_model_path(str(path), store)
    for text in ("a\0b", "\ud800", "~nobodyatall/x"):
        with pytest.raises(CheckpointError, match="IRS_MODEL_DIRS"):
            check_model_path(text, store)


def test_data_folders_are_closed_until_the_operator_lists_some(tmp_path, monkeypatch):
    store = tmp_path / "store"
    monkeypatch.delenv("IRS_DATA_DIRS", raising=False)
    with pytest.raises(DatasetError, match="IRS_DATA_DIRS"):
        check_data_root(str(tmp_path / "data" / "x"), store)
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "data"))
    assert check_data_root(str(tmp_path / "data" / "x"), store) == tmp_path / "data" / "x"
    with pytest.raises(DatasetError, match="IRS_DATA_DIRS"):
        check_data_root(str(tmp_path), store)


@pytest.mark.parametrize("split", ["../../private", "/etc", "..", "link", "a/../../../private"])
def test_a_split_leads_out_as_little_as_a_root(tmp_path, monkeypatch, split):
    root = tmp_path / "data" / "set"
    (root / "test").mkdir(parents=True)
    (tmp_path / "private").mkdir()
    (root / "link").symlink_to(tmp_path / "private")
    monkeypatch.setenv("IRS_DATA_DIRS", str(root))
    assert check_data_root(str(root), tmp_path / "store", split="test") == root
    with pytest.raises(DatasetError, match="IRS_DATA_DIRS") as there:
        check_data_root(str(root), tmp_path / "store", split=split)
    # Nothing tells whether it exists.
    if split != "link":
        (tmp_path / "private").rmdir()
        with pytest.raises(DatasetError) as gone:
            check_data_root(str(root), tmp_path / "store", split=split)
        assert str(gone.value) == str(there.value)
    assert str(tmp_path / "private") not in str(there.value)


def test_uploaded_data_may_be_read_whatever_is_listed(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_DATA_DIRS", str(tmp_path / "data"))
    kept = keep_data(tmp_path / "store", "mine.npz", b"content", lambda path: path.read_bytes())
    assert check_data_root(str(kept.path), tmp_path / "store") == kept.path.resolve()


@pytest.mark.parametrize("name", ["../mine.npz", "mine.onnx", ".npz", "a\nb.npz"])
def test_names_of_data_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="file name"):
        keep_data(tmp_path, name, b"content", lambda path: None)
    assert files_below(tmp_path) == []


def test_programs_are_no_uploads(tmp_path):
    from irs_core.foreign.asking import check_model_file

    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)).eval()
    images = torch.zeros(1, 1, 8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(network, images).save(str(tmp_path / "scripted.pt"))
    torch.export.save(torch.export.export(network, (images,)), tmp_path / "exported.pt2")
    for name, what in (("scripted.pt", "TorchScript"), ("exported.pt2", "torch.export")):
        content = (tmp_path / name).read_bytes()
        with pytest.raises(CheckpointError, match=what):
            keep_upload(tmp_path / "store", [("net.pt", content)], check_model_file)
    assert not list((tmp_path / "store").rglob("net.pt"))
