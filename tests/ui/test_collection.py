"""The page Studies: what is found, and what it lets people do."""

from dataclasses import replace

import pytest
from app_pages import open_page
from synthetic import synthetic_spec, synthetic_study

from irs_core.actions import Acting, studies
from irs_core.store import Library


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("IRS_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IRS_SHIPPED", str(tmp_path / "none"))
    return tmp_path / "store"


@pytest.fixture
def first(store):
    return synthetic_study(Library(store), replace(synthetic_spec(n=4000), name="mine"))


@pytest.fixture
def second(store, first):
    return synthetic_study(Library(store), replace(synthetic_spec(n=5000), name="mine"))


def rows(at):
    return at.dataframe[0].value.to_dict("records")


def test_studies_are_found_by_title_tag_model_and_id(store, first, second):
    studies.tag(Acting(store), second.id, ["nightly"])
    model = first.compressed[0].title
    for words, found in (
        ("", {first.id, second.id}),
        ("MINE", {first.id, second.id}),
        ("nightly", {second.id}),
        ("mine 4,000", {first.id}),
        (first.id[:6], {first.id}),
        (model, {first.id, second.id}),
    ):
        assert {row["id"] for row in rows(open_page("studies", find=words))} == found, words
    at = open_page("studies", find="nothing is called so")
    assert not at.dataframe
    assert "No study here has all of these words: nothing is called so." in at.info[0].value


def test_what_is_pinned_comes_first_here_and_in_pickers(store, first, second):
    oldest = min((first, second), key=lambda one: one.created)
    studies.tag(Acting(store), oldest.id, pinned=True)
    assert rows(open_page("studies"))[0]["id"] == oldest.id
    assert open_page("overview").selectbox(key="study_picker").value == oldest.id


def test_tags_and_pins_are_set_on_the_page(store, first):
    at = open_page("studies")
    at.text_input(key=f"tags-{first.id}").input("b, a, b,").run()
    at.button(key="tag").click().run()
    at.button(key="pin").click().run()
    assert rows(at)[0]["tags"] == "a, b"
    assert rows(at)[0]["state"] == "finished, pinned"
    found = Library(store).open(first.id)
    assert (found.tags, found.pinned, found.record.id) == (("a", "b"), True, first.id)


def test_two_studies_are_compared_from_the_list(store, first, second):
    at = open_page("studies")
    beside = at.selectbox(key=f"beside-{at.selectbox(key='manage').value}")
    assert len(beside.options) == 1
    at = beside.select_index(0).run()
    assert not at.exception
