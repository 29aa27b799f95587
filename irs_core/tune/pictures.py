"""Small pictures of the images that are hurt most, kept with a measurement."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from irs_core.tune.images import ApartImages
from irs_core.tune.record import Effect

_PICTURES = 24


def pictures(effects: Sequence[Effect], images: ApartImages) -> dict[str, str]:
    """The images that are hurt most over all effects: PNG as base64, by index."""
    total: dict[int, int] = {}
    for effect in effects:
        for hurt in effect.hurts:
            total[hurt.index] = total.get(hurt.index, 0) + hurt.left
    chosen = sorted(total, key=lambda one: (-total[one], one))[:_PICTURES]
    rows = {index: row for row, index in enumerate(images.indices)}
    return {str(one): _png(images.pixels[rows[one]]) for one in chosen}


def _png(pixels: NDArray[np.float32]) -> str:
    values = np.round(pixels.clip(0, 1) * 255).astype(np.uint8)
    image = Image.fromarray(values[0] if len(values) == 1 else values.transpose(1, 2, 0))
    output = io.BytesIO()
    image.save(output, "PNG")
    return base64.b64encode(output.getvalue()).decode()
