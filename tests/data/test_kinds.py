"""Every kind of data that can be named can be read and is explained."""

from irs_core.data import load
from irs_core.spec.data_kinds import KINDS


def test_every_kind_has_a_reader_and_words() -> None:
    assert set(load._OPENERS) == set(KINDS)
    for kind, entry in KINDS.items():
        assert all((entry.what, entry.where, entry.scale > 0)), kind
        assert ("ROOT" in entry.where) == entry.root, kind
