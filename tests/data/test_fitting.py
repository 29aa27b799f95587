"""What is said of images that do not fit a model."""

import pytest

from irs_core.data.fitting import way_to_fit


@pytest.mark.parametrize(
    ("kind", "wanted", "own", "way"),
    [
        (
            "digits",
            (3, 32, 32),
            (1, 8, 8),
            ": these are digits, the data where none are named: --data KIND --root FOLDER",
        ),
        ("digits", (3, 8, 8), (1, 8, 8), ": --channels 3 repeats grey in three channels"),
        ("image-folder", (3, 32, 32), (3, 64, 48), ": --size 32 resizes them"),
        (
            "image-folder",
            (1, 28, 28),
            (3, 32, 32),
            ": --size 28 resizes them, --channels 1 makes colours grey",
        ),
        ("image-folder", (3, 32, 48), (3, 64, 64), ""),
        ("npz", (3, 32, 32), (3, 64, 64), ""),
        ("npz", (4, 8, 8), (3, 8, 8), ""),
    ],
)
def test_only_what_helps_is_named(kind, wanted, own, way):
    assert way_to_fit(kind, wanted, own) == way
