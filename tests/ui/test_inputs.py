"""What the Inputs page says about single inputs."""

from pathlib import Path

import numpy as np
import pytest
from synthetic import synthetic_study

from irs_core.analysis import close_up
from irs_core.analysis.analysis import Analysis
from irs_core.analysis.equal_draws import equal_draws
from irs_core.analysis.losses import Loss
from irs_core.analysis.tally import tally_study
from irs_core.certify import Branch
from irs_core.sampling.noise import noise_blocks
from irs_core.spec.outward import down, up
from irs_core.spec.settings import Settings
from irs_core.spec.study import NoiseSpec
from irs_core.store import BASE, CHUNK_DRAWS, Library
from ui.explore import input_words, inputs


@pytest.fixture
def study(tmp_path: Path):  # type: ignore[no-untyped-def]
    library = Library(tmp_path / "store", tmp_path / "shipped")
    record = synthetic_study(library)
    return library.open(record.id)


def test_filters_keep_what_they_say(study) -> None:  # type: ignore[no-untyped-def]
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    base, model = analysis.base, analysis.certify("prune:0.1", "irs", 2)
    labels = analysis.labels
    lost = inputs.choose("lost", base, model, labels)
    expected = (base.predicted == labels) & (model.predicted != labels)
    assert set(lost) == set(np.flatnonzero(expected))
    drop = base.radius[lost]
    assert (np.diff(drop) <= 0).all()
    assert len(inputs.choose("all", base, model, labels)) == len(labels)


def test_what_the_budget_loses_is_no_loss_by_compression(study) -> None:  # type: ignore[no-untyped-def]
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    base, model = analysis.base, analysis.certify("prune:0.1", "irs", 0)
    equal = equal_draws(analysis, "prune:0.1", 0)
    assert equal is not None
    lost, compression, budget = (
        set(inputs.choose(which, base, model, analysis.labels, equal))
        for which in ("lost", "compression", "budget")
    )
    assert budget
    assert not compression & budget
    assert compression | budget <= lost
    assert all(equal.equal[row] == 0 for row in budget)
    # Without equal draws nothing is put down to them.
    assert len(inputs.choose("budget", base, model, analysis.labels)) == 0
    assert set(inputs.choose("lost", base, model, analysis.labels)) == lost


def _fate(name: str, predicted: int, radius: float, *, right: bool) -> inputs.Fate:
    return inputs.Fate(
        name, name, "irs", predicted, 3, radius, 0.9, 0.02, Branch.INCREMENTAL, right
    )


def test_each_loss_is_said_in_words(study) -> None:  # type: ignore[no-untyped-def]
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    equal = equal_draws(analysis, "fp16")
    assert equal is not None
    row = int(np.flatnonzero(equal.equal > 0)[0])
    base, lost = _fate(BASE, 3, 0.4, right=True), _fate("fp16", -1, 0.0, right=False)
    said = {loss: input_words.loss_words(loss, base, lost, equal, row) for loss in Loss}
    assert said[Loss.COMPRESSION].startswith("Lost by compression: with 300 draws each, ")
    assert down(equal.equal[row]) in said[Loss.COMPRESSION]
    assert said[Loss.BUDGET] == (
        "Lost by the budget: with 300 draws instead of 2,000, the original loses it, too."
    )
    assert "IRS gave it away" in said[Loss.METHOD]
    assert "cannot be told" in said[Loss.UNKNOWN]
    assert inputs.status(lost, base, Loss.BUDGET) == "abstains: budget"
    assert inputs.status(lost, base, Loss.COMPRESSION) == "abstains: compression"
    assert inputs.status(lost, base) == "abstains"


def test_what_is_not_lost_is_said_as_well() -> None:
    none = Loss.NONE
    right, wrong = _fate("fp16", 3, 0.3, right=True), _fate("fp16", 1, 0.3, right=False)
    base, poor = _fate(BASE, 3, 0.4, right=True), _fate(BASE, 1, 0.4, right=False)
    words = [
        input_words.loss_words(none, *pair, None, 0)
        for pair in ((base, right), (poor, right), (poor, wrong))
    ]
    assert [one.split(":")[0] for one in words] == ["Not lost", "Gained", "Nothing to lose"]


def test_an_outcome_names_the_class_and_the_radius() -> None:
    assert inputs.outcome(_fate("fp16", 1, 0.3, right=True), "abc") == "b up to 0.299"
    assert inputs.outcome(_fate("fp16", 1, 0.3, right=False), "abc") == "b (wrong) up to 0.299"
    assert inputs.outcome(_fate("fp16", -1, 0.0, right=False), "abc") == "abstains"


def test_both_answers_of_a_noisy_copy() -> None:
    words = input_words.answers_words
    assert words(1, 1, "half", "abc") == "both: b"
    assert words(1, 2, "half", "abc") == "original: b; half: c"
    assert words(1, 255, "half", "abc") == "original: b; half: not drawn for this input"


def test_reason_names_bound_zeta_and_outcome(study) -> None:  # type: ignore[no-untyped-def]
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    certificates = [analysis.base, *(analysis.certify(n, "irs", 2) for n in ("fp16", "prune:0.1"))]
    row = int(np.flatnonzero(certificates[1].branch == Branch.INCREMENTAL)[0])
    found = inputs.fates(study.record, certificates, row, int(analysis.labels[row]))
    text = inputs.why(found[1], found[0], study.record.data.classes)
    zeta = up(found[1].disagreement, 4)
    assert f"{down(found[0].p_lower, 4)} less ζ, at most {zeta}" in text
    assert ("abstains" in text) == (found[1].predicted == -1)


def test_reason_under_cirs_is_what_is_lost(study) -> None:  # type: ignore[no-untyped-def]
    analysis = Analysis(tally_study(study), Settings.of(study.record.spec))
    certificates = [analysis.base, *(analysis.certify(n, "cirs", 0) for n in ("fp16", "prune:0.1"))]
    classes = study.record.data.classes
    seen = set()
    for row in range(len(analysis.labels)):
        base, model, _ = inputs.fates(study.record, certificates, row, int(analysis.labels[row]))
        text, seen = inputs.why(model, base, classes), seen | {model.branch}
        if model.branch == Branch.INCREMENTAL:
            assert f"share of {up(model.disagreement, 4)}" in text
            assert f"at least {down(model.p_lower, 4)}" in text
        assert ("spends its draws on other inputs" in text) == (model.branch == Branch.SKIPPED)
    assert {Branch.INCREMENTAL, Branch.SKIPPED} <= seen


def test_votes_are_the_stored_answers_of_that_input(study) -> None:  # type: ignore[no-untyped-def]
    array = study.evidence(study.record.base.evidence["estimate"])
    answers = close_up.read_answers(array, 37, 1700)
    assert np.array_equal(answers, array.read(1700)[37])
    assert np.array_equal(close_up.votes(answers, 10), np.bincount(answers, minlength=10))
    gap = answers.copy()
    gap[:5] = array.missing
    assert close_up.votes(gap, 10).sum() == 1695


def test_noisy_copies_are_those_that_sampling_made(study) -> None:  # type: ignore[no-untyped-def]
    spec, data = study.record.spec, study.record.data
    image = np.full((1, 8, 8), 0.25, np.float32)
    group = close_up.noise_group(spec, data, 3)
    assert group == data.indices[3]
    copies = close_up.noisy_copies(image, spec, group, start=CHUNK_DRAWS - 2, count=4)
    first = np.concatenate(list(noise_blocks(spec.noise, "estimate", group, 0, shape=image.shape)))
    second = np.concatenate(
        list(noise_blocks(spec.noise, "estimate", group, 1, shape=image.shape, stop=2))
    )
    assert np.array_equal(copies, image + np.concatenate([first[-2:], second]))


def test_noise_group_never_mixes_roles(study) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    spec = replace(study.record.spec, noise=NoiseSpec(0.5, seed=7, group=16))
    groups = [close_up.noise_group(spec, study.record.data, row) for row in range(60)]
    assert set(groups[:40]).isdisjoint(groups[40:])
    assert len(set(groups[:40])) == 3


def test_picture_enlarges_without_smoothing_and_clips() -> None:
    shown = inputs.picture(np.array([[[-1.0, 0.5], [1.0, 2.0]]], np.float32), 8)
    assert shown.shape == (8, 8, 3)
    assert set(np.unique(shown)) == {0, 128, 255}


def test_votes_figure_leaves_out_classes_without_votes() -> None:
    votes = {BASE: np.array([5, 0, 5]), "fp16": np.array([9, 0, 1])}
    figure = inputs.votes_figure(votes, {BASE: "original", "fp16": "half"}, "abc")
    assert [tuple(trace.x) for trace in figure.data] == [("a", "c")] * 2
    assert tuple(figure.data[1].y) == (90.0, 10.0)
