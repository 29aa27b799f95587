import hashlib
import io
import tarfile
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from irs_core.data.download import Archive, archives, download, known_downloads
from irs_core.errors import DatasetError


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A folder served on this machine, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    http = HTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{http.server_port}/"
    http.shutdown()
    thread.join()
    http.server_close()


def packed(names):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in names.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def md5(content):
    return hashlib.md5(content).hexdigest()


def test_an_archive_is_fetched_checked_and_unpacked(server, tmp_path):
    folder, url = server
    content = packed({"set/test": b"abc"})
    (folder / "set.tar.gz").write_bytes(content)
    seen = []
    part = Archive((f"{url}none/set.tar.gz", f"{url}set.tar.gz"), md5(content))
    download([part], tmp_path / "root", on_progress=lambda *step: seen.append(step))
    assert (tmp_path / "root" / "set" / "test").read_bytes() == b"abc"
    assert seen[-1][1:] == (len(content), len(content))
    (folder / "set.tar.gz").unlink()
    download([part], tmp_path / "root")  # it is there already


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    folder, url = server
    (folder / "set.tar.gz").write_bytes(b"other")
    with pytest.raises(DatasetError, match="its checksum is"):
        download([Archive((f"{url}set.tar.gz",), "0" * 32)], tmp_path / "root")
    assert not list((tmp_path / "root").iterdir())


def test_names_that_lead_elsewhere_are_left_out(server, tmp_path):
    folder, url = server
    content = packed({"../outside": b"x", "/tmp/irs-outside": b"x", "good": b"y"})
    (folder / "set.tar.gz").write_bytes(content)
    download([Archive((f"{url}set.tar.gz",), md5(content))], tmp_path / "root")
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["good", "set.tar.gz"]
    assert not (tmp_path / "outside").exists()


def test_no_server_is_one_sentence(tmp_path):
    with pytest.raises(DatasetError, match=r"cannot download set\.tar\.gz"):
        download([Archive(("http://127.0.0.1:9/set.tar.gz",), "0" * 32)], tmp_path)


def test_what_torchvision_names():
    for name in known_downloads():
        for part in archives(name):
            assert len(part.md5) == 32
            assert part.name.endswith(".gz")
    with pytest.raises(DatasetError, match="cifar10, cifar100, mnist"):
        archives("imagenet")
