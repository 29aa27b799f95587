"""Arrays come out of pickles as numpy reads them, and nothing of numpy's is called to get them."""

import io
import pickle

import numpy as np
import pytest

from irs_core.data import array_pickle
from irs_core.data.array_pickle import load_arrays


def load(content):
    return load_arrays(io.BytesIO(content))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["u1", "<i8", ">i4", "<f4", "b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_those_that_numpy_would_read(protocol, kind, order):
    array = np.asarray(np.arange(12).reshape(3, 4) % 5, kind, order=order)
    content = pickle.dumps({"data": array, "labels": [1, 2]}, protocol=protocol)
    found = load(content)
    expected = pickle.loads(content)["data"]
    (data,) = (value for value in found.values() if isinstance(value, np.ndarray))
    assert data.dtype == expected.dtype
    assert np.array_equal(data, expected)


class _State:
    """Pickled as an array whose state is what it is given."""

    def __init__(self, *state):
        self.state = state

    def __reduce__(self):
        return np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), self.state


U1 = np.dtype("u1")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ((1, (3,), U1, False, b"ab"), "has 2 bytes"),
        ((1, (-1,), U1, False, b"ab"), "shape"),
        ((1, (True,), U1, False, b"a"), "shape"),
        ((1, (1,) * 5, U1, False, b"a"), "shape"),
        ((1, [1], U1, False, b"a"), "shape"),
        ((1, (1,), "u1", False, b"a"), "no type"),
        ((1, (1,), U1, False, ["a"]), "no type or no content"),
        ((1, (1,), np.dtype("O"), False, [b"a"]), "no content"),
        ((1, (1,), np.dtype("O"), False, b"12345678"), "type 'O8'"),
        ((1, (1,), np.dtype("V9"), False, b"123456789"), "type 'V9'"),
        ((1,), "unpack"),
    ],
)
def test_states_that_fit_no_array_are_refused(state, message):
    with pytest.raises(Exception, match=message):
        load(pickle.dumps({"data": _State(*state)}, protocol=2))


def test_nothing_but_arrays_gets_a_state():
    # The function that encodes, and attributes for it.
    content = b"\x80\x02c_codecs\nencode\n}U\x04nameK\x01sb."
    with pytest.raises(pickle.UnpicklingError, match="changes what is no array"):
        load(content)
    assert not hasattr(array_pickle._latin1, "name")


def test_what_is_no_dictionary_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="no dictionary"):
        load(pickle.dumps([1, 2]))
