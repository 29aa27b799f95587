"""Model cards: metadata that YAML reads, numbers rounded outward, digests, text as text."""

from dataclasses import replace

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.api import open_study
from irs_core.cli.main import main
from irs_core.decide import Flag
from irs_core.report.model_card import model_card
from irs_core.store import Library
from irs_core.store.manifests import record_digest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
HOSTILE = 'a: "b"\n---\n<script>x</script> [click](javascript:x) | `c`'


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    return open_study(synthetic_study(Library(folder), synthetic_spec()).id, store=folder)


def metadata(card: str) -> dict:
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))


def test_the_metadata_is_a_model_index(result):
    models = metadata(result.card())["model-index"]
    assert [one["name"] for one in models] == ["original (fp32)", "fp16 weights", "prune 10%"]
    (found,) = models[1]["results"]
    assert found["task"] == {"type": "image-classification"}
    kinds = [one["type"] for one in found["metrics"]]
    assert kinds == ["average_certified_radius", *["certified_accuracy"] * 3]
    assert found["metrics"][0]["value"] == result.acr["fp16"].value
    assert found["metrics"][2]["name"] == "CA(0.5), sigma 0.5"
    assert found["metrics"][2]["value"] == result.certified_accuracy(0.5)["fp16"].value


def test_the_table_has_intervals_conditions_and_digests(result):
    card = result.card()
    one = result.certified_accuracy(0.25)["fp16"]
    assert f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})" in card
    assert "sigma 0.5, seed 7" in card
    assert "not the cost of compression" in card
    assert record_digest(result.record) in card
    assert all(model.digest in card for model in result.record.models)
    assert f"irs verify {result.id}" in card
    assert "one pass in the study's batches, noise included" in card


def test_warnings_and_banners_are_said(result):
    flag = Flag("few-inputs", "Only a few.", "docs/flags.md#few-inputs")
    card = model_card(
        result.record, result.analysis, ledger=result.ledger, flags=[flag], banner="By others."
    )
    assert "- few-inputs: Only a few." in card
    assert "**By others.**" in card


def test_foreign_text_breaks_out_of_nothing(result):
    data = replace(result.record.data, description=HOSTILE)
    models = (
        result.record.base,
        *(replace(one, title=HOSTILE) for one in result.record.compressed),
    )
    record = replace(result.record, data=data, models=models)
    card = model_card(record, result.analysis, ledger=result.ledger)
    names = [one["name"] for one in metadata(card)["model-index"]]
    assert names[1] == HOSTILE.replace("\n", " ")
    body = card.split("\n---\n", 1)[1]
    assert "<script>" not in body.replace("\\<script\\>", "")
    assert "[click]" not in body.replace("\\[click\\]", "")
    rows = [line for line in body.splitlines() if line.startswith("| a: ")]
    assert {line.replace("\\|", "").count("|") for line in rows[:2]} == {8}


def test_the_command_writes_a_card(tmp_path):
    target = tmp_path / "card.md"
    assert (
        main(["report", "f6529b", str(target), "--format", "card", "--store", str(tmp_path)]) == 0
    )
    assert target.read_text() == open_study("f6529b", store=tmp_path).card()
