import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from irs_core.errors import StoreError
from irs_core.store.files import remove_leftovers, write_bytes
from irs_core.store.process import Process, this_process


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


# Writes a file and is killed when all but its name is there.
_KILLED = """
import os, signal, sys
from pathlib import Path
from irs_core.store.files import write_bytes
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_bytes(Path(sys.argv[1]), b"half")
"""


def test_what_a_killed_writer_left_is_removed_and_what_others_write_is_not(tmp_path):
    folder = tmp_path / "c" / "0"
    subprocess.run([sys.executable, "-c", _KILLED, folder / "7"])
    (left,) = folder.iterdir()
    assert left.name.endswith(".partial")
    far = Process("far", "0123456789ab", this_process().pid, "1")
    others = [
        folder / f".8.{this_process().key}-0123.partial",
        folder / f".8.{far.key}-0123.partial",
        folder / ".9.0123456789abcdef.partial",
        folder / "plain.partial",
        folder / "7",
    ]
    for path in others:
        path.touch()
    assert remove_leftovers(tmp_path) == 1
    assert sorted(folder.iterdir()) == sorted(others)
    # Earlier versions named no writer.
    os.utime(others[2], (1, 1))
    assert remove_leftovers(tmp_path) == 1
    assert not others[2].exists()


def test_writing_again_removes_what_a_killed_writer_of_the_file_left(tmp_path):
    for name in ("a[1].html", "b"):
        subprocess.run([sys.executable, "-c", _KILLED, tmp_path / name])
    write_bytes(tmp_path / "a[1].html", b"x")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert names[0].startswith(".b.")
    assert names[1] == "a[1].html"


def test_a_writer_that_works_leaves_only_its_file(tmp_path):
    write_bytes(tmp_path / "file", b"x")
    write_bytes(tmp_path / "file", b"y")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"y"


def test_folders_that_vanish_while_leftovers_are_sought_are_passed_over(tmp_path, monkeypatch):
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        left = tmp_path / name / ".x.json.another-1-1-aaaa.partial"
        left.write_bytes(b"")
        os.utime(left, (0, 0))
    walk = os.walk

    def vanish(folder):
        for found in walk(folder):
            shutil.rmtree(tmp_path / "b", ignore_errors=True)
            yield found

    monkeypatch.setattr(os, "walk", vanish)
    assert remove_leftovers(tmp_path) == 2
