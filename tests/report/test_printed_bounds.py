"""What is printed of a shipped study is never more than what is certified, in every format."""

import io
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.results import Interval
from irs_core.analysis.tables import summary_table
from irs_core.analysis.tally import tally_study
from irs_core.analysis.tsv import HEADER, certificates_tsv
from irs_core.analysis.why import why_table
from irs_core.cli.bundles import import_file
from irs_core.cli.intrs import text_table as shares_table
from irs_core.papers.intrs import CertifiedShare
from irs_core.report.figures import study_figures
from irs_core.report.formats import table_bytes
from irs_core.report.html import html_report
from irs_core.report.tables import TABLES, study_table
from irs_core.spec.outward import SIDES, directions
from irs_core.spec.settings import Settings
from irs_core.store import Library
from ui.shared import grid

SHIPPED = Path(__file__).parents[2] / "cached_results"
STUDIES = sorted(path.name for path in SHIPPED.glob("*.irs.zip"))


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("none"), SHIPPED)
    return [
        (study.record, Analysis(tally_study(study), Settings.of(study.record.spec)))
        for study in library.studies()
    ]


def test_all_shipped_studies_are_looked_at(opened):
    assert len(opened) == len(STUDIES) == 25


def test_radii_in_the_fields_format(opened):
    for record, analysis in opened:
        for model in record.models:
            text = certificates_tsv(record, analysis, model.name)
            printed = pd.read_csv(io.StringIO(text), delimiter="\t", float_precision="round_trip")
            certified = analysis.main_certificates(model.name).radius
            np.testing.assert_array_equal(printed["radius"], certified)


def test_rounding_to_nearest_printed_more_than_was_certified(opened):
    wanted = {0.5: 0}
    for record, analysis in opened:
        names = [model.name for model in record.compressed]
        if "int8" in names and "ResNet-20" in record.title and record.spec.noise.sigma == 0.5:
            radii = analysis.main_certificates("int8").radius
            radii = radii[radii > 0]
            above = sum(float(f"{one:.3}") > one for one in radii)
            wanted[0.5] = max(wanted[0.5], above / len(radii))
    assert 0.3 < wanted[0.5] < 0.7


def printed_against(frame: pd.DataFrame, cells: list[list[str]]) -> int:
    """How many bounds of a table were compared; fails where one is on the wrong side."""
    compared = 0
    sides = directions(frame, frame.attrs.get(SIDES, {}))
    for at, (name, side) in enumerate(zip(frame, sides, strict=True)):
        if side == "nearest" or not pd.api.types.is_float_dtype(frame[name]):
            continue
        for value, row in zip(frame[name], cells, strict=True):
            if math.isfinite(value):
                compared += 1
                shown = float(row[at])
                # A counted share is a fraction, which its float may miss by the last bit.
                limit = value + (1e-12 if side == "counted" else 0.0)
                assert shown >= value if side == "up" else shown <= limit, (name, value, shown)
    return compared


def markdown(frame: pd.DataFrame) -> list[list[str]]:
    lines = table_bytes(frame, "md").decode().splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\\\)\|", line)[1:-1]] for line in lines]


def latex(frame: pd.DataFrame) -> list[list[str]]:
    lines = table_bytes(frame, "tex").decode().splitlines()
    body = lines[lines.index("\\midrule") + 1 : lines.index("\\bottomrule")]
    return [[cell.strip(" \\") for cell in line.split(" & ")] for line in body]


@pytest.mark.parametrize("table", list(TABLES))
def test_tables_as_text(opened, table):
    compared = 0
    chosen = [one for one in opened if table == "summary" or one[0].compressed]
    for record, analysis in chosen[-3:] if table == "inputs" else chosen:
        frame = study_table(record, analysis, table)
        compared += printed_against(frame, markdown(frame))
        compared += printed_against(frame, latex(frame))
    assert compared > 500


def test_the_report(opened):
    record, analysis = opened[0]
    frame = study_table(record, analysis, "summary")
    text = html_report(record, analysis)
    part = text[text.index("<h2>Comparison</h2>") :]
    rows = re.findall(r"<tr>(.*?)</tr>", part)[1 : 1 + len(frame)]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    # An interval stands in one cell, `value [low, high]`, and is nothing where nothing is known.
    ends = [any(str(name).endswith((" low", " high")) for name in frame.columns[at + 1 : at + 2])
            for at, name in enumerate(frame.columns)
            if not str(name).endswith((" low", " high"))]  # fmt: skip
    split = [
        [
            part
            for cell, interval in zip(row, ends, strict=True)
            for part in (
                (re.findall(r"[-\d.]+", cell) if cell != "-" else ["-"] * 3) if interval else [cell]
            )
        ]
        for row in cells
    ]
    assert printed_against(frame, split) > 5


def test_tables_of_pages(opened):
    record, analysis = next(
        one
        for one in opened
        if one[0].compressed and one[1].main_method("int8") == "cirs"
        if "int8" in one[1].tally.compressed
    )
    frame = why_table(record, analysis, "int8", len(record.spec.n_p) - 1)
    columns = {
        name: {"type_config": {"format": f"%.{digits}f"}}
        for name, digits in {"radius": 3, "bound": 4, "p_A bound": 4, "leave bound": 4}.items()
    }
    shown = grid._outward(frame, columns)
    cells = [
        [
            f"{value:.{4 if name != 'radius' else 3}f}" if isinstance(value, float) else str(value)
            for name, value in zip(shown, row, strict=True)
        ]
        for row in shown.itertuples(index=False)
    ]
    assert (
        printed_against(
            frame[list(columns)], [[row[list(frame).index(n)] for n in columns] for row in cells]
        )
        > 200
    )


def test_sentences_of_why(opened):
    for record, analysis in opened:
        for model in record.compressed:
            if analysis.main_method(model.name) != "cirs":
                continue
            frame = why_table(record, analysis, model.name, len(record.spec.n_p) - 1)
            for radius, bound, why in zip(
                frame["radius"], frame["bound"], frame["why"], strict=True
            ):
                found = re.search(r"certified at (\d+\.\d+)", why)
                assert found is None or float(found.group(1)) <= radius
                found = re.search(r"(?:class, P >=|at least) (0\.\d{4})", why)
                assert found is None or float(found.group(1)) <= bound


def test_the_command_line_prints_the_same(opened, capsys):
    from irs_core.cli.printing import print_table

    record, analysis = opened[0]
    print_table(summary_table(record, analysis))
    shown = capsys.readouterr().out
    values = summary_table(record, analysis)["ACR"]
    printed = [
        float(found)
        for line in shown.splitlines()[1:]
        for found in re.findall(r"([\d.]+) \([\d.]+\.\.[\d.]+\)", line)[1:2]
    ]
    assert len(printed) == len(values)
    for one, value in zip(printed, values, strict=True):
        assert value - 1e-3 < one <= value


def test_hovers_of_the_report(opened):
    record, analysis = next(one for one in opened if one[0].compressed)
    accuracy, _, time = study_figures(record, analysis)
    for trace in accuracy["data"]:
        assert "%{y" not in trace["hovertemplate"]
        for share, shown in zip(trace["y"], trace["customdata"], strict=True):
            assert 0 <= 100 * share - float(shown) + 1e-9 < 0.1
    for trace in time["data"]:
        assert "%{y" not in trace["hovertemplate"]
        for acr, (_, shown) in zip(trace["y"], trace["customdata"], strict=True):
            value, low, high = map(float, re.findall(r"[\d.]+", shown))
            assert low <= value <= acr <= high
            assert acr - value < 1e-3


def test_the_radii_of_certified_accuracy_are_shown_as_chosen(opened):
    record, analysis = opened[0]
    frame = study_table(record, analysis, "accuracy")
    assert [float(row[0]) for row in markdown(frame)] == frame["radius"].tolist()


def test_certified_shares_of_intrs():
    share = Interval(0.58, 0.58, 0.61251)
    row = CertifiedShare("IntRS-quant", 0.5, share, 0.6, 1000, 100, "id", 1.0)
    printed = shares_table([row])
    assert " 0.580 " in printed
    assert "0.579 to 0.613" in printed


def test_the_line_of_imported_results(tmp_path, capsys):
    rows = ["0\t3\t3\t0.48669\t1\t1.0", "1\t3\t3\t0.48669\t1\t1.0"]
    path = tmp_path / "theirs.tsv"
    path.write_text("\n".join([HEADER, *rows]))
    import_file(path, tmp_path / "store")
    assert "ACR 0.4866," in capsys.readouterr().out
