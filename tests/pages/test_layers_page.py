"""The page of layers and mixes: nothing yet, a measurement, a search."""

from dataclasses import replace
from pathlib import Path

from app_pages import open_page, texts
from synthetic import synthetic_spec, synthetic_study

from irs_core.decide import Requirement
from irs_core.spec import outward
from irs_core.spec.compression_kinds import parse_compression
from irs_core.store import Library
from irs_core.tune.record import Effect, Hurt, Sensitivity, save
from irs_core.tune.search import outcome, prepare_search, save_search

_NAMES = ("conv1", "layer1.0.conv1", "fc")
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def _measured() -> Sensitivity:
    effects = [
        Effect(
            name,
            (name,),
            depth,
            "int8",
            5 - depth,
            0.0012349,
            0.0123451,
            1,
            0,
            0.1,
            0.2,
            300,
            (Hurt(7, 3), Hurt(9, 1)),
        )
        for depth, name in enumerate(_NAMES)
    ]
    group = replace(effects[1], name="layer1.0", layers=("layer1.0.conv1", "layer1.0.conv2"))
    return Sensitivity(
        *("m", "shipped:digits-0.50", "d", "9 held-out images", (7, 9), 0.5, 1, 0.5, 100, 4, 0.99),
        (*effects, group, replace(effects[0], treatment="int4", hurts=())),
        {"7": _PIXEL, "9": "no picture"},
        *(1.0, 2.0, 3, "here"),
    )


def test_seconds_saved_are_in_the_table_where_they_were_measured(store: Path) -> None:
    found = _measured()
    timed = replace(found.effects[0], saved_seconds=-2.5e-6)
    save(store, replace(found, effects=(timed, *found.effects[1:])))
    saved = open_page("layers").dataframe[0].value["µs saved"]
    assert sorted(saved.dropna()) == [-2.5]
    save(store, replace(found, seed=2))
    assert "µs saved" not in open_page("layers").dataframe[0].value


def test_nothing_yet_says_how_to_begin(store: Path) -> None:
    at = open_page("layers")
    assert not at.exception
    assert "./irs tune sensitivity" in at.code[0].value


def test_layers_are_shown_over_depth_with_their_intervals(store: Path) -> None:
    save(store, _measured())
    at = open_page("layers")
    assert not at.exception
    chart = at.get("plotly_chart")[0].proto
    assert all(name in chart.spec for name in _NAMES)
    assert "held-out images" in texts(at)
    table = at.dataframe[0].value
    assert table["layer"].tolist() == list(_NAMES)
    assert table["changed draws"].tolist() == [2.5, 2.0, 1.5]
    # 0.12349% and 1.23451%, each rounded outward.
    assert table["at least"].tolist() == [0.123] * 3
    assert table["at most"].tolist() == [1.235] * 3
    assert "int8 is emulated here" in texts(at)
    assert "image 9: 1 of 100 draws" in texts(at)
    at.toggle(key="blocks").set_value(True).run()
    assert at.dataframe[0].value["layer"].tolist() == ["layer1.0"]


def test_a_search_shows_every_candidate(store: Path) -> None:
    library = Library(store)
    asked = Requirement(radius=0.3, tolerance=0.1, max_loss=0.3, confidence=0.9)
    candidates = tuple(map(parse_compression, ("mixed:bf16", "mixed:int4")))
    spec, search = prepare_search(
        synthetic_spec(), candidates, asked, "draws", proposer="greedy", seed=1
    )
    synthetic_study(library, spec)
    save_search(store, search)
    at = open_page("layers")
    assert not at.exception
    assert "2 candidates on 40 inputs" in texts(at)
    table = at.dataframe[0].value
    assert table["candidate"].tolist() == ["bf16 everywhere", "int4 everywhere"]
    assert len(at.get("plotly_chart")) == 1
    found = outcome(search, library.open(spec.id), library)
    exact = [one.standing.decision.loss.upper for one in found.candidates]
    shown = [outward.percent(one, 2, "up") for one in exact]
    assert [f"{one:.2f}" for one in table["lost, at most"]] == shown
    kept = [outward.percent(one.standing.kept_at_least, 1, "down") for one in found.candidates]
    assert [f"{one:.1f}" for one in table["kept, at least"]] == kept


def test_a_search_whose_study_is_gone_is_left_out(store: Path) -> None:
    asked = Requirement(radius=0.3, tolerance=0.1, max_loss=0.3, confidence=0.9)
    _, search = prepare_search(
        synthetic_spec(),
        (parse_compression("mixed:bf16"),),
        asked,
        "draws",
        proposer="greedy",
        seed=1,
    )
    save_search(store, search)
    at = open_page("layers")
    assert not at.exception
    assert "Nothing is measured yet" in at.info[0].value
