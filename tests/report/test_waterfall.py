"""The steps from the original to the compressed models add up and are told apart."""

import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.tables import gap_table, usual_radii
from irs_core.analysis.tally import tally_study
from irs_core.decide import Difference, Gap
from irs_core.report.waterfall import (
    levels_words,
    study_waterfall,
    waterfall_bars,
    waterfall_figure,
)
from irs_core.spec.settings import Settings
from irs_core.store import Library


def cost(mean: float, wide: float) -> Difference:
    return Difference(mean, mean - wide, mean + wide, mean - 2 * wide, mean + 2 * wide, 0.05)


GAPS = {
    "a": Gap("ACR", 0.5, 0.4, 0.37, cost(0.1, 0.02), cost(0.03, 0.01)),
    "b": Gap("ACR", 0.5, 0.4, 0.41, cost(0.1, 0.02), cost(-0.01, 0.03)),
}
NAMES = {"a": "A", "b": "B"}


def bars():
    return waterfall_bars(GAPS, NAMES, {"a": "#111111", "b": "#222222"}, n=10_000, n_p=1000)


def test_each_step_leads_to_the_total_after_it() -> None:
    full, fewer, equal, step_a, total_a, step_b, total_b = bars()
    assert [one.step for one in bars()] == [False, True, False, True, False, True, False]
    assert (fewer.start, fewer.end) == pytest.approx((full.end, equal.end))
    assert (step_a.start, step_a.end) == pytest.approx((equal.end, total_a.end))
    # The next model starts from the original again.
    assert (step_b.start, step_b.end) == pytest.approx((equal.end, total_b.end))


def test_the_interval_of_a_cost_is_turned_round() -> None:
    _, fewer, _, step, *_ = bars()
    # A cost of 0.08 to 0.12 leads from 0.5 to between 0.38 and 0.42.
    assert (fewer.low, fewer.high) == pytest.approx((0.38, 0.42))
    assert (step.low, step.high) == pytest.approx((0.36, 0.38))


def test_the_figure_draws_costs_down_and_gains_up() -> None:
    (trace,) = waterfall_figure(bars())["data"]
    assert trace["y"] == pytest.approx([0.5, -0.1, 0.4, -0.03, 0.37, 0.01, 0.41])
    assert trace["base"] == pytest.approx([0, 0.5, 0, 0.4, 0, 0.4, 0])
    assert trace["text"][:4] == ["0.500", "−0.100", "0.400", "−0.030"]
    assert trace["text"][5] == "+0.010"
    # Totals are bounds: rounded down, whatever the sum's last bit is.
    assert [float(trace["text"][at]) for at in (4, 6)] == pytest.approx([0.37, 0.41], abs=2e-3)
    assert len(set(trace["x"])) == 7
    assert trace["error_y"]["array"][0] is None
    assert trace["error_y"]["array"][1] == pytest.approx(0.02)


def test_a_study_has_one_for_all_its_models(tmp_path) -> None:
    library = Library(tmp_path, tmp_path / "none")
    record = synthetic_study(library)
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    figure = study_waterfall(record, analysis)
    frame = gap_table(record, analysis)
    assert frame["quantity"].tolist() == 2 * ["ACR", "CA(0.25)", "CA(0.5)", "CA(0.75)"]
    acr = frame[frame.quantity == "ACR"]
    totals = figure["data"][0]["y"][4::2]
    assert totals == pytest.approx(acr["compressed, equal draws"].tolist())
    ends = acr["original, all draws"] - acr["cost of fewer draws"] - acr["cost of compression"]
    assert ends.tolist() == pytest.approx(totals)
    assert gap_table(record, analysis, (), ["fp16"])["model"].tolist() == ["fp16 weights"]


def test_without_compressed_models_there_is_none(tmp_path) -> None:
    library = Library(tmp_path, tmp_path / "none")
    record = synthetic_study(library, synthetic_spec(compressions=()))
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    assert study_waterfall(record, analysis) is None
    assert gap_table(record, analysis).empty


def test_usual_radii_follow_the_noise() -> None:
    assert usual_radii(0.5) == (0.25, 0.5, 0.75)


def test_the_step_of_fewer_draws_is_said_to_hold_two_levels():
    said = levels_words(Settings(0.001, 0.002, 0.99))
    assert "at level 0.001, and both models with fewer draws at 0.003" in said
