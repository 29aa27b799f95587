"""`decide` and `gate` about models of several studies."""

import json
from xml.etree import ElementTree

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.cli.main import main
from irs_core.spec.study import DataSpec, NoiseSpec
from irs_core.store import Library

ASKED = ["--radius", "0.1", "--tolerance", "0.1", "--max-loss", "20%", "--confidence", "0.9"]


@pytest.fixture
def made(tmp_path):
    library = Library(tmp_path)
    spec = synthetic_spec(data=DataSpec(max=40))
    studies = [
        synthetic_study(library, synthetic_spec(data=DataSpec(max=40), compressions=(one,)))
        for one in spec.compressions
    ]
    # The original's draws are the same in both.
    assert studies[0].base.evidence == studies[1].base.evidence
    return library, [one.id for one in studies], ["--store", str(tmp_path)]


def test_models_of_two_studies_are_one_family(made, capsys):
    _, ids, store = made
    assert main(["decide", *ids, *ASKED, *store]) == 0
    out = capsys.readouterr().out
    assert f"{ids[0][:6]}:fp16: " in out
    assert f"{ids[1][:6]}:prune:0.1: " in out
    assert "All 2 verdicts are right together with 80%" in out
    assert "At 90% for all candidates at once (Holm's procedure)" in out
    assert out.count("The confidence is that of one question") == 1
    assert main(["decide", *ids, *ASKED, "--json", *store]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["study"] for one in found["studies"]] == ids
    assert set(found["decisions"]) == {f"{ids[0][:6]}:fp16", f"{ids[1][:6]}:prune:0.1"}
    assert found["together"]["candidates"] == 2
    assert found["together"]["stated"] == pytest.approx(0.2)


def test_a_gate_on_a_family_has_the_verdict_of_all(made, tmp_path, capsys):
    _, ids, store = made
    files = ["--junit", str(tmp_path / "gate.xml"), "--summary", str(tmp_path / "s.md")]
    code = main(["gate", *ids, "--model", "prune:0.1", *ASKED, *files, *store])
    out = capsys.readouterr().out
    joint = f"one of those of all 2 compressed models of the studies {ids[0][:6]}, {ids[1][:6]}"
    assert joint in out
    assert joint in ElementTree.parse(tmp_path / "gate.xml").getroot().find("system-out").text
    assert joint in (tmp_path / "s.md").read_text()
    assert "for all 2 candidates together" in out
    assert main(["gate", *ids, "--model", "prune:0.1", *ASKED, "--json", *store]) == code
    found = json.loads(capsys.readouterr().out)
    (decision,) = found["decisions"].values()
    assert (decision["candidates"], found["conditions"][0][:11]) == (2, "The verdict")
    # A single study is judged as before: the model for itself.
    main(["gate", ids[1], "--model", "prune:0.1", *ASKED, "--json", *store])
    (alone,) = json.loads(capsys.readouterr().out)["decisions"].values()
    assert alone["candidates"] == 1
    assert alone["loss"]["upper"] < decision["loss"]["upper"]


def test_what_does_not_fit_is_refused(made, capsys):
    library, ids, store = made
    other = synthetic_study(
        library, synthetic_spec(data=DataSpec(max=40), noise=NoiseSpec(0.5, seed=9))
    )
    for words in (
        ["decide", ids[0], other.id],
        ["gate", ids[0], other.id, "--model", "fp16"],
    ):
        assert main([*words, *ASKED, *store]) == 2
        assert "they draw other noise (seed 7 against 9)" in capsys.readouterr().err
    assert main(["decide", *ids, "--replay", *store]) == 2
    assert "are about one study; got 2" in capsys.readouterr().err
    assert main(["gate", *ids, "--model", "fp16", "--run", *store]) == 2
    assert "draw for one study; got 2" in capsys.readouterr().err
    assert main(["gate", *ids, "--model", "nonsense", *ASKED, *store]) == 2
    assert main(["decide", ids[0], ids[0], *store]) == 2
    assert "each study is named once" in capsys.readouterr().err
