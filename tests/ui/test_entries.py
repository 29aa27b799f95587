"""Rows and sentences."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic import synthetic_spec, synthetic_study

from irs_core.analysis.analysis import Analysis
from irs_core.analysis.ledger import study_ledger
from irs_core.analysis.results import Interval
from irs_core.analysis.sweep import sweep_gammas
from irs_core.analysis.tally import tally_study
from irs_core.errors import UnknownKeyError
from irs_core.spec import outward
from irs_core.spec.settings import Settings
from irs_core.store import Library, StudyRecord
from ui.certify import study_form
from ui.shared import captions, choice, entries, tables, theme


@pytest.fixture
def record_and_analysis(tmp_path: Path) -> tuple[StudyRecord, Analysis]:
    library = Library(tmp_path / "store", tmp_path / "shipped")
    record = synthetic_study(library)
    tally = tally_study(library.open(record.id))
    return record, Analysis(tally, Settings.of(record.spec))


def test_rows_compare_with_the_original(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    rows = entries.model_rows(*record_and_analysis)
    assert [row.is_base for row in rows] == [True, False, False]
    assert rows[0].kept == 1
    assert math.isnan(rows[0].disagreement)
    # At equal draws: what fewer draws cost is no fault of the model.
    assert rows[1].equal is not None
    assert rows[0].equal is not None
    assert rows[1].kept == pytest.approx(rows[1].equal.mean() / rows[0].equal.mean())
    assert rows[1].kept > rows[1].summary.acr.value / rows[0].summary.acr.value
    table = tables.choice_table(rows, {0.5: [0.1, 0.2, 0.3]})
    assert list(table["model"]) == [row.title for row in rows]
    assert table["CA(0.5)"].tolist() == pytest.approx([10, 20, 30])
    assert table["ACR"].tolist() == [row.summary.acr.value for row in rows]


def test_headline_names_the_best_model_its_share_and_the_confidence(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    record, analysis = record_and_analysis
    rows = entries.model_rows(record, analysis)
    best = choice.best_row(rows)
    assert best is not None
    sentence = choice.headline(record, rows, 0.002)
    assert best.title in sentence
    assert outward.percent(best.kept, 1, "down") + "%" in sentence
    assert "99.8%" in sentence


@pytest.mark.parametrize("title", ["fp16 weights", "int8", "prune 10%", "low rank 95% energy"])
@pytest.mark.parametrize(
    ("speedup", "clause"),
    [
        (5.4719, r"; it is recertified \*\*5.47×\*\* as fast as from scratch \(CIRS\)"),
        (0.5, r"; recertifying it took \*\*2.00×\*\* the time of starting from scratch \(CIRS\)"),
        (math.nan, ""),
    ],
)
def test_headline_is_a_sentence_whatever_the_model_is_called(
    record_and_analysis: tuple[StudyRecord, Analysis], title: str, speedup: float, clause: str
) -> None:
    record, analysis = record_and_analysis
    base, row, _ = entries.model_rows(record, analysis)
    summary = replace(row.summary, speedup_seconds=Interval(speedup, speedup, speedup))
    named = replace(row, title=title, summary=summary)
    assert re.fullmatch(
        rf"At equal draws, \*\*{title}\*\* keeps \*\*[\d.]+%\*\* of the original's certified radius"
        r", at \*\*\d+%\*\* of its (size|non-zero weights), certified with \*\*\d+%\*\* of its "
        r"draws"
        rf"{clause}\. The confidence is \*\*99.8%\*\* per input \(proven\)\.",
        choice.headline(record, [base, named], 0.002),
    )


def test_the_headline_claims_nothing_at_moved_settings(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    record, analysis = record_and_analysis
    rows = entries.model_rows(record, analysis)
    own = Settings.of(record.spec)
    moved = study_ledger(record.spec, replace(own, gamma=0.9)).moved
    unproven = [replace(row, summary=replace(row.summary, failure=None)) for row in rows]
    for sentence, said in (
        (choice.headline(record, rows, 0.004, moved), "not proven at gamma = 0.9"),
        # Reported by others and moved: both are said.
        (choice.headline(record, rows, 0.004, moved, "By others."), "By others. Exploring: not"),
        (choice.headline(record, unproven, captions.union_failure(unproven)), "is not proven"),
        (choice.headline(record, rows, None), "nothing is left of the confidence"),
    ):
        assert said in sentence
        assert "confidence is" not in sentence
    assert captions.choice_among(rows, moved) == ""
    assert study_ledger(record.spec, own).moved == ()


def test_headline_of_an_original_without_radius_compares_nothing(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    record, analysis = record_and_analysis
    base, row, _ = entries.model_rows(record, analysis)
    none = replace(base, summary=replace(base.summary, acr=Interval(0.0, 0.0, 0.0)))
    sentence = choice.headline(record, [none, replace(row, kept=math.nan)], 0.002)
    assert sentence == "The original model has an average certified radius of **0.000**."


def test_caption_states_claimed_and_provable_confidence(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    record, _ = record_and_analysis
    text = captions.provenance(record, Settings(0.001, 0.002, 0.99))
    assert "exploring: not proven at alpha_zeta = 0.002" in text
    text = captions.provenance(record, Settings.of(record.spec))
    assert "99.8% (1 - α - $α_ζ$), proven except for IRS, for which 99.7% is proven" in text
    assert "40 inputs" in text
    assert "20 held-out inputs" in captions.provenance(
        record, Settings(0.001, 0.002, 0.99), held_out=True
    )


def test_choosing_among_models_costs_confidence(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    record, analysis = record_and_analysis
    rows = entries.model_rows(record, analysis)
    assert [row.summary.method for row in rows[1:]] == ["cirs", "cirs"]
    assert captions.union_failure(rows) == pytest.approx(2 * 0.002)
    assert "99.6%" in captions.choice_among(rows)
    assert captions.choice_among(rows[:2]) == ""


def test_irs_is_quoted_at_its_proven_failure(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    _, analysis = record_and_analysis
    assert analysis.certify("fp16", "irs", 2).provable_failure == pytest.approx(0.003)
    assert analysis.summary("fp16").failure == pytest.approx(0.002)


def test_cost_is_the_plan_in_words() -> None:
    text = captions.cost(synthetic_spec(), 60)
    assert "210,000 draws" in text
    assert "2,100 of the original" in text
    assert "700 of each of 2 compressed models" in text


def test_guarantee_says_when_nothing_can_be_certified() -> None:
    assert "can certify nothing" in captions.guarantee(synthetic_spec(n=5, n_p=(5,)))
    assert "can exceed" in captions.guarantee(synthetic_spec())


def test_best_of_a_plateau_is_its_middle() -> None:
    acr = tuple(Interval(value, 0, 1) for value in (0.1, 0.3, 0.3, 0.3, 0.2, 0.3))
    assert entries.Sweep(np.arange(6.0), acr).best == 2


def test_branch_shares_add_up() -> None:
    shares = entries.branch_shares(np.array([0.2, 0.5, 0.8, 0.99]), 0.9)
    assert (shares.direct, shares.incremental, shares.abstaining) == (0.25, 0.25, 0.5)


def test_sweep_contains_the_gamma_in_use() -> None:
    assert 0.9876 in sweep_gammas(0.9876)


def test_colours_are_distinct_and_kinds_keep_theirs() -> None:
    names = ["prune:0.1", "prune:0.5", "fp16", "lowrank:0.9", "int8-dynamic"]
    colours = theme.model_colours(names)
    assert len(set(colours.values())) == len(names) + 1
    assert theme.model_colours(["fp16"])["fp16"] == colours["fp16"]


def test_a_model_has_one_colour_whatever_stands_beside_it() -> None:
    alone = theme.model_colours(["prune:0.1"])["prune:0.1"]
    assert theme.model_colours(["prune:0.05", "fp16", "prune:0.1"])["prune:0.1"] == alone


def test_colours_stand_out_on_both_grounds() -> None:
    names = ["fp16", "int8", "prune:0.05", "prune:0.1", "prune:0.3", "lowrank:0.95", "base"]
    for colour in theme.model_colours(names).values():
        for ground in ("#FFFFFF", "#11161D"):
            # Lines and markers need a contrast of about 3; the lightest shades come near it.
            assert contrast(colour, ground) > 1.9, (colour, ground)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "12 ms"), (3.21, "3.2 s"), (59.4, "59 s"), (125, "2 min 05 s"), (7260, "2 h 01 min")],
)
def test_durations_read_like_speech(seconds: float, text: str) -> None:
    assert theme.duration(seconds) == text


def test_confidence_is_never_rounded_up_to_certainty() -> None:
    assert theme.confidence(0.002) == "99.8%"
    assert theme.confidence(0.00002) == "99.998%"


def test_missing_numbers_are_said_to_be_missing() -> None:
    assert theme.times(math.nan) == theme.percent(math.nan) == "n/a"


@pytest.mark.parametrize(
    ("n", "shares", "steps", "budgets"),
    [
        (2000, (5, 50), 10, tuple(range(100, 1001, 100))),
        (10, (1, 1), 5, (1,)),
        (1000, (10, 10), 3, (100,)),
    ],
)
def test_budgets_are_increasing_and_within_n(
    n: int, shares: tuple[int, int], steps: int, budgets: tuple[int, ...]
) -> None:
    assert study_form.draw_budgets(n, shares, steps) == budgets


def test_kinds_and_ratios_become_compressions() -> None:
    texts = study_form.compression_texts(["fp16", "prune"], {"prune": ["0.1", "0.5"]})
    assert texts == ["fp16", "prune:0.1", "prune:0.5"]
    assert [str(one) for one in study_form.parse_all(texts)] == texts


def test_unknown_compression_is_refused() -> None:
    with pytest.raises(UnknownKeyError, match="unknown compression 'zip'"):
        study_form.parse_all(["zip"])


def test_the_card_of_an_original_alone_rounds_outward(tmp_path: Path) -> None:
    library = Library(tmp_path)
    record = synthetic_study(library, synthetic_spec(compressions=()))
    analysis = Analysis(tally_study(library.open(record.id)), Settings.of(record.spec))
    (row,) = entries.model_rows(record, analysis)
    share = Interval(0.58, 0.58, 0.61249)
    row = replace(row, summary=replace(row.summary, accuracy=share))
    _, card, _ = choice.key_numbers([row])
    # 0.58 is 58 inputs of 100; as a bound it is a binary number just below.
    assert (card.value, card.beside) == ("58.0%", "95%: 57.9% to 61.3%")


def test_what_is_kept_is_rounded_down_and_what_is_lost_up(
    record_and_analysis: tuple[StudyRecord, Analysis],
) -> None:
    record, analysis = record_and_analysis
    rows = entries.model_rows(record, analysis)
    rows = [rows[0], *(replace(row, kept=0.9399) for row in rows[1:])]
    assert "keeps **93.9%** of the" in choice.headline(record, rows, 0.002)
    assert choice.key_numbers(rows)[0].value == "93.9%"
    lower = [one for one in choice.verdicts(rows) if "lower" in one]
    assert lower == ["certified radius 7% lower at equal draws"] * len(lower)
    assert lower
