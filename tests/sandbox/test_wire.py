"""Messages of a child, as bytes."""

import struct

import pytest

from irs_core.sandbox.wire import WireError, decode, encode


def test_texts_are_bounded_and_arrays_are_not():
    """A short text becomes many objects: a hundred bytes of memory for each of two of a message."""
    head = b"[" + b"{}," * 3_000_000 + b"{}]"
    with pytest.raises(WireError, match="texts of a message are too long"):
        decode(struct.pack(">Q", len(head)) + head)
    assert decode(encode({"text": "x" * 1_000_000}))["text"] == "x" * 1_000_000
