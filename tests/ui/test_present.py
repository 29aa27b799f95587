"""Slides: one sentence and one figure, for what the link asks."""

from dataclasses import replace

import pytest
from app_pages import as_read, open_page
from synthetic import synthetic_spec, synthetic_study

from irs_core.store import Library


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return synthetic_study(
        Library(tmp_path / "store"), replace(synthetic_spec(n=4000), name="mine")
    )


def present(record, **query):
    return open_page("present", study=record.id, **query)


def test_each_slide_says_one_thing(record):
    model = record.compressed[0]
    said = [present(record, of="1", slide=str(at)).markdown for at in (1, 2, 3, 4)]
    answer, gains, gap, covered = (as_read(one[0].value) for one in said)
    assert model.title in answer
    assert "of the original's certified radius" in gains
    assert "On the same" in gap
    assert "Not covered:" in covered
    assert record.id in covered
    assert [as_read(one[1].value) for one in said] == [f"{at} of 4" for at in (1, 2, 3, 4)]


def test_the_requirement_of_the_link_is_the_one_decided(record):
    model = record.compressed[1]
    at = present(record, of="2", at="0.123", short="0.01", sure="95", **{"except": "7"})
    said = as_read(at.markdown[0].value)
    assert model.title in said
    assert "withstands disturbances up to 0.12" in said
    assert "at most 7% is allowed" in said or "at most 7% exceptions" in said


def test_buttons_turn_the_leaf_and_stop_at_the_ends(record):
    at = present(record)
    assert at.button(key="slide_back").disabled
    at = at.button(key="slide_next").click().run()
    assert as_read(at.markdown[1].value) == "2 of 4"
    last = present(record, slide="4")
    assert last.button(key="slide_next").disabled


@pytest.mark.parametrize("slide", ["0", "99", "-1", "x", "\u0662", "1e3"])
def test_a_slide_that_is_none_is_the_nearest(record, slide):
    assert as_read(present(record, slide=slide).markdown[1].value) in ("1 of 4", "2 of 4", "4 of 4")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"of": "3"}, "of= in the address must be 1 to 2"),
        ({"of": "1.5"}, "must be 1 to 2"),
        ({"at": "x"}, "radius (at=) must be a number"),
        ({"at": "-1"}, "radius must be positive"),
        ({"at": "nan"}, "must be a number"),
        ({"sure": "10"}, "confidence must be in"),
        ({"except": "0"}, "max_loss"),
    ],
    ids=str,
)
def test_a_link_that_makes_no_sense_ends_in_a_sentence(record, query, said):
    at = present(record, **query)
    assert not at.exception
    assert said.lower() in as_read([*at.error, *at.info][0].value).lower()


def test_a_study_that_is_not_here_is_not_replaced_by_another(record):
    at = open_page("present", study="0" * 16)
    assert "no study of the id" in as_read(at.info[0].value)
