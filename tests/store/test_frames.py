import numpy as np
import pytest
from numcodecs.zstd import Zstd

from irs_core.errors import StoreError
from irs_core.store.frames import declared_size


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("size", [0, 1, 255, 256, 16_000, 65_791, 65_792, 10**6])
@pytest.mark.parametrize("random", [False, True])
def test_frames_declare_what_they_unpack_to(size, checksum, random):
    content = np.random.default_rng(0).bytes(size) if random else bytes(size)
    assert declared_size(Zstd(level=3, checksum=checksum).encode(content)) == size


FRAME = Zstd(level=3).encode(bytes(16_000))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        FRAME[:5],
        FRAME[:-1],
        FRAME + b"x",
        FRAME + FRAME,
        b"\x50\x2a\x4d\x18" + FRAME[4:],
        FRAME[:4] + bytes([FRAME[4] | 0x01]) + FRAME[5:],
        FRAME[:4] + bytes([FRAME[4] | 0x08]) + FRAME[5:],
        FRAME[:4] + bytes([FRAME[4] | 0x04]) + FRAME[5:],
        FRAME[:7] + b"\x07" + FRAME[8:],
    ],
    ids=[
        "empty",
        "head only",
        "truncated",
        "longer",
        "two frames",
        "skippable",
        "dictionary",
        "reserved bit",
        "no checksum",
        "reserved block",
    ],
)
def test_what_is_not_one_whole_frame_is_refused(frame):
    with pytest.raises(StoreError, match="a chunk must be"):
        declared_size(frame)


def test_a_decoder_never_exceeds_the_declared_size():
    run = (15_000 << 3 | 2).to_bytes(3, "little") + b"x"
    last = (1 << 3 | 3).to_bytes(3, "little") + b"x"
    frame = b"\x28\xb5\x2f\xfd\xa0" + (16_000).to_bytes(4, "little") + 100 * run + last
    assert declared_size(frame) == 16_000
    with pytest.raises(RuntimeError, match="Destination buffer is too small"):
        Zstd().decode(frame)
