"""Paths of a confined process: nothing outside the listed folders is opened, not even in a race."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from irs_core.data import load_dataset, open_source
from irs_core.errors import CheckpointError, DatasetError
from irs_core.graphs.files import content_digest
from irs_core.models import read_checkpoint
from irs_core.sandbox import opening
from irs_core.spec.study import DataSpec

SECRET = b"SECRET-OF-THE-SERVER"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A listed folder beside a secret one; the process is confined to the first."""
    inside, outside = tmp_path / "listed", tmp_path / "outside"
    for folder in (inside, outside):
        (folder / "test" / "cat").mkdir(parents=True)
        pixels = np.full((4, 4, 3), 10 if folder == inside else 200, np.uint8)
        Image.fromarray(pixels).save(folder / "test" / "cat" / "a.png")
        (folder / "file").write_bytes(b"listed" if folder == inside else SECRET)
    monkeypatch.setattr(opening, "_folders", (inside.resolve(),))
    return inside


def test_what_lies_inside_is_opened(place):
    assert opening.content_of(place / "file") == b"listed"
    (place / "link").symlink_to(place / "file")
    assert opening.content_of(place / "link") == b"listed"
    assert [one.name for one in opening.inside(place / "test")] == ["cat"]
    assert [one.name for one in opening.inside(place)] == ["file", "link", "test"]
    with opening.pinned(place / "file") as path:
        (place / "file").unlink()
        assert Path(path).read_bytes() == b"listed"


def ways_out(place):
    outside = place.parent / "outside"
    (place / "link").symlink_to(outside / "file")
    (place / "folder").symlink_to(outside)
    (place / "chain").symlink_to("folder")
    return [
        outside / "file",
        place / "link",
        place / "folder" / "file",
        place / "chain" / "file",
        place / ".." / "outside" / "file",
        place / "test" / ".." / ".." / "outside" / "file",
        Path("/etc/passwd"),
        Path("/proc/self/root") / str(outside)[1:] / "file",
        Path("a\0b"),
    ]


@pytest.mark.parametrize("number", range(9))
def test_nothing_leads_out(place, number):
    path = ways_out(place)[number]
    with pytest.raises(OSError, match="leads out of the folders"):
        opening.opened(path)
    with pytest.raises(OSError, match="leads out of the folders"), opening.pinned(path):
        pass


def test_folders_outside_are_not_listed(place):
    ways_out(place)
    for path in (place.parent, place / "folder", place / "chain" / "test", Path("/")):
        with pytest.raises(OSError, match="leads out of the folders"):
            opening.inside(path)


def test_pipes_and_folders_are_no_files(place):
    os.mkfifo(place / "pipe")
    for name in ("pipe", "test"):
        with pytest.raises(OSError, match="no regular file"):
            opening.opened(place / name)


def test_readers_say_so_in_one_sentence(place):
    outside = place.parent / "outside"
    (place / "set").mkdir()
    (place / "set" / "test").symlink_to(outside / "test")
    (place / "mixed" / "test" / "cat").mkdir(parents=True)
    (place / "mixed" / "test" / "cat" / "a.png").symlink_to(outside / "test" / "cat" / "a.png")
    (place / "classes.txt").symlink_to(outside / "file")
    for spec in (
        DataSpec("image-folder", str(outside)),
        DataSpec("image-folder", str(place), "../outside/test"),
        DataSpec("image-folder", str(place), str(outside / "test")),
        DataSpec("image-folder", str(place / "set")),
        DataSpec("image-folder", str(place / "mixed")),
        DataSpec("image-folder", str(place)),
        DataSpec("npz", str(outside / "file")),
        DataSpec("parquet", str(outside / "file")),
        DataSpec("image-folder", str(place / "test"), "", class_list=str(outside / "file")),
    ):
        with pytest.raises(DatasetError, match="leads out of the folders") as caught:
            load_dataset(spec)
        assert SECRET.decode() not in str(caught.value)
        assert "\n" not in str(caught.value)
    for read in (read_checkpoint, content_digest):
        with pytest.raises(CheckpointError, match="leads out of the folders"):
            read(outside / "file")


def test_errors_list_nothing_of_the_server(place, monkeypatch):
    spec = DataSpec("image-folder", str(place), "train")
    with pytest.raises(DatasetError) as caught:
        open_source(spec)
    assert "cat" not in str(caught.value)
    assert "file" not in str(caught.value)
    monkeypatch.setattr(opening, "_folders", None)
    with pytest.raises(DatasetError, match=r"in .*: file, test"):
        open_source(spec)


def swapping(stop, first, other):
    """Exchange two names as fast as the system can, until told to stop."""
    spare = first.with_name("spare")
    while not stop.is_set():
        first.rename(spare)
        other.rename(first)
        first.rename(other)
        spare.rename(first)


@pytest.mark.parametrize("what", ["file", "folder", "above"])
def test_links_that_are_swapped_in_while_files_are_read(place, what):
    outside = place.parent / "outside"
    path = place / "test" / "cat" / "note"
    path.write_bytes(b"listed")
    (outside / "test" / "cat" / "note").write_bytes(SECRET)
    first = {"file": path, "folder": path.parent, "above": place / "test"}[what]
    other = first.with_name("other")
    other.symlink_to(outside / first.relative_to(place))
    stop = threading.Event()
    swapper = threading.Thread(target=swapping, args=(stop, first, other))
    swapper.start()
    found = {b"listed": 0, SECRET: 0}
    refused = 0
    try:
        for _ in range(2000):
            try:
                found[opening.content_of(path)] += 1
            except OSError:
                refused += 1
    finally:
        stop.set()
        swapper.join()
    assert found[SECRET] == 0
    assert found[b"listed"] > 0
    assert refused > 0
