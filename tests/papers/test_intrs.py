import csv
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from synthetic import synthetic_study

from irs_core.cli.main import main
from irs_core.errors import SpecError
from irs_core.papers import PARTS, find_table, measure_table
from irs_core.papers.intrs import (
    certify_from_scratch,
    compare_methods,
    published_shares,
)
from irs_core.papers.measured import _certified_reason
from irs_core.spec.study import DataSpec
from irs_core.stats import binomial_lower_bound, certified_radius
from irs_core.store import BASE, Library

WORDS = ["--max", "8", "--holdout", "4", "--sigma", "0.5", "--n0", "20", "--n", "300"]
RADII = ("0.1", "0.5")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store with a float and an integer study of the same digits, and what was printed."""
    folder = tmp_path_factory.mktemp("intrs")
    model, net = "shipped:digits-0.50", str(folder / "net.safetensors")
    assert main(["integer", "--model", model, "--max", "1", "--out", net]) == 0
    named = ["--model", model, "--integer", net, "--store", str(folder / "store")]
    assert main(["intrs", *named, *WORDS, "--radii", *RADII]) == 0
    studies = {
        study.record.spec.noise.kind: study
        for study in Library(folder / "store").studies()
        if not study.shipped
    }
    return folder / "store", studies["gaussian"], studies["rounded"]


def test_all_three_methods_on_equal_terms(stored):
    _, floating, integer = stored
    rows = compare_methods(floating, integer, alpha=0.001, radii=(0.1, 0.5))
    assert [row.method for row in rows[::2]] == ["FloatRS-fp", "IntRS-quant", "FloatRS-quant"]
    assert {(row.n, row.images) for row in rows} == {(300, 8)}
    assert all(row.rate > 0 for row in rows)
    for narrow, wide in zip(rows[::2], rows[1::2], strict=True):
        assert narrow.measured.value >= wide.measured.value


def test_certificates_are_those_of_a_literal_count(stored):
    _, _, integer = stored
    record = integer.record
    found = certify_from_scratch(integer, BASE, n=300, alpha=0.001)
    arrays = [integer.evidence(record.base.evidence[name]) for name in ("select", "estimate")]
    rows = [row for row, kept in enumerate(record.data.reported) if kept]
    for place, row in enumerate(rows):
        select, estimate = (a.read(d)[row].tolist() for a, d in zip(arrays, (20, 300), strict=True))
        winner = max(range(10), key=select.count)
        bound = float(binomial_lower_bound(estimate.count(winner), 300, 0.001))
        assert found.candidate[place] == winner
        assert np.isclose(found.radius[place], certified_radius(bound, 0.5))


def test_stored_studies_are_compared_again_without_running(stored, capsys):
    store, floating, integer = stored
    ids = ["--float-study", floating.record.id, "--integer-study", integer.record.id]
    assert main(["intrs", *ids, "--store", str(store)]) == 0
    printed = capsys.readouterr().out
    assert "IntRS-quant" in printed
    assert "0.39" in printed


def test_studies_must_be_a_pair(stored):
    _, floating, integer = stored
    with pytest.raises(SpecError, match="integer noise"):
        compare_methods(integer, floating, alpha=0.001)


def test_the_command_needs_models_or_studies(tmp_path, capsys):
    assert main(["intrs", "--store", str(tmp_path)]) == 2
    assert "--float-study" in capsys.readouterr().err


def test_published_numbers_agree_with_the_other_copy():
    """The whole tables, and the part of table 2 that was copied on its own."""
    text = (files("irs_core.papers") / "data" / "intrs_table2_cifar10.csv").read_text()
    for row in csv.DictReader(text.splitlines()):
        sigma = float(row["sigma"])
        shares = published_shares(sigma, train_sigma=sigma)
        value = shares[row["method"], float(row["radius"])]
        assert value == float(row["certified_accuracy"])


def test_tables_4_and_5_vary_the_noise_of_certification():
    shares = published_shares(0.5, train_sigma=0.25)
    assert shares["IntRS-quant", 0.25] == 0.31
    assert shares["FloatRS-fp", 0.25] == 0.19
    assert published_shares(0.3, train_sigma=0.3) == {}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A store with stand-ins for the studies of table 5 at sigma 0.5, and those studies."""
    root = tmp_path_factory.mktemp("table5")
    library = Library(root / "store", root / "none")
    studies = []
    for key in ("cifar10-resnet20-0.25-at-0.50", "cifar10-resnet20-0.25-at-0.50-integer"):
        part = next(part for part in PARTS if part.key == key)
        spec = part.spec(DataSpec("image-folder", root="images"), images=40)
        execution = "integer int8" if part.integer else "synthetic"
        record = synthetic_study(library, spec, seed=len(studies), execution=execution)
        studies.append(library.open(record.id))
    return library, *studies


def _table_5(library):
    return {
        (one["method"], one["sigma"], one["radius"]): row
        for row in measure_table(find_table("intrs-5"), library.studies())
        for one in [row.published.row]
    }


def test_table_5_takes_each_method_from_its_study(pair):
    library, floating, integer = pair
    shares = compare_methods(floating, integer, alpha=0.001, radii=(0.25,))
    rows = _table_5(library)
    for share in shares:
        row = rows[share.method, "0.5", "0.25"]
        assert (row.measured, row.study) == (share.measured, share.study)
        assert (row.images, row.rate) == (40, share.rate)
    assert rows["FloatRS-fp", "0.5", "0.25"].published.value == 0.19
    assert "-at-1.00-integer" in rows["FloatRS-fp", "1.0", "0.25"].note


def test_studies_of_other_images_are_no_pair(pair, tmp_path):
    library, floating, integer = pair
    other = Library(tmp_path, tmp_path / "none")
    other.save(floating.record)
    data = replace(integer.record.data, digest="e" * 64)
    other.save(replace(integer.record, data=data))
    assert _table_5(library)["IntRS-quant", "0.5", "0.5"].measured is not None
    assert _table_5(other)["IntRS-quant", "0.5", "0.5"].measured is None


def test_table_4_names_the_studies_that_it_lacks(pair):
    rows = measure_table(find_table("intrs-4"), pair[0].studies())
    notes = {row.published.row["sigma"]: row.note for row in rows}
    assert "cifar10-resnet20-0.12 and cifar10-resnet20-0.12-integer" in notes["0.12"]
    assert "-0.12-at-1.00 and cifar10-resnet20-0.12-at-1.00-integer" in notes["1.0"]


def test_a_difference_names_draws_before_training(pair):
    _, floating, integer = pair
    shares = compare_methods(floating, integer, alpha=0.001, radii=(1.2, 1.25))
    near, far = (share for share in shares if share.method == "FloatRS-fp")
    # 1,000 draws that all agree certify 2.463 sigma.
    assert "no radius above 2.46 σ" in _certified_reason(far, 0.5)
    assert "trained anew" in _certified_reason(near, 0.5)
    assert "does not say" in _certified_reason(replace(near, method="FloatRS-quant"), 0.5)
