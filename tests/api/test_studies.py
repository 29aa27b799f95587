"""Studies in a notebook: opened, run, looked at, shown in a cell."""

from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.api import Result, certify, load, open_study
from irs_core.api.models import Model
from irs_core.errors import InvalidSampleError, SpecError, StoreError, UnknownKeyError
from irs_core.metrics import average_certified_radius, certified_accuracy
from irs_core.stats import binomial_lower_bound, binomial_upper_bound
from irs_core.store import Library

HOSTILE = "<script>alert('x')</script> & \"quoted\""


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> Result:
    folder = tmp_path_factory.mktemp("store")
    record = synthetic_study(Library(folder), synthetic_spec(name=HOSTILE))
    return open_study(record.id[:7], store=folder)


def test_a_study_is_opened_by_its_first_digits_wherever_it_lies(result, tmp_path):
    assert result.record.finished
    shipped = open_study("f6529b", store=tmp_path)
    assert shipped.study.origin == "shipped"
    assert "int8" in shipped.names
    with pytest.raises(StoreError, match="no study"):
        open_study("000000", store=tmp_path)


def test_acr_is_rounded_outward(result):
    labels = result.analysis.labels
    for name in ("base", "fp16"):
        exact = average_certified_radius(result.certificates(name), labels)
        shown = result.acr[name]
        assert exact - 1e-4 < shown.value <= exact
        assert shown.low <= shown.value <= shown.high
        assert shown.value == round(shown.value, 4)


def test_certified_accuracy_has_an_exact_interval(result):
    labels, made = result.analysis.labels, result.certificates("fp16")
    share = float(certified_accuracy(made, labels, 0.2))
    count = round(share * len(labels))
    shown = result.certified_accuracy(0.2)["fp16"]
    assert shown.value == pytest.approx(share, abs=1e-9)
    low = float(binomial_lower_bound(count, len(labels), 0.025))
    high = float(binomial_upper_bound(count, len(labels), 0.025))
    assert low - 1e-4 < shown.low <= low
    assert high <= shown.high < high + 1e-4
    with pytest.raises(InvalidSampleError, match="got -1"):
        result.certified_accuracy(-1)


def test_an_unknown_model_is_named(result):
    with pytest.raises(UnknownKeyError, match="no model 'int8'; it has base, fp16"):
        result.certificates("int8")


def test_frames_are_the_tables_of_reports(result):
    assert result.to_frame()["model"].iloc[0] == "original (fp32)"
    assert set(result.to_frame(table="zeta")["n_p"]) == {100, 200, 300}


def test_what_a_cell_shows_is_escaped_and_has_no_script(result):
    html = result._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "failure probability per input" in html.lower()
    decision = open_study("f6529b")
    model = Model(
        replace(decision.record.spec.model, weights=HOSTILE), result.record.spec.data, "d"
    )
    assert "<script" not in model._repr_html_()
    assert "&lt;script&gt;" in model._repr_html_()


def test_what_others_reported_says_so(result):
    imported = replace(result, study=replace(result.study, origin="imported"))
    assert "Reported by others" in imported._repr_html_()
    assert "Reported by others" in imported.card()


def test_texts_are_short(result):
    assert len(repr(result)) < 200
    assert repr(result).endswith(f"base, fp16, prune:0.1; study {result.id})")


@pytest.fixture(scope="module")
def model() -> Model:
    return load("shipped:digits-0.50", max=2)


def test_budgets_are_numbers_or_percent_and_lists_will_do(model, tmp_path):
    made = certify(
        model,
        ["fp16"],
        sigma=0.5,
        n=200,
        n0=20,
        n_p=["50%", 20, "5%"],
        methods=["irs", "cirs"],
        store=tmp_path,
    )
    assert made.record.spec.n_p == (10, 20, 100)
    assert made.record.spec.methods == ("irs", "cirs")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_p": ["x%"]}, "percentage of n; got 'x%'"),
        ({"methods": ["nonsense"]}, "methods must be some of"),
        ({"methods": ["seq"]}, "needs one radius"),
    ],
)
def test_other_settings_are_refused(model, tmp_path, changes, said):
    with pytest.raises(SpecError, match=said):
        certify(model, ["fp16"], sigma=0.5, n=200, store=tmp_path, **changes)


def test_a_model_says_what_it_costs(model):
    base, small = model.cost(["fp16"])
    assert small.cost.size.packed_bytes < base.cost.size.packed_bytes
    assert small.cost.size.emulated
