"""Whatever is changed in a store, no number that is shown changes without a word."""

import json
from dataclasses import replace

import numpy as np
import pytest
from heard import listening
from old_store import without_digests
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis import kept_tally
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.errors import IrsError, StoreError
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, NoiseSpec
from irs_core.store import Library
from irs_core.store.manifests import content_digest

SPEC = synthetic_spec(data=DataSpec(max=30, holdout=6), n=600, n0=20, n_p=(3,))
SMALL = replace(SPEC, compressions=SPEC.compressions[:1])
FLIPS, SWAPS = 500, 50
FOLDERS = ("studies", "pilots", "tallies", "bundles", "evidence")


class Store:
    """A store of all kinds of files, which can be changed and put back."""

    def __init__(self, root):
        self.root = root
        self.library = Library(root, root / "none")
        for spec in (SPEC, replace(SMALL, noise=NoiseSpec(1.0), baseline=False)):
            record = synthetic_study(self.library, spec)
            self.library.save_pilot(record)
        record = synthetic_study(self.library, replace(SMALL, noise=NoiseSpec(2.0), n_p=(2,)))
        self.library.save(replace(record, finished=False, digests={}))
        self._import(replace(SMALL, noise=NoiseSpec(0.25)))
        self.uses = {
            study.record.id: {study.record.id, *study.record.digest_draws()}
            for study in self.library.studies()
        }
        self.expected, _ = self.shown(self.uses)
        found = sorted(path for path in root.rglob("*") if path.is_file())
        self.files = {path: path.read_bytes() for path in found if path.name != "lock"}

    def _import(self, spec):
        other = Library(self.root.parent / "other", self.root / "none")
        record = synthetic_study(other, spec)
        other.export(record.id, self.root.parent / "x.irs.zip")
        self.library.import_bundle(self.root.parent / "x.irs.zip")

    def shown(self, ids):
        """What the numbers of some studies are made from, by study, and what was said."""
        with listening() as heard:
            survey = self.library.survey()
            said = [one.reason for one in survey.damaged]
            found = {}
            for study in survey.studies:
                try:
                    if study.record.id in ids:
                        found[study.record.id] = _numbers(study, self.root)
                except IrsError as error:
                    said.append(str(error))
            return found, said + heard.words

    def look(self, changed, *, count):
        """Whether nothing changed, or something was said; puts the files back.

        Args:
            changed: New contents by path.
            count: Delete the kept counts, so that the evidence is counted again.
        """
        names = {part.split(".")[0].split("-")[0] for path in changed for part in path.parts}
        # The studies that the files belong to; nothing else can reach the others' numbers.
        ids = {one for one, used in self.uses.items() if used & names}
        tallies = [path for path in self.files if path.parent.name == "tallies"]
        mine = [path for path in tallies if path.name.split("-")[0] in ids]
        for path in mine if count else []:
            path.unlink()
        for path, content in changed.items():
            path.write_bytes(content)
        found, said = self.shown(ids)
        for path in {*changed, *mine, self.root / "verified"}:
            path.write_bytes(self.files[path])
        for path in set((self.root / "tallies").iterdir()) - set(tallies):
            path.unlink()
        return bool(said) or found == {one: self.expected[one] for one in ids}


def _numbers(study, root):
    arrays = []
    tree = kept_tally._packed(kept_tally.open_tally(study, root), arrays)
    record = study.record
    settings = (record.spec.alpha, record.spec.alpha_zeta, record.spec.gamma, record.finished)
    without_times = [one.tobytes() for one in arrays if one.dtype != np.float64]
    return json.dumps(tree, sort_keys=True), without_times, settings, record.data, record.models


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # Nobody pulls the plug here, and disks take their time.
        patch.setattr("os.fsync", lambda _: None)
        yield Store(tmp_path_factory.mktemp("changed") / "store")


def _flipped(content, position):
    changed = bytearray(content)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


def test_no_flipped_bit_changes_a_number_without_a_word(store):
    rng = np.random.default_rng(0)
    folders = [[path for path in store.files if one in path.parts] for one in FOLDERS]
    for trial in range(FLIPS):
        files = folders[trial % len(folders)]
        path = files[rng.integers(len(files))]
        content = _flipped(store.files[path], int(rng.integers(8 * len(store.files[path]))))
        assert store.look({path: content}, count="evidence" in path.parts), path


def test_no_swapped_files_change_a_number_without_a_word(store):
    rng = np.random.default_rng(1)
    files = list(store.files)
    chunks = [path for path in files if path.parent.parent.name == "c"]
    for trial in range(SWAPS):
        among = chunks if trial % 2 else files
        a, b = (among[one] for one in rng.choice(len(among), 2, replace=False))
        changed = {a: store.files[b], b: store.files[a]}
        assert store.look(changed, count=bool(trial % 4)), (a, b)


@pytest.fixture
def heard():
    with listening() as found:
        yield found


@pytest.fixture
def library(tmp_path):
    library = Library(tmp_path / "store", tmp_path / "none")
    synthetic_study(library, SPEC)
    return library


def _acr(library):
    study = library.open(SPEC.id)
    analysis = Analysis(kept_tally.open_tally(study, library.root), Settings.of(study.record.spec))
    return analysis.summary("prune:0.1").acr.value


def test_a_changed_number_in_a_manifest_is_never_shown(library):
    path = library.study_path(SPEC.id)
    text = path.read_text()
    places = [at for at, one in enumerate(text) if one.isdigit()]
    rng = np.random.default_rng(2)
    for place in rng.choice(places, 50, replace=False):
        digit = chr(ord(text[place]) ^ (1 << int(rng.integers(3))))
        path.write_text(text[:place] + digit + text[place + 1 :])
        with pytest.raises(StoreError, match=r"cannot be opened: .*; \./irs verify"):
            library.open(SPEC.id)
        assert [one.name for one in library.damaged()] == [SPEC.id]


@pytest.mark.parametrize("resealed", [False, True])
def test_ten_times_the_noise_is_not_shown(library, resealed):
    path = library.study_path(SPEC.id)
    described = json.loads(path.read_text())
    described["spec"]["noise"]["sigma"] = 5.0
    del described["sha256"]
    if resealed:
        described["sha256"] = content_digest(described)
    path.write_text(json.dumps(described))
    with pytest.raises(StoreError, match="whose name the file does not bear"):
        library.open(SPEC.id)


def test_counts_where_every_draw_is_a_hit_are_counted_again(library, heard):
    expected = _acr(library)
    (path,) = (library.root / "tallies").iterdir()
    study = library.open(SPEC.id)
    tally = tally_study(study)
    perfect = replace(tally, base=replace(tally.base, hits=np.full_like(tally.base.hits, SPEC.n)))
    kept_tally.keep_tally(library.root / "tallies" / "other.tally", perfect)
    (library.root / "tallies" / "other.tally").replace(path)
    assert _acr(library) == expected
    assert "counted again" in heard.text


def _copy_chunk(library):
    """One classifier's answers in place of another's."""
    record = library.open(SPEC.id).record
    ids = [model.evidence["estimate"] for model in record.compressed]
    source, target = (library.evidence_folder / one / "c" / "0" / "0" for one in ids)
    target.write_bytes(source.read_bytes())


def test_another_classifiers_chunk_counts_as_not_computed(library, heard):
    _copy_chunk(library)
    analysis = Analysis(tally_study(library.open(SPEC.id)), Settings.of(SPEC))
    assert analysis.has("fp16", "irs")
    assert not analysis.has("prune:0.1", "irs")
    assert "not vouched for by its journal" in heard.text


def test_another_classifiers_chunk_in_an_old_store_is_refused(library):
    without_digests(library.root)
    before = tally_study(library.open(SPEC.id))
    assert len(before.compressed) == 2
    _copy_chunk(library)
    with pytest.raises(StoreError, match=r"prune:0.1 on estimate draws .* does not match the dig"):
        kept_tally.open_tally(library.open(SPEC.id), library.root)


def test_counts_with_gaps_are_not_kept(library):
    record = library.open(SPEC.id).record
    chunk = library.evidence_folder / record.compressed[0].evidence["estimate"] / "c" / "0" / "0"
    content = chunk.read_bytes()
    chunk.unlink()
    study = library.open(SPEC.id)
    kept_tally.open_tally(study, library.root)
    assert not (library.root / "tallies").exists()
    chunk.write_bytes(content)
    kept_tally.open_tally(study, library.root)
    assert len(list((library.root / "tallies").iterdir())) == 1
