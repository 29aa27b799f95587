"""Published numbers beside those of a synthetic study that stands in for a real one."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from synthetic import synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tally import tally_study
from irs_core.cli.main import main
from irs_core.errors import SpecError
from irs_core.papers import PARTS, TABLES, find_part, find_table, measure_table, parts_of
from irs_core.papers.compute import compute_study
from irs_core.papers.published import published_values
from irs_core.papers.reproduction import GAMMAS, choose_gamma
from irs_core.spec.compression_kinds import parse_compression
from irs_core.spec.settings import Settings
from irs_core.spec.study import DataSpec, ModelSpec, NoiseSpec, StudySpec
from irs_core.store import BASE, Library

PART = next(part for part in PARTS if part.key == "cifar10-resnet20-0.50")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    root = tmp_path_factory.mktemp("papers")
    library = Library(root / "store", root / "none")
    spec = PART.spec(DataSpec("image-folder", root="images"))
    synthetic_study(library, replace(spec, compressions=tuple(map(parse_compression, KEPT))))
    return library


KEPT = ("fp16", "int8", "prune:0.2")


@pytest.fixture(scope="module")
def analysis(library):
    study = find_part(library.studies(), PART)
    return Analysis(tally_study(study), Settings.of(study.record.spec))


def _measured(rows, sigma="0.5"):
    return {
        (row.published.row["architecture"], row.published.row.get("approximation")): row
        for row in rows
        if row.published.row["sigma"] == sigma
    }


def test_every_table_can_be_read():
    sizes = {table.key: len(published_values(table)) for table in TABLES}
    assert sizes == {
        "1": 4,
        "2": 27,
        "3": 27,
        "4": 18,
        "5": 63,
        "6": 63,
        "7": 27,
        "8": 54,
        "9": 9,
        "intrs-2": 72,
        "intrs-4": 56,
        "intrs-5": 56,
    }


def test_some_numbers_as_printed():
    ours = {tuple(one.row.values()): one for one in published_values(find_table("2"))}
    one = ours["cifar10", "resnet20", "1.0", "int8"]
    assert (one.value, one.digit) == (2.65, pytest.approx(0.01))
    assert ours["cifar10", "resnet20", "0.25", "int8"].digit == pytest.approx(0.1)


def test_an_unknown_table_is_refused():
    with pytest.raises(SpecError, match=r"1, 2, 3, 4, 5, 6, 7, 8, 9, intrs-2, .*; got '10'"):
        find_table("10")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.key)
def test_parts_describe_valid_studies_on_evenly_spread_images(part):
    spec = part.spec(DataSpec("cifar10", root="images"))
    assert isinstance(spec, StudySpec)
    assert spec.data.stride * part.images == 10_000
    assert (spec.data.max, spec.data.holdout) == (part.images, part.held_out)
    # A threshold needs images of its own; IntRS has none.
    assert part.held_out or "int8" not in part.compressions or "intrs-4" in part.tables
    assert (spec.alpha, spec.alpha_zeta) == (0.001, 0.001)


def test_zeta_is_that_of_the_analysis(library, analysis):
    rows = _measured(measure_table(find_table("8"), library.studies()))
    for name, text in (("fp16", "fp16"), ("prune20", "prune:0.2")):
        row = rows["resnet20", name]
        assert row.measured == analysis.zeta(text, 9).mean_zeta
        assert row.measured.low < row.measured.value < row.measured.high


def test_speedup_is_that_of_the_analysis(library, analysis):
    row = _measured(measure_table(find_table("2"), library.studies()))["resnet20", "fp16"]
    assert row.measured == analysis.compare("fp16").speedup("irs", "seconds")
    assert row.measured.low < row.measured.value < row.measured.high


def test_accuracy_counts_votes(library):
    study = find_part(library.studies(), PART)
    stored = study.evidence(study.record.base.evidence["estimate"]).read(PART.n)
    votes = np.array([np.bincount(row, minlength=10).argmax() for row in stored])
    reported = np.asarray(study.record.data.reported)
    right = (votes == np.asarray(study.record.data.labels))[reported]
    row = _measured(measure_table(find_table("6"), library.studies()))["resnet20", "original"]
    assert row.measured.value == pytest.approx(100 * right.mean())


def test_gamma_is_measured_on_held_out_images(library, analysis):
    rows = measure_table(find_table("4"), library.studies())
    row = next(row for row in rows if row.measured and row.published.row["gamma"] == "0.975")
    held_out = Analysis(analysis.tally, replace(analysis.settings, gamma=0.975), held_out=True)
    same = astuple(held_out.point("int8", "irs", 9).acr)
    assert astuple(row.measured) == pytest.approx(same)
    assert row.measured != analysis.point("int8", "irs", 9).acr


def test_share_above_gamma(library, analysis):
    row = _measured(measure_table(find_table("9"), library.studies()))["resnet20", None]
    assert row.measured.value == (analysis.cache.p_lower > 0.99).mean()


def test_a_difference_beyond_the_interval_has_a_reason_and_agreement_has_none(library):
    rows = [
        row
        for table in TABLES
        for row in measure_table(table, library.studies())
        if row.measured is not None and not np.isnan(row.measured.low)
    ]
    assert {row.agrees for row in rows} == {True, False}
    for row in rows:
        inside = (
            row.measured.low - row.published.digit
            <= row.published.value
            <= row.measured.high + row.published.digit
        )
        assert bool(row.note) != inside


def test_what_is_not_measured_says_why(library):
    rows = measure_table(find_table("2"), library.studies())
    notes = {
        (row.published.row["architecture"], row.published.row["sigma"]): row.note
        for row in rows
        if row.measured is None
    }
    assert "ImageNet" in notes["resnet50", "0.5"]
    assert notes["resnet110", "0.5"] == "No resnet110 at sigma 0.5 was trained for this."
    assert notes["resnet20", "0.25"] == "The study cifar10-resnet20-0.25 is not in the store."
    assert notes["resnet20", "0.5"] == "This compression is not in the study."


@pytest.mark.parametrize(
    "change",
    [{"n": 299}, {"n_p": (3, 5)}, {"noise": NoiseSpec(0.25)}],
)
def test_another_study_does_not_stand_in(tmp_path, change):
    spec = PART.spec(DataSpec("image-folder", root="images"))
    small = {"compressions": (), "n": 300, "n_p": (100,)}
    part = replace(PART, n=300, percent=(1, 2))
    library = Library(tmp_path, tmp_path / "none")
    synthetic_study(library, replace(spec, **(small | {"n_p": part.n_p} | change)))
    assert find_part(library.studies(), part) is None
    synthetic_study(library, replace(spec, **(small | {"n_p": part.n_p})))
    assert find_part(library.studies(), part) is not None


def test_of_several_studies_the_one_on_most_images_serves(tmp_path):
    part = replace(PART, n=300, percent=(1, 2))
    library = Library(tmp_path, tmp_path / "none")
    for images in (30, 60, 40):
        spec = part.spec(DataSpec("image-folder", root="images"), images=images)
        assert spec.data.stride == 10_000 // images
        synthetic_study(library, replace(spec, compressions=()))
    assert sum(find_part(library.studies(), part).record.data.reported) == 60


@pytest.mark.parametrize("images", [0, 501])
def test_more_images_than_the_paper_are_refused(images):
    with pytest.raises(SpecError, match=f"takes 1 to 500 images; got {images}"):
        PART.spec(DataSpec("cifar10", root="images"), images=images)


def test_gamma_is_the_best_on_held_out_images(library, analysis):
    study = find_part(library.studies(), PART)
    held_out = Analysis(analysis.tally, analysis.settings, held_out=True)
    curve = [
        Analysis(analysis.tally, replace(analysis.settings, gamma=gamma), held_out=True)
        .point("int8", "irs", 9)
        .acr.value
        for gamma in GAMMAS
    ]
    assert choose_gamma(study) == GAMMAS[int(np.argmax(curve))]
    assert len(held_out.labels) == 100


def test_a_study_is_computed_and_gets_its_gamma(tmp_path):
    spec = StudySpec(
        model=ModelSpec("shipped:digits-0.50"),
        data=DataSpec(max=30, holdout=30),
        noise=NoiseSpec(0.5),
        compressions=(parse_compression("int8"),),
        n0=20,
        n=300,
        n_p=(30, 60),
        gamma=0.6,
    )
    library = Library(tmp_path, tmp_path / "none")
    record = compute_study(spec, library)
    assert record.finished
    assert record.spec.gamma in GAMMAS
    assert [study.record.id for study in library.studies()] == [record.id]
    seen = []
    assert compute_study(spec, library, on_progress=seen.append) == record
    assert seen == []


def test_the_command_prints_both(library, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path))
    assert main(["reproduce", "--table", "8", "--store", str(library.root)]) == 0
    out = capsys.readouterr().out
    assert "IRS, table 8: Mean ζ" in out
    assert "ICLR 2024" in out
    assert "is not in the store" in out


def test_parts_of_a_table():
    assert [part.sigma for part in parts_of(find_table("7"))] == [0.25, 0.5, 1.0, 1.0]
    assert BASE not in PART.compressions
