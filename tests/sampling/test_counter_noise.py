"""Noise by counter: known words, one law in two implementations, any draw by its number."""

import hashlib

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from irs_core.sampling import counter_noise
from irs_core.sampling.counter_noise import CounterNoise, counter_key
from irs_core.sampling.device_noise import DeviceNoise, halves, key_tensor
from irs_core.sampling.integer_noise import integer_law
from irs_core.sampling.noise import chosen_blocks, noise_blocks
from irs_core.sampling.philox import PhiloxStream, halves_at, philox
from irs_core.sampling.sampler import Request, sample
from irs_core.spec.study import NoiseSpec
from irs_core.store import CHUNK_DRAWS

SHAPES = [(1, 1, 1), (1, 3, 3), (1, 8, 8), (3, 32, 32)]
KEY = (0x0123456789ABCDEF, 0xFEDCBA9876543210)
FAR = (0, 1, (1 << 32) - 2, (1 << 40) + 3)
# Salmon et al., Random123, tests/kat_vectors, philox4x64-10: counter, key, words.
KNOWN = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        ((1 << 64) - 1,) * 4,
        ((1 << 64) - 1,) * 2,
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]


def noise(sigma=0.5, kind="rounded", seed=3):
    return NoiseSpec(sigma, seed, kind, generator="philox")


def by_definition(spec, numbers, shape, stream="estimate", group=0, scale=255):
    """Every value through all of its 64 bits."""
    law, key = integer_law(spec.kind, spec.sigma, scale), counter_key(spec, stream, group)
    pixels = int(np.prod(shape))
    width = -(-pixels // 8) * 8
    places = (np.asarray(numbers)[:, None] * width + np.arange(pixels)).astype(np.uint64).ravel()
    upper, lower = (halves_at(key, places, purpose).astype(np.uint64) for purpose in (0, 1))
    reached = np.searchsorted(law.thresholds, upper << np.uint64(32) | lower, side="right")
    return (law.first + reached).reshape(-1, *shape)


def in_torch(spec, stream, group, shape, numbers):
    keys = key_tensor([counter_key(spec, stream, group)] * len(numbers))
    return DeviceNoise(spec, shape, 255).draws(keys, torch.from_numpy(numbers))


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers_of_random123(counter, key, words):
    found = philox(key, tuple(np.array([word], np.uint64) for word in counter))
    assert tuple(int(word[0]) for word in found) == words


@pytest.mark.parametrize("purpose", [0, 1, (1 << 64) - 1])
@pytest.mark.parametrize("first", FAR)
def test_words_are_those_of_numpy(first, purpose):
    there = np.random.Philox(
        key=KEY[0] | KEY[1] << 64, counter=(purpose << 128 | first) - 1 & ~(-1 << 256)
    )
    expected = there.random_raw(4 * 50)
    blocks = np.arange(first, first + 50, dtype=np.uint64)
    zero = np.zeros_like(blocks)
    words = philox(KEY, (blocks, zero, zero + np.uint64(purpose), zero))
    found = np.stack(words, axis=1).ravel()
    np.testing.assert_array_equal(found, expected)
    if purpose < 2:
        low, high = key_tensor([KEY])[:, :1], key_tensor([KEY])[:, 1:]
        in_torch = halves(low, high, torch.arange(first, first + 50)[None], purpose)[0].numpy()
        np.testing.assert_array_equal(in_torch, expected.astype("<u8").view("<u4"))


def test_a_stream_goes_back_and_ahead():
    stream, whole = PhiloxStream(KEY), PhiloxStream(KEY).halves(0, 64)
    for first, blocks in ((5, 3), (8, 1), (0, 9), (60, 4), (2, 1)):
        expected = whole[8 * first : 8 * (first + blocks)]
        np.testing.assert_array_equal(stream.halves(first, blocks), expected)


@pytest.mark.parametrize("kind", ["rounded", "discrete"])
@pytest.mark.parametrize("sigma", [0.004, 0.12, 0.25, 0.5, 1.0, 8.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_numpy_torch_and_the_definition_agree_bit_for_bit(kind, sigma, shape):
    spec, numbers = noise(sigma, kind), np.array([0, 1, 7, 499, 500, 9_999_999])
    own = CounterNoise(spec, "estimate", 0, shape, 255).draws(numbers)
    np.testing.assert_array_equal(own, by_definition(spec, numbers, shape))
    theirs = in_torch(spec, "estimate", 0, shape, numbers)
    assert theirs.dtype == torch.int16
    np.testing.assert_array_equal(theirs.numpy(), own)


@pytest.mark.parametrize("sigma", [0.25, 1.0])
def test_a_million_values_agree(sigma):
    numbers, shape = np.arange(1000, 1350), (3, 32, 32)
    own = CounterNoise(noise(sigma), "select", 5, shape, 255).draws(numbers)
    theirs = in_torch(noise(sigma), "select", 5, shape, numbers)
    np.testing.assert_array_equal(theirs.numpy(), own)


def crafted(words):
    """What a decoder makes of upper words, and what the definition does."""
    law, upper = integer_law("rounded", 0.5, 255), np.asarray(words, np.uint32)
    out = np.empty(len(upper), np.int16)
    counter_noise._decoder("rounded", 0.5, 255).decode(upper, KEY, 16, out)
    lower = halves_at(KEY, np.arange(16, 16 + len(upper), dtype=np.uint64), 1).astype(np.uint64)
    whole = upper.astype(np.uint64) << np.uint64(32) | lower
    return out, law.first + np.searchsorted(law.thresholds, whole, side="right")


def test_words_at_and_beside_every_threshold_are_decided_by_all_64_bits():
    edges = (integer_law("rounded", 0.5, 255).thresholds >> np.uint64(32)).astype(np.int64)
    words = np.concatenate([edges - 1, edges, edges + 1, [0, (1 << 32) - 1, 1 << 31]])
    out, expected = crafted(np.clip(words, 0, (1 << 32) - 1))
    np.testing.assert_array_equal(out, expected)


def test_the_lower_word_decides_where_the_upper_one_equals_a_threshold():
    edge = int(integer_law("rounded", 0.5, 255).thresholds[900] >> np.uint64(32))
    out, _ = crafted(np.full(4000, edge))
    assert len(np.unique(out)) == 2


@pytest.mark.parametrize(("sigma", "scale"), [(1.0, 1), (0.25, 255), (1.0, 255)])
@pytest.mark.parametrize("kind", ["rounded", "discrete"])
def test_ten_million_draws_follow_the_law(kind, sigma, scale):
    spec, count = noise(sigma, kind), 10_000_000
    found = CounterNoise(spec, "estimate", 0, (count // 100,), scale).draws(np.arange(100)).ravel()
    probabilities = integer_law(kind, sigma, scale).probabilities
    likely = {z: float(p) * count for z, p in probabilities.items() if p * count >= 25}
    low, high = min(likely), max(likely)
    counts = np.bincount(np.clip(found, low - 1, high + 1) - (low - 1), minlength=high - low + 3)
    observed = np.append(counts[1:-1], counts[0] + counts[-1])
    expected = np.append([likely[z] for z in range(low, high + 1)], count - sum(likely.values()))
    assert chisquare(observed, expected, sum_check=False).pvalue > 1e-4


def test_neighbouring_values_draws_streams_and_groups_are_uncorrelated():
    def one(stream="estimate", group=0, seed=3):
        source = CounterNoise(noise(seed=seed), stream, group, (1, 8, 8), 255)
        return source.draws(np.arange(4000)).reshape(4000, -1).astype(float)

    first = one()
    pairs = [
        (first[:, :-1], first[:, 1:]),
        (first[:-1], first[1:]),
        (first, one("select")),
        (first, one(group=1)),
        (first, one(seed=4)),
    ]
    for left, right in pairs:
        assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 5 / np.sqrt(left.size)


def test_these_exact_values_on_every_platform():
    blocks = noise_blocks(noise(0.25), "estimate", 0, 0, shape=(3, 8, 8))
    values = np.concatenate(list(blocks))
    assert values.shape == (CHUNK_DRAWS, 3, 8, 8)
    assert values.ravel()[:4].tolist() == [27, -49, -86, -11]
    assert hashlib.sha256(values.astype("<i2").tobytes()).hexdigest()[:16] == "40b29d01d6cd49f9"


def test_a_draw_has_one_number_through_all_chunks():
    spec = noise()
    source = CounterNoise(spec, "estimate", 2, (1, 3, 3), 255)
    (found,) = noise_blocks(spec, "estimate", 2, 3, shape=(1, 3, 3), start=7, stop=9)
    np.testing.assert_array_equal(found, source.draws(np.array([1507, 1508])))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("block", [1, 7, 500])
def test_chosen_draws_are_those_of_the_whole_chunk(shape, block):
    wanted = np.random.default_rng(1).random(300) < 0.1
    whole = np.concatenate(
        list(noise_blocks(noise(), "estimate", 0, 1, shape=shape, start=100, stop=400))
    )
    found = list(
        chosen_blocks(noise(), "estimate", 0, 1, wanted, shape=shape, start=100, block=block)
    )
    places = np.concatenate([one for one, _ in found])
    np.testing.assert_array_equal(places, wanted.nonzero()[0])
    np.testing.assert_array_equal(np.concatenate([one for _, one in found]), whole[places])
    assert list(chosen_blocks(noise(), "estimate", 0, 1, wanted & False, shape=shape)) == []


@pytest.mark.parametrize("spec", [noise(), NoiseSpec(0.5, 3, "rounded"), NoiseSpec(0.5, 3)])
def test_chosen_blocks_of_either_generator_hold_what_is_wanted(spec):
    wanted = np.zeros(500, np.bool_)
    wanted[[3, 200, 201]] = True
    whole = np.concatenate(list(noise_blocks(spec, "estimate", 0, 0, shape=(1, 3, 3))))
    for places, values in chosen_blocks(spec, "estimate", 0, 0, wanted, shape=(1, 3, 3)):
        np.testing.assert_array_equal(values, whole[places])
        wanted[places] = False
    assert not wanted.any()


class _Counting:
    """Answers with the sum of an image modulo 7."""

    execution = "test"

    def __call__(self, inputs):
        return np.rint(inputs * 255).astype(np.int64).sum((1, 2, 3)) % 7


def _sampled(rows, mask=None, **options):
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), np.uint8)
    request = Request(_Counting(), np.asarray(rows), mask)
    found = sample(
        images,
        [0, 0, 2],
        [request],
        noise=noise(),
        stream="estimate",
        chunk=1,
        start=20,
        stop=220,
        **options,
    )
    return found[0].classes


def test_the_loop_makes_chosen_draws_only_and_changes_no_answer(monkeypatch):
    made = [0]
    real = CounterNoise._run

    def counted(self, first, last):
        made[0] += last - first
        return real(self, first, last)

    monkeypatch.setattr(CounterNoise, "_run", counted)
    whole = _sampled([True] * 3)
    assert made[0] == 2 * 200
    mask = np.zeros((3, 200), np.bool_)
    mask[0, ::20], mask[2, 190:] = True, True
    made[0] = 0
    for block in (3, None):
        found = _sampled([True, False, True], mask, block=block)
        np.testing.assert_array_equal(found, np.where(mask, whole, -1))
    assert made[0] == 2 * (10 + 10)
