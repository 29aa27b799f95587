import threading
import time

import numpy as np
import pytest

from irs_core.errors import ModelOutputError
from irs_core.sampling import sampler
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import NoiseSpec

NOISE = NoiseSpec(0.5, seed=1)
IMAGES = np.random.default_rng(0).random((5, 1, 4, 4)).astype(np.float32)


class Threshold:
    """Classifies by the mean of the pixels, and keeps what it was shown."""

    execution = "test"

    def __init__(self, cut=0.5):
        self.cut = cut
        self.seen = []

    def __call__(self, inputs):
        self.seen.append(inputs.copy())
        return (inputs.mean(axis=(1, 2, 3)) > self.cut).astype(np.int64)


def run(*predictors, rows=None, groups=range(5), **options):
    rows = rows or [np.ones(5, bool)] * len(predictors)
    requests = [Request(predictor, mask) for predictor, mask in zip(predictors, rows, strict=True)]
    defaults = {"noise": NOISE, "stream": "estimate", "chunk": 0, "start": 0, "stop": 200}
    return sample(IMAGES, groups, requests, **{**defaults, **options})


class Behind(Threshold):
    """The same, run while the next draws are made."""

    overlaps = True

    def __init__(self, cut=0.5, fails_at=-1):
        super().__init__(cut)
        self.threads, self.fails_at = [], fails_at

    def __call__(self, inputs):
        self.threads.append(threading.get_ident())
        if len(self.threads) == self.fails_at:
            raise ModelOutputError("the model returned NaN")
        time.sleep(0.001)
        return super().__call__(inputs)


@pytest.mark.parametrize("values", [64, 4_000, 4_000_000])
def test_what_runs_behind_answers_the_same(monkeypatch, values):
    monkeypatch.setattr(sampler, "BLOCK_VALUES", values)
    here, behind, other = Threshold(), Behind(), Behind(0.9)
    (first,), (second, third) = run(here), run(behind, other)
    assert np.array_equal(first.classes, second.classes)
    assert np.array_equal(third.classes, run(Threshold(0.9))[0].classes)
    assert np.array_equal(np.concatenate(here.seen), np.concatenate(behind.seen))
    assert threading.get_ident() not in behind.threads + other.threads
    # One after the other.
    assert len({*behind.threads, *other.threads}) == 1
    assert second.seconds > 0.001 * len(behind.threads)


def test_beside_one_that_computes_here_nothing_runs_behind():
    behind = Behind()
    run(Threshold(), behind)
    assert set(behind.threads) == {threading.get_ident()}


@pytest.mark.parametrize("at", [1, 2, 5])
def test_what_fails_behind_is_raised(monkeypatch, at):
    monkeypatch.setattr(sampler, "BLOCK_VALUES", 4_000)
    behind = Behind(fails_at=at)
    with pytest.raises(ModelOutputError, match="returned NaN"):
        run(behind)
    assert at <= len(behind.threads) <= at + 1


@pytest.mark.parametrize("block", [1, 7, 200, 256])
def test_block_size_never_changes_predictions(block):
    assert np.array_equal(run(Threshold(), block=block)[0].classes, run(Threshold())[0].classes)


def test_classifiers_of_one_unit_see_the_same_noise():
    a, b = Threshold(), Threshold(0.9)
    run(a, b)
    assert np.array_equal(np.concatenate(a.seen), np.concatenate(b.seen))


def test_noise_is_added_to_the_image():
    one = Threshold()
    run(one, stop=100)
    noise = np.concatenate(one.seen).reshape(5, 100, 16) - IMAGES.reshape(5, 1, 16)
    assert abs(noise.std() - 0.5) < 0.02
    assert abs(noise.mean()) < 0.02


def test_inputs_have_noise_of_their_own_unless_grouped():
    def noise_of(groups):
        one = Threshold()
        run(one, groups=groups, stop=64, block=64)
        return list(np.concatenate(one.seen).reshape(5, 64, 1, 4, 4) - IMAGES[:, None])

    own, shared = noise_of([0, 1, 2, 3, 4]), noise_of([0, 0, 0, 3, 4])
    assert not np.allclose(own[0], own[1], atol=1e-3)
    assert np.allclose(shared[0], shared[2], atol=1e-6)
    assert not np.allclose(shared[2], shared[3], atol=1e-3)
    assert np.allclose(own[3], shared[3], atol=1e-6)


def test_rows_that_are_not_asked_for_are_not_run():
    one, other = Threshold(), Threshold()
    mask = np.array([True, False, True, False, False])
    results = run(one, other, rows=[mask, ~mask])
    assert sum(len(block) for block in one.seen) == 2 * 200
    assert (results[0].classes[~mask] == -1).all()
    full = run(Threshold())[0].classes
    assert np.array_equal(results[0].classes[mask], full[mask])
    assert np.array_equal(results[1].classes[~mask], full[~mask])


def test_a_later_part_equals_that_part_of_the_whole():
    assert np.array_equal(
        run(Threshold(), start=50, stop=120)[0].classes, run(Threshold())[0].classes[:, 50:120]
    )


def test_each_classifier_pays_for_the_noise():
    fast, slow = run(Threshold(), Threshold())
    assert fast.seconds > 0
    assert slow.seconds > 0


def test_nobody_pays_for_the_noise_of_rows_that_it_did_not_run(monkeypatch):
    # Time passes only where noise is made: 10^row seconds for each row.
    now = threading.local()
    real = sampler.chosen_blocks

    def slow(noise, stream, group, *rest, **options):
        now.passed = getattr(now, "passed", 0.0) + 10.0**group
        yield from real(noise, stream, group, *rest, **options)

    monkeypatch.setattr(sampler, "perf_counter", lambda: getattr(now, "passed", 0.0))
    monkeypatch.setattr(sampler, "chosen_blocks", slow)
    mask = np.array([True, False, True, False, False])
    one, other, both = run(
        Threshold(), Threshold(), Threshold(), rows=[mask, ~mask, np.ones(5, bool)]
    )
    assert (one.seconds, other.seconds, both.seconds) == (101.0, 11010.0, 11111.0)


class Whole(Threshold):
    takes_steps = True


def test_integer_noise_reaches_each_classifier_in_its_own_form():
    pixels = (IMAGES * 16).round().astype(np.uint8)
    floating, whole = Threshold(), Whole()
    noise = NoiseSpec(0.5, seed=1, kind="rounded")
    options = {"noise": noise, "stream": "estimate", "chunk": 0, "start": 0, "stop": 20}
    requests = [Request(one, np.ones(5, bool)) for one in (floating, whole)]
    sample(pixels, [0, 1, 2, 3, 4], requests, scale=16, **options)
    for units, steps in zip(floating.seen, whole.seen, strict=True):
        assert (units.dtype, steps.dtype) == (np.float32, np.int16)
        assert np.array_equal(units, steps / np.float32(16))


def test_float_images_are_refused_under_integer_noise():
    with pytest.raises(TypeError, match="cast"):
        run(Threshold(), noise=NoiseSpec(0.5, kind="rounded"))


def test_only_chosen_draws_are_run_on_their_own_noise():
    rng = np.random.default_rng(3)
    mask = rng.random((5, 150)) < 0.3
    mask[2] = False
    rows = np.array([True, True, True, False, True])
    one = Threshold()
    options = {"noise": NOISE, "stream": "estimate", "chunk": 0, "start": 50, "stop": 200}
    (got,) = sample(IMAGES, range(5), [Request(one, rows, mask)], block=40, **options)
    (dense,) = run(Threshold(), start=50)
    wanted = mask & rows[:, None]
    assert np.array_equal(got.classes[wanted], dense.classes[wanted])
    assert (got.classes[~wanted] == -1).all()
    assert sum(len(part) for part in one.seen) == wanted.sum()


def test_chosen_draws_of_several_rows_share_a_call():
    mask = np.zeros((5, 200), bool)
    mask[:, :7] = True
    one = Threshold()
    options = {"noise": NOISE, "stream": "estimate", "chunk": 0, "start": 0, "stop": 200}
    sample(IMAGES, range(5), [Request(one, np.ones(5, bool), mask)], **options)
    assert [len(part) for part in one.seen] == [35]


def test_only_the_last_batch_of_a_unit_is_filled_up(monkeypatch):
    monkeypatch.setattr(sampler, "BLOCK_VALUES", 4 * 70 * 16)
    one = Threshold()
    one.batch = 32
    mask = np.zeros((5, 200), bool)
    mask[:, ::3] = True
    (found,) = sample(
        IMAGES, range(5), [Request(one, np.ones(5, bool), mask)], noise=NOISE,
        stream="estimate", chunk=0, start=0, stop=200,
    )  # fmt: skip
    *whole, last = [len(block) for block in one.seen]
    assert len(whole) > 1
    assert not any(length % 32 for length in whole)
    assert last == (5 * 67) % 32
    assert np.array_equal(found.classes, np.where(mask, run(Threshold())[0].classes, -1))
