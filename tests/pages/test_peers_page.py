"""The table of ways to certify on the page Papers."""

from pathlib import Path

from app_pages import open_page, texts

from irs_core.papers import measured_peers, peers_table


def test_ways_to_certify_stand_side_by_side(store: Path) -> None:
    run = measured_peers()
    title = list(run.tables)[-1]
    at = open_page("papers", peers=title, peers_cost="seconds")
    assert not at.exception
    frames = [one.value for one in at.dataframe if "way" in one.value]
    (frame,) = frames
    expected = peers_table(run, title, "seconds")
    assert frame["way"].tolist() == expected["way"].tolist()
    assert frame.iloc[0, 2] == expected.iloc[0, 2]
    assert "Seconds in all of int8, 500 inputs" in texts(at)
