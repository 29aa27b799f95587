import numpy as np
import pytest

from irs_core.certify import (
    Cache,
    Replay,
    Status,
    build_cache_from_hits,
    certify_sequential,
    incremental_limit,
    replay_incremental,
    replay_scratch,
    step,
)
from irs_core.errors import InvalidSampleError
from irs_core.stats import crossed, failures_allowed, fewest_draws, limit_q0

SIGMA, RADIUS, A1, A2 = 0.5, 0.4, 0.001, 0.001


def _evidence() -> tuple[Cache, np.ndarray, np.ndarray]:
    """120 inputs, 400 draws: whether f^p left the candidate, and whether f predicted it."""
    rng = np.random.default_rng(11)
    p = rng.uniform(0.7, 1.0, (120, 1))
    q = rng.choice([0.0, 0.01, 0.05, 0.3], (120, 1))
    hits = rng.random((120, 400)) < p
    cache = build_cache_from_hits(np.zeros(120), hits.sum(axis=1), n0=10, n=400, alpha=0.001)
    return cache, rng.random((120, 400)) < q, hits


def _by_steps(
    limit: np.ndarray, failed: list[np.ndarray], most: int, block: int, give_up: float | None
) -> Replay:
    """The same one input and one batch at a time, as a sampler would do it."""
    rows = []
    for outcomes, q in zip(failed, limit, strict=True):
        reach = min(most, len(outcomes))
        j, status = 0, np.uint8(Status.OPEN)
        while True:
            k = int(outcomes[:j].sum())
            (status,) = step(status, [k], [j], limit=[q], alpha=A2, most=reach, give_up=give_up)
            if status != Status.OPEN:
                break
            j = min(j + block, reach)
        rows.append((status, j, k))
    status, draws, failures = np.array(rows).T
    return Replay(status.astype(np.uint8), draws, failures, limit)


@pytest.mark.parametrize(
    ("block", "most", "give_up"), [(1, 400, None), (7, 400, 0.05), (50, 120, 0.3), (500, 90, None)]
)
def test_replay_stops_where_single_steps_do(block: int, most: int, give_up: float | None) -> None:
    cache, left, hits = _evidence()
    got = replay_incremental(
        cache,
        left,
        hits,
        radius=RADIUS,
        sigma=SIGMA,
        a1=A1,
        a2=A2,
        block=block,
        most=most,
        give_up=give_up,
    )
    limit = incremental_limit(cache, radius=RADIUS, sigma=SIGMA, a1=A1)
    wanted = _by_steps(limit, [x[h] for x, h in zip(left, hits, strict=True)], most, block, give_up)
    np.testing.assert_array_equal(got.status, wanted.status)
    np.testing.assert_array_equal(got.draws, wanted.draws)
    np.testing.assert_array_equal(got.failures, wanted.failures)
    assert len(set(got.status)) >= 3


def test_certified_inputs_are_those_that_the_certifier_certifies() -> None:
    cache, left, hits = _evidence()
    given = {"radius": RADIUS, "sigma": SIGMA, "a1": A1, "a2": A2}
    got = replay_incremental(cache, left, hits, **given)  # type: ignore[arg-type]
    made = certify_sequential(cache, failures=got.failures, draws=got.draws, **given)  # type: ignore[arg-type]
    np.testing.assert_array_equal(made.predicted >= 0, got.status == Status.CERTIFIED)
    assert 20 < np.sum(got.status == Status.CERTIFIED) < 100


def test_only_hits_are_read_and_in_order() -> None:
    cache, left, hits = _evidence()
    given = {"radius": RADIUS, "sigma": SIGMA, "a1": A1, "a2": A2}
    clean = replay_incremental(cache, left & hits, hits, **given)  # type: ignore[arg-type]
    noisy = replay_incremental(cache, left | ~hits, hits, **given)  # type: ignore[arg-type]
    np.testing.assert_array_equal(clean.draws, noisy.draws)
    np.testing.assert_array_equal(clean.failures, noisy.failures)


def test_an_unknown_hit_ends_the_stream() -> None:
    cache = build_cache_from_hits([0, 0], [400, 400], n0=10, n=400, alpha=0.001)
    hits = np.ones((2, 400), bool)
    hits[1, 30] = False
    known = np.ones((2, 400), bool)
    known[:, 30] = False
    got = replay_incremental(
        cache,
        np.zeros((2, 400), bool),
        hits,
        radius=RADIUS,
        sigma=SIGMA,
        a1=A1,
        a2=A2,
        known=known,
    )
    needed = fewest_draws(0, incremental_limit(cache, radius=RADIUS, sigma=SIGMA, a1=A1), A2)
    assert needed[0] > 30
    assert got.status.tolist() == [Status.FUTILE, Status.CERTIFIED]
    assert got.draws.tolist() == [0, needed[1]]


def test_from_scratch_every_draw_counts() -> None:
    rng = np.random.default_rng(2)
    failed = rng.random((40, 500)) < rng.choice([0.0, 0.1, 0.2, 0.4], (40, 1))
    got = replay_scratch(failed, radius=0.4, sigma=0.5, alpha=A2, give_up=0.05)
    limit = limit_q0(1.0, 0.4, 0.5)
    wanted = _by_steps(np.full(40, limit), list(failed), 500, 1, 0.05)
    np.testing.assert_array_equal(got.status, wanted.status)
    np.testing.assert_array_equal(got.draws, wanted.draws)
    assert set(got.status) >= {Status.CERTIFIED, Status.GIVEN_UP}


def test_a_proof_stays_whatever_comes_later() -> None:
    given = {"limit": [0.1], "alpha": 0.01, "most": 1000}
    proven = step(Status.OPEN, [0], [100], **given)  # type: ignore[arg-type]
    assert proven.tolist() == [Status.CERTIFIED]
    assert step(proven, [60], [160], **given).tolist() == [Status.CERTIFIED]  # type: ignore[arg-type]
    assert step(Status.OPEN, [60], [160], **given).tolist() == [Status.OPEN]  # type: ignore[arg-type]


def test_a_step_names_the_reason() -> None:
    allowed = int(failures_allowed(200, 0.1, 0.01))
    got = step(
        [Status.OPEN] * 5 + [Status.FUTILE],
        [0, allowed + 1, 0, 9, 40, 0],
        [0, 100, 200, 50, 90, 150],
        limit=[0.0, 0.1, 0.01, 0.1, 0.1, 0.1],
        alpha=0.01,
        most=[200, 200, 200, 1000, 5000, 200],
        give_up=0.05,
    )
    assert got.tolist() == [
        Status.NOT_CERTIFIABLE,
        Status.FUTILE,
        Status.OUT_OF_DRAWS,
        Status.OPEN,
        Status.GIVEN_UP,
        Status.FUTILE,
    ]


def test_blocks_spend_at_most_one_block_more_where_nothing_fails() -> None:
    failed = np.zeros((1, 500), bool)
    one = replay_scratch(failed, radius=0.8, sigma=0.5, alpha=A2)
    many = replay_scratch(failed, radius=0.8, sigma=0.5, alpha=A2, block=20)
    assert one.draws <= many.draws < one.draws + 20
    assert many.draws % 20 == 0
    assert not crossed(0, one.draws - 1, one.limit, A2)


def test_no_input_and_no_draw() -> None:
    empty = replay_scratch(np.zeros((0, 5), bool), radius=0.4, sigma=0.5, alpha=A2)
    assert empty.draws.shape == (0,)
    bare = replay_scratch(np.zeros((2, 0), bool), radius=0.4, sigma=0.5, alpha=A2, give_up=0.05)
    assert bare.status.tolist() == [Status.OUT_OF_DRAWS] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"block": 0}, "block >= 1"),
        ({"most": -1}, "most >= 0"),
        ({"give_up": 1.0}, "give_up"),
        ({"known": np.ones((2, 3), bool)}, "one shape"),
        ({"radius": float("inf")}, "radius"),
    ],
)
def test_refuses_what_does_not_fit(changes: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"radius": 0.4, "sigma": 0.5, "alpha": 0.01}
    with pytest.raises(InvalidSampleError, match=message):
        replay_scratch(np.zeros((2, 5), bool), **(given | changes))  # type: ignore[arg-type]
