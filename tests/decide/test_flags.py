from pathlib import Path

import numpy as np
import pytest

from irs_core.decide import (
    Flag,
    accuracy_flag,
    channel_order_flag,
    draws_flag,
    folder_order_flag,
    inputs_flag,
    integer_sums_flag,
    noise_flag,
    normalisation_flags,
    permuted_labels_flag,
    shared_noise_flag,
    unequal_draws_flag,
)
from irs_core.errors import InvalidSampleError

DOCS = Path(__file__).parents[2] / "docs" / "flags.md"


def permuted() -> np.ndarray:
    good = np.full((10, 10), 1) + 40 * np.eye(10, dtype=int)
    return good[[0, 2, 1, 3, 4, 5, 6, 7, 8, 9]]


def all_flags() -> list[Flag]:
    found = [
        accuracy_flag(11, 100, 10),
        accuracy_flag(0, 100, 10),
        permuted_labels_flag(permuted()),
        folder_order_flag(["0", "1", "10", "2"]),
        *normalisation_flags(guessed=True, used=(20, 100), alternatives={"imagenet": (90, 100)}),
        channel_order_flag([False] * 20, [True] * 20, options="--channel-order bgr"),
        draws_flag(5, 0.001),
        noise_flag(95, 20, 100, 0.5),
        inputs_flag(50),
        unequal_draws_flag(10_000, 1_000),
        integer_sums_flag(["openvino cpu int8, 8-bit sums may saturate"]),
        shared_noise_flag(4),
    ]
    assert None not in found
    return [one for one in found if one is not None]


def test_every_flag_has_a_sentence_and_a_place_in_the_docs() -> None:
    flags = all_flags()
    headings = [one[3:].strip() for one in DOCS.read_text().splitlines() if one[:3] == "## "]
    assert len({one.code for one in flags}) == len(flags) == 13
    assert sorted(one.code for one in flags) == sorted(headings)
    for one in flags:
        assert one.anchor == f"docs/flags.md#{one.code}"
        assert len(one.sentence) > 20


def test_sound_evaluations_raise_nothing() -> None:
    assert accuracy_flag(60, 100, 10) is None
    assert shared_noise_flag(1) is None
    assert permuted_labels_flag(np.full((10, 10), 1) + 40 * np.eye(10, dtype=int)) is None
    assert folder_order_flag(["0", "1", "2", "10"]) is None
    assert folder_order_flag(["0", "1", "2"]) is None
    assert folder_order_flag(["cat", "dog"]) is None
    assert folder_order_flag([]) is None
    assert normalisation_flags(guessed=False, used=(90, 100), alternatives={"a": (91, 100)}) == ()
    assert draws_flag(100, 0.001) is None
    assert noise_flag(90, 70, 100, 0.25) is None
    assert inputs_flag(100) is None
    assert unequal_draws_flag(1_000, 1_000) is None
    assert integer_sums_flag(["openvino cpu fp32", "openvino cpu int8"]) is None


def test_accuracy_is_told_apart() -> None:
    near, below = accuracy_flag(11, 100, 10), accuracy_flag(0, 100, 10)
    assert near is not None
    assert below is not None
    assert (near.code, below.code) == ("accuracy-near-chance", "accuracy-below-chance")
    with pytest.raises(InvalidSampleError, match="classes must be at least 2"):
        accuracy_flag(1, 2, 1)


def test_a_renaming_must_fit_significantly_better() -> None:
    flag = permuted_labels_flag(permuted())
    assert flag is not None
    assert "renaming 2 classes" in flag.sentence
    # Noise alone always has a best renaming; it is no reason to doubt the labels.
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert (
            permuted_labels_flag(rng.multinomial(500, np.full(100, 0.01)).reshape(10, 10)) is None
        )
    with pytest.raises(InvalidSampleError, match="square"):
        permuted_labels_flag(np.zeros((2, 3), int))
    assert permuted_labels_flag(np.zeros((0, 0), int)) is None


def test_renaming_many_classes_is_found() -> None:
    n = 100
    rolled = np.roll(30 * np.eye(n, dtype=int), 1, axis=1) + 1
    flag = permuted_labels_flag(rolled)
    assert flag is not None
    assert f"renaming {n} classes" in flag.sentence


def test_the_folder_that_is_out_of_place_is_named() -> None:
    flag = folder_order_flag(sorted(str(i) for i in range(12)))
    assert flag is not None
    assert "class 2 is folder '10'" in flag.sentence


def test_thousands_of_renamed_labels_are_seen_although_their_chance_underflows() -> None:
    assert permuted_labels_flag(np.roll(40 * np.eye(300, dtype=int), 1, axis=0)) is not None
    # As many renamings as these are likely to fit a few inputs of each class by chance.
    assert permuted_labels_flag(np.roll(2 * np.eye(600, dtype=int), 1, axis=0)) is None


def test_the_order_of_channels_is_compared_on_the_same_images():
    used, other = np.zeros(40, bool), np.zeros(40, bool)
    used[:20] = True
    other[:20] = True
    other[20:27] = True
    flag = channel_order_flag(used, other, options="--channel-order bgr")
    # Seven inputs gained, none lost: a coin does so once in 128 times.
    assert flag is not None
    assert "(--channel-order bgr) 27 of 40 inputs are right, as they are 20" in flag.sentence
    assert flag.anchor.removeprefix("docs/flags.md#") == flag.code == "channel-order-fits-worse"
    other[26] = False
    assert channel_order_flag(used, other, options="") is None
    assert channel_order_flag(used, used, options="") is None
    assert channel_order_flag(other, used, options="") is None
