"""Decisions in a notebook: from what is stored, and with what is drawn for them."""

from dataclasses import replace

import pytest
import torch

from irs_core.api import certify, decide, load, open_study
from irs_core.errors import CheckpointError, SpecError
from irs_core.models import build


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    model = load("shipped:digits-0.50", max=8)
    return certify(model, ["fp16"], sigma=0.5, n=1000, n0=50, n_p=["2%"], store=folder)


def test_what_is_missing_is_drawn(result):
    asked = {"radius": 0.1, "tolerance": 0.05, "max_loss": 0.5, "confidence": 0.8}
    assert decide(result, "fp16", **asked).verdict == "undecided"
    made = decide(result, "fp16", run=True, **asked)
    assert made.verdict == "holds"
    studies = [one.record for one in result.library.studies() if one.origin == "live"]
    drawn = next(one for one in studies if one.spec.methods == ("seq",))
    assert drawn.spec.radii == (0.1,)
    # The original's draws are used again.
    assert drawn.base.evidence == result.record.base.evidence


def test_a_model_that_the_study_does_not_have_can_be_drawn(result):
    made = decide(result, "bf16", run=True, draws=100, radius=0.1, tolerance=0.05, max_loss=0.5)
    assert made.model == "bf16 weights"


def test_another_network_at_the_path_is_not_drawn_for_the_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        torch.save(build("digits_resnet", 10, 1, seed=seed).state_dict(), "net.pt")
        if seed == 0:
            model = load("net.pt", arch="digits_resnet", max=4)
            made = certify(model, ["fp16"], sigma=0.5, n=50, n0=10, n_p=[20], store=tmp_path / "s")
    with pytest.raises(CheckpointError, match=made.record.base.digest[:16]):
        decide(made, "fp16", run=True, radius=0.1, max_loss=0.5)


def test_limits_of_a_run_need_a_run(result):
    with pytest.raises(SpecError, match="run=True"):
        decide(result, "fp16", seconds=1)
    with pytest.raises(SpecError, match="draws must be positive"):
        decide(result, "fp16", run=True, draws=-1)


def test_a_decision_in_a_cell_is_escaped_and_has_no_script():
    one = decide(open_study("f6529b"), "int8", radius=0.5, tolerance=0.05)
    html = replace(one, model="<script>x</script>")._repr_html_()
    assert "<strong" in html
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "Required: withstands at least 0.45" in html
