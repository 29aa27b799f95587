"""How an evidence array is cut and described on disk, as a function of its key."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from irs_core.errors import StoreError
from irs_core.spec.fields import stable_id
from irs_core.spec.study import MAX_DRAWS, NoiseSpec, Stream

CHUNK_DRAWS = 500
_TILE_PIXELS = 131_072
_MAX_TILE_ROWS = 32


@dataclass(frozen=True)
class EvidenceKey:
    """What a prediction depends on. Equal noise and stream pair f with f^p draw by draw.

    Args:
        model: Digest of the classifier, compression included.
        data: Digest of the inputs.
        execution: Arithmetic that ran it, e.g. `torch cpu fp32`: part of what the classifier is.
    """

    model: str
    data: str
    noise: NoiseSpec
    stream: Stream
    execution: str

    @property
    def id(self) -> str:
        """Stable id; the name of the array's folder."""
        return stable_id(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """A description that JSON takes."""
        return {**asdict(self), "noise": self.noise.to_dict()}


def tile_rows_for(pixels: int) -> int:
    """Inputs per tile, so that a chunk is a few seconds of work at any image size."""
    return max(1, min(_MAX_TILE_ROWS, _TILE_PIXELS // max(1, pixels)))


def describe_array(key: EvidenceKey, n_inputs: int, classes: int, tile_rows: int) -> bytes:
    """The description of an array, as zarr writes it."""
    dtype = np.uint8 if classes <= np.iinfo(np.uint8).max else np.uint16
    store = MemoryStore()
    zarr.create_array(
        store,
        # Arrays are sparse, so the declared width costs nothing and never has to grow.
        shape=(n_inputs, MAX_DRAWS),
        chunks=(tile_rows, CHUNK_DRAWS),
        dtype=dtype,
        fill_value=np.iinfo(dtype).max,
        serializer=BytesCodec(),
        compressors=[ZstdCodec(level=3), Crc32cCodec()],
        attributes={"key": key.to_dict(), "classes": classes},
    )
    return bytes(store._store_dict["zarr.json"].to_bytes())


def check_description(name: str, content: bytes) -> None:
    """Refuse the description of an array that is not what its folder's name promises.

    Args:
        name: The folder's.
        content: Of its `zarr.json`.

    Raises:
        StoreError: It is damaged, or that of another array.
    """
    try:
        found = json.loads(content)
        key = found["attributes"]["key"]
        rows = found["chunk_grid"]["configuration"]["chunk_shape"][0]
        expected = _expected(
            json.dumps(key), found["shape"][0], found["attributes"]["classes"], rows
        )
    except Exception:
        # Whatever parsing or zarr raises on damaged bytes, the meaning is the same.
        raise StoreError(
            f"the description of evidence {name} is damaged; run the study again to restore it"
        ) from None
    if stable_id(key) != name:
        raise StoreError(
            f"the folder of evidence {name} holds that of another classifier or stream; delete "
            "the folder and run the study again"
        )
    if found != expected:
        raise StoreError(
            f"the description of evidence {name} was changed; run the study again to restore it"
        )


@lru_cache(maxsize=256)
def _expected(key: str, inputs: int, classes: int, rows: int) -> Any:
    fields: Mapping[str, Any] = json.loads(key)
    described = EvidenceKey(**{**fields, "noise": NoiseSpec(**fields["noise"])})
    return json.loads(describe_array(described, inputs, classes, rows))
