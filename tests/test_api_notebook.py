"""What a notebook shows and opens: short, escaped, rounded outward."""

from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core import api
from irs_core.errors import SpecError, StoreError
from irs_core.store import Library


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    spec = replace(synthetic_spec(), name="<b>bold</b> study")
    return folder, synthetic_study(Library(folder), spec)


def test_a_study_is_opened_by_the_beginning_of_its_id(made):
    folder, record = made
    result = api.open_study(record.id[:6], store=folder)
    assert result.id == record.id
    assert repr(result).startswith(f"<Result {record.id[:6]} ")
    assert len(repr(result)) < 200
    with pytest.raises(StoreError):
        api.open_study("no such", store=folder)


def test_numbers_are_those_of_the_tables(made):
    folder, record = made
    result = api.open_study(record.id, store=folder)
    table = result.to_frame().set_index("model")
    assert result.acr["base"] == pytest.approx(table.loc["original (fp32)", "ACR"])
    assert set(result.acr) == {"base", "fp16", "prune:0.1"}
    share = result.certified_accuracy(0.25)
    radii = result.certificates().radius
    right = result.certificates().predicted == result.analysis.labels
    assert share.value == pytest.approx((right & (radii > 0.25)).mean())
    assert share.low < share.value < share.high
    assert result.certified_accuracy(0.25, "fp16").value <= share.value


def test_what_a_notebook_shows_runs_and_fetches_nothing(made):
    folder, record = made
    shown = api.open_study(record.id, store=folder)._repr_html_()
    assert "&lt;b&gt;bold&lt;/b&gt; study" in shown
    assert "<b>" not in shown
    assert "<script" not in shown
    assert "http" not in shown
    assert "40 inputs are few" in shown


def test_a_waterfall_in_a_notebook(made):
    folder, record = made
    figure = api.plot(api.open_study(record.id, store=folder), "waterfall")
    assert figure.data


@pytest.fixture(scope="module")
def model():
    return api.load("shipped:digits-0.50", data="digits", max=25)


def test_budgets_in_percent_and_lists_for_tuples(tmp_path, model):
    assert repr(model).startswith("<Model shipped:digits-0.50 (")
    result = api.certify(
        model,
        ["fp16"],
        sigma=0.5,
        n=400,
        n0=20,
        n_p=["5%", 40],
        methods=["seq"],
        radii=[0.3],
        baseline=False,
        store=tmp_path,
    )
    assert result.record.spec.n_p == (20, 40)
    assert result.record.spec.methods == ("seq",)
    with pytest.raises(SpecError, match="percentage"):
        api.certify(model, sigma=0.5, n_p=["five"], store=tmp_path)


def test_a_decision_draws_what_is_missing(tmp_path, model):
    result = api.certify(model, [], sigma=0.5, n=700, n0=20, store=tmp_path)
    limits = {"radius": 0.3, "tolerance": 0.1, "max_loss": 0.3, "confidence": 0.9}
    found = api.decide(result, "fp16", run=True, **limits)
    assert found.verdict == "holds"
    ids = {one.record.id for one in Library(tmp_path).studies() if one.origin == "live"}
    assert len(ids) == 2
