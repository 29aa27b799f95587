import numpy as np
import pytest
from synthetic import synthetic_spec, write_predictions

from irs_core.run.plan import Need, plan_units, study_draws
from irs_core.spec.study import NoiseSpec
from irs_core.store import CHUNK_DRAWS, ChunkId, EvidenceKey
from irs_core.store.evidence import create_evidence

ALL = np.ones(40, bool)


def make(tmp_path, name="a", stream="estimate"):
    key = EvidenceKey(name, "d", NoiseSpec(0.5), stream, "t")
    return create_evidence(tmp_path, key, n_inputs=40, classes=10, pixels=64)


def test_nothing_stored_means_everything_is_planned(tmp_path):
    units = list(plan_units([Need("a", "estimate", 1100, make(tmp_path), ALL)]))
    assert [unit.at for unit in units] == [(t, c) for c in range(3) for t in range(2)]
    assert sum(unit.draws for unit in units) == 40 * 1100


def test_what_is_stored_is_not_planned_again(tmp_path):
    array = make(tmp_path)
    write_predictions(array, np.zeros((40, 1100), np.uint8))
    assert list(plan_units([Need("a", "estimate", 1100, array, ALL)])) == []


def test_more_draws_plan_only_the_difference(tmp_path):
    array = make(tmp_path)
    write_predictions(array, np.zeros((40, 700), np.uint8))
    units = list(plan_units([Need("a", "estimate", 1200, array, ALL)]))
    assert {(unit.at.chunk, unit.start, unit.stop) for unit in units} == {
        (1, 200, 500),
        (2, 0, 200),
    }
    assert sum(unit.draws for unit in units) == 40 * 500


def test_classifiers_share_the_units_of_a_stream(tmp_path):
    needs = [
        Need("a", "estimate", 600, make(tmp_path), ALL),
        Need("b", "estimate", 400, make(tmp_path, "b"), ALL),
    ]
    units = list(plan_units(needs))
    assert [len(unit.needs) for unit in units] == [2, 2, 1, 1]


def test_streams_are_planned_one_after_the_other(tmp_path):
    needs = [
        Need("a", "estimate", 100, make(tmp_path), ALL),
        Need("a", "select", 100, make(tmp_path, stream="select"), ALL),
    ]
    assert [unit.stream for unit in plan_units(needs)] == [
        "estimate",
        "estimate",
        "select",
        "select",
    ]


def test_only_the_rows_that_are_needed(tmp_path):
    rows = np.zeros(40, bool)
    rows[[3, 5]] = True
    (unit,) = plan_units([Need("a", "estimate", 100, make(tmp_path), rows)])
    assert unit.at == ChunkId(0, 0)
    assert np.flatnonzero(unit.rows[0]).tolist() == [3, 5]
    assert unit.draws == 200


def test_a_damaged_chunk_is_planned_again(tmp_path):
    array = make(tmp_path)
    write_predictions(array, np.zeros((40, 2 * CHUNK_DRAWS), np.uint8))
    chunk = next((tmp_path).glob("*/c/1/1"))
    chunk.write_bytes(chunk.read_bytes()[:5])
    (unit,) = plan_units([Need("a", "estimate", 2 * CHUNK_DRAWS, array, ALL)])
    assert unit.at == ChunkId(1, 1)


@pytest.mark.parametrize(
    ("changes", "draws"),
    [
        ({}, 60 * (100 + 2000 + 2 * (100 + 300 + 300))),
        ({"baseline": False}, 60 * (100 + 2000 + 2 * 300)),
        ({"compressions": ()}, 60 * 2100),
    ],
)
def test_draws_of_a_study(changes, draws):
    assert study_draws(synthetic_spec(**changes), 60) == draws


def test_only_the_chosen_draws(tmp_path):
    array = make(tmp_path)

    def every_third(at):
        mask = np.zeros((len(range(40)[array.rows(at.tile)]), CHUNK_DRAWS), bool)
        mask[:, ::3] = at.chunk == 1
        return mask

    rows = np.arange(40) < 10
    need = Need("a", "estimate", 800, array, rows, every_third)
    (unit,) = plan_units([need])
    assert (unit.at, unit.start, unit.stop) == (ChunkId(0, 1), 0, 300)
    assert unit.masks[0].shape == (32, 300)
    assert unit.draws == unit.masks[0].sum() == 10 * 100
    classes = np.where(unit.masks[0], 4, -1)
    array.merge_chunk(
        unit.at, unit.rows[0], 0, classes, seconds=1.0, hardware="t", mask=unit.masks[0]
    )
    assert list(plan_units([need])) == []
    assert (array.read_chunk(unit.at)[:10, 0:300:3] == 4).all()
    assert (array.read_chunk(unit.at) == 4).sum() == 1000
    assert next(array.notes()).draws == 1000
