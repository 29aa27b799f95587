"""Settings moved after looking prove nothing, and no page says otherwise."""

import re
from pathlib import Path

import pytest
from app_pages import on_screen, open_page
from synthetic import synthetic_spec, synthetic_study

from irs_core.spec.study import NoiseSpec
from irs_core.store import Library
from ui.shared.page_list import STUDY_PAGES

# Of a study with its own values 0.99, 0.001 and 0.001.
MOVED = {"gamma": "0.97", "alpha": "0.05", "alpha_zeta": "0.01"}
CLAIM = re.compile(r"\bprov(?:en|e|es|ed|ably)\b|\bproofs?\b", re.IGNORECASE)


def claims(text: str, said: str) -> list[str]:
    """What else than the sentence that nothing is proven speaks of a proof, with its words."""
    rest = re.sub(rf"not proven at {re.escape(said)}", "", text)
    return [rest[max(0, one.start() - 60) : one.end() + 30] for one in CLAIM.finditer(rest)]


@pytest.mark.parametrize("page", STUDY_PAGES)
@pytest.mark.parametrize("name", list(MOVED))
def test_a_slider_off_the_studys_own_value(store: Path, page: str, name: str) -> None:
    synthetic_study(Library(store))
    at = open_page(page, **{name: MOVED[name]})
    assert not at.exception
    assert not at.error
    text, said = on_screen(at), f"{name} = {MOVED[name]}"
    assert f"Exploring: not proven at {said}" in text
    assert claims(text, said) == []


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_several_sliders_of_an_original_alone(store: Path, page: str) -> None:
    synthetic_study(Library(store), synthetic_spec(compressions=()))
    at = open_page(page, **MOVED)
    assert not at.exception
    text = on_screen(at)
    # Nothing here rests on gamma or alpha_zeta.
    assert "Exploring: not proven at alpha = 0.05," in text
    assert claims(text, "alpha = 0.05") == []


def test_a_study_at_its_own_settings_says_what_is_proven(store: Path) -> None:
    synthetic_study(Library(store))
    text = on_screen(open_page("overview"))
    assert "(proven)" in text
    assert "xploring" not in text


@pytest.mark.parametrize("page", STUDY_PAGES)
def test_under_discrete_noise_no_number_has_a_confidence(store: Path, page: str) -> None:
    noise = NoiseSpec(0.5, seed=7, kind="discrete")
    synthetic_study(Library(store), synthetic_spec(noise=noise))
    at = open_page(page)
    assert not at.exception
    text = on_screen(at)
    assert "(proven)" not in text
    assert "hold together" not in text
    assert "provably" not in text
    if page == "decide":
        assert "A verdict needs certificates with a proof" in at.error[0].value
    else:
        assert "the full radius under discrete noise is not proven" in text
