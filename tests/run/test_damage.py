"""Power loss and full disks: what is damaged is found and computed again, never shown."""

import os
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from old_store import without_digests
from synthetic import synthetic_spec

from irs_core.analysis.tally import tally_study
from irs_core.errors import MissingEvidenceError, StoreError
from irs_core.run.study import run_study
from irs_core.spec.study import DataSpec
from irs_core.store import Library

SPEC = synthetic_spec(data=DataSpec(max=70, holdout=10), n=3000, n_p=(100, 600), n0=20)


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """A folder with all evidence of the study; not to be changed."""
    folder = tmp_path_factory.mktemp("computed")
    run_study(SPEC, Library(folder))
    return folder


@pytest.fixture(scope="module")
def reference(computed):
    return Library(computed).open(SPEC.id).record


@pytest.fixture
def library(computed, tmp_path):
    """A copy of it."""
    shutil.copytree(computed, tmp_path / "store")
    return Library(tmp_path / "store")


@pytest.mark.parametrize("seed", [0, 1])
def test_fifty_damaged_files_are_computed_again(library, reference, seed):
    rng = np.random.default_rng(seed)
    files = sorted(path for path in library.evidence_folder.rglob("*") if path.is_file())
    files = [path for path in files if path.name != "lock"]
    for index in rng.choice(len(files), 50, replace=False):
        _damage(files[index], rng)
    try:
        shown = tally_study(library.open(SPEC.id))
    except (MissingEvidenceError, StoreError):
        shown = None
    again = run_study(SPEC, library)
    assert again.digests == reference.digests
    whole = tally_study(library.open(SPEC.id))
    if shown is not None:
        for name, counts in shown.compressed.items():
            known = counts.disagreements >= 0
            expected = whole.compressed[name].disagreements
            assert np.array_equal(counts.disagreements[known], expected[known])


def _damage(path, rng):
    content = bytearray(path.read_bytes())
    if rng.random() < 0.5:
        content = content[: int(rng.integers(0, len(content)))]
    else:
        for position in rng.integers(0, len(content), 8):
            content[position] ^= 1 << int(rng.integers(0, 8))
    path.write_bytes(content)


def test_a_damaged_manifest_is_written_again(library, reference):
    library.study_path(SPEC.id).write_bytes(b'{"spec": ')
    assert library.studies() == [] or SPEC.id not in [s.record.id for s in library.studies()]
    assert run_study(SPEC, library).digests == reference.digests
    assert library.open(SPEC.id).record.finished


def test_an_old_study_is_sealed_by_the_next_run(library, reference):
    without_digests(library.root)
    chunk = next((library.evidence_folder / reference.base.evidence["estimate"]).glob("c/0/*"))
    chunk.unlink()
    assert not library.open(SPEC.id).sealed
    assert run_study(SPEC, library).digests == reference.digests
    assert library.open(SPEC.id).sealed


def test_changed_evidence_of_an_old_study_is_not_taken_for_its_own(library, reference):
    without_digests(library.root)
    folder = library.evidence_folder / reference.compressed[0].evidence["estimate"]
    shutil.copy(folder / "c" / "1" / "0", folder / "c" / "0" / "0")
    with pytest.raises(StoreError, match=f"delete the folder evidence/{folder.name}"):
        run_study(SPEC, library)
    assert library.open(SPEC.id).record.digests == reference.digests
    shutil.rmtree(folder)
    assert run_study(SPEC, library).digests == reference.digests


def test_a_chunk_at_another_place_is_computed_again(library, reference):
    folder = library.evidence_folder / reference.compressed[0].evidence["estimate"]
    shutil.copy(folder / "c" / "1" / "0", folder / "c" / "0" / "0")
    seen = []
    assert run_study(SPEC, library, on_progress=seen.append).digests == reference.digests
    assert 0 < seen[-1].done <= 32 * 500


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=450k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let tests mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_and_resume_works_after_space_is_freed(small_disk, reference):
    library = Library(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 350_000)
    with pytest.raises(StoreError, match="is full; free some space and resume"):
        run_study(SPEC, library)
    assert [study.record.finished for study in library.studies() if not study.shipped] == [False]
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    assert run_study(SPEC, library).digests == reference.digests


def test_a_job_on_a_full_disk_fails_with_that_sentence(small_disk, reference):
    from irs_core.jobs import JobQueue, work

    queue = JobQueue(small_disk)
    job = queue.add(replace(SPEC, name="full"))
    (small_disk / "ballast").write_bytes(b"\0" * 150_000)
    work(small_disk, once=True)
    assert queue.get(job.id).state == "failed"
    assert "is full" in queue.get(job.id).error
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    queue.retry(job.id)
    work(small_disk, once=True)
    assert queue.get(job.id).state == "done"
    assert Library(small_disk).open(SPEC.id).record.digests == reference.digests
