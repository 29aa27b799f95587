import html
import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetic import synthetic_study

from irs_core import metrics
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.decisions import preset_requirement, study_decision
from irs_core.analysis.tally import tally_study
from irs_core.errors import UnknownKeyError
from irs_core.report import FORMATS, TABLES, html_report, study_table, table_bytes, write_report
from irs_core.spec.settings import Settings
from irs_core.store import BASE, Library


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return Library(tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="module")
def record(library):
    return synthetic_study(library)


@pytest.fixture(scope="module")
def analysis(library, record):
    return Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))


def read_back(content, kind):
    source = io.BytesIO(content)
    return pd.read_csv(source) if kind == "csv" else pd.read_parquet(source)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", list(TABLES))
def test_every_table_survives_a_file_with_every_digit(record, analysis, name, kind):
    frame = study_table(record, analysis, name)
    pd.testing.assert_frame_equal(read_back(table_bytes(frame, kind), kind), frame, rtol=0)


def test_the_table_of_inputs_gives_the_acr_of_the_summary(record, analysis):
    inputs = study_table(record, analysis, "inputs")
    counted = inputs.radius.where(inputs.predicted == inputs.label, 0.0)
    found = counted.groupby(inputs.model).mean()
    summary = study_table(record, analysis, "summary").set_index("model")["ACR"]
    assert found.to_dict() == pytest.approx(summary.to_dict())


def test_certified_accuracy_falls_from_the_smoothed_accuracy(record, analysis):
    table = study_table(record, analysis, "accuracy")
    title = record.base.title
    assert table.radius[0] == 0
    assert table[title][0] == metrics.certified_accuracy(analysis.base, analysis.labels, 0.0)
    assert (np.diff(table[title]) <= 0).all()


def test_an_unknown_table_or_format_lists_the_known(record, analysis):
    with pytest.raises(UnknownKeyError, match="summary, curves"):
        study_table(record, analysis, "none")
    with pytest.raises(UnknownKeyError, match="csv, parquet, md, tex"):
        table_bytes(pd.DataFrame(), "xls")


def test_markdown_is_a_table_of_equal_rows():
    frame = pd.DataFrame({"a|b": ["x|y", "line\nbreak"], "n": [1.0, float("nan")]})
    lines = table_bytes(frame, "md").decode().splitlines()
    assert lines == [
        r"| a\|b | n |",
        "| --- | ---: |",
        r"| x\|y | 1.0000 |",
        "| line break | - |",
    ]


def test_latex_escapes_what_latex_would_obey():
    frame = pd.DataFrame({"50%_x": [r"\input{secret} & ~^$#"], "n": [2]})
    assert table_bytes(frame, "tex").decode().splitlines() == [
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"50\%\_x & n \\",
        r"\midrule",
        r"\textbackslash{}input\{secret\} \& \textasciitilde{}\textasciicircum{}\$\# & 2 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_the_report_needs_no_network(record, analysis):
    text = html_report(record, analysis)
    assert "default-src 'none'" in text
    outside = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    # The name of a language, which nothing fetches.
    outside = outside.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"""(src|href)\s*=|https?:|@import|url\(""", outside)
    assert len(text) > 1_000_000  # Plotly itself is inside


def test_figures_hold_the_numbers_of_the_tables(record, analysis):
    text = html_report(record, analysis)
    figures = [json.loads(one) for one in re.findall(r"const f=(\{.*?\});Plotly", text)]
    assert len(figures) == 3
    table = study_table(record, analysis, "accuracy")
    for trace in figures[0]["data"]:
        assert trace["y"] == table[trace["name"]].tolist()
    curves = study_table(record, analysis, "curves")
    assert [y for trace in figures[2]["data"] for y in trace["y"]] == curves["ACR"].tolist()


def test_the_first_sheet_is_the_decision_of_the_page(record, analysis):
    text = html_report(record, analysis, made="2026-11-26")
    head = text[text.index("<body>") : text.index('<div class="report">')]
    asked = preset_requirement(record.spec.noise.sigma)
    decision = study_decision(record, analysis, "fp16", asked)
    assert html.escape(decision.sentence) in head
    assert "2026-11-26" in head
    assert "Decided by ___" in head
    assert record.base.digest in head
    other = html_report(record, analysis, model="prune:0.1", made="2026-11-26")
    assert "May prune 10% replace the original?" in other


def test_a_written_report_decides_about_the_model_that_is_named(tmp_path, record, analysis):
    for model, title in (("prune:0.1", "prune 10%"), (BASE, "fp16 weights")):
        write_report(tmp_path / "r.html", record, analysis, model=model)
        assert f"May {title} replace the original?" in (tmp_path / "r.html").read_text()


def test_moved_settings_leave_no_verdict_in_a_report(record, analysis):
    moved = Analysis(analysis.tally, replace(analysis.settings, alpha=0.01))
    text = html_report(record, moved)
    outside = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    for word in ("Decided by", "may ship", "may it ship", "May fp16 replace"):
        assert word not in outside


def test_the_table_of_disagreement_is_short(record, analysis):
    text = html_report(record, analysis)
    part = text[text.index("<h2>Disagreement</h2>") : text.index("<h2>Models</h2>")]
    assert part.count("<tr>") == 1 + len(record.compressed)


def test_names_in_a_report_are_text_not_code(library, record, analysis):
    bad = "</script><script>alert(1)</script>"
    models = [replace(one, title=bad + one.title, note=bad) for one in record.models]
    changed = replace(
        record, models=tuple(models), spec=replace(record.spec, name=bad), hardware=bad
    )
    assert bad not in html_report(changed, analysis)


@pytest.mark.parametrize("suffix", ["html", "tsv", *FORMATS])
def test_the_suffix_decides_what_is_written(tmp_path, record, analysis, suffix):
    path = tmp_path / f"out.{suffix}"
    write_report(path, record, analysis, model="fp16")
    assert path.stat().st_size > 100


def test_other_suffixes_are_refused(tmp_path, record, analysis):
    with pytest.raises(UnknownKeyError, match=r"\.html, \.tsv"):
        write_report(tmp_path / "out.doc", record, analysis)
    assert not list(tmp_path.iterdir())
