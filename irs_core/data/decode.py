"""One image file as numbers, with what was done to it on the way."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from irs_core.errors import DatasetError, reason
from irs_core.sandbox.opening import opened

Prepare = Callable[[Image.Image], Image.Image]
_GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"})
_ALPHA_MODES = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})
_SIXTEEN, _WHITE16 = ";16", 65535
_ORIENTATION = 0x0112


@dataclass(frozen=True, eq=False)
class Decoded:
    """An image.

    Args:
        pixels: (height, width, 1 or 3); uint8, uint16, or float32 in [0, 1].
        grey: Its file has no colours.
        notes: What was done to it, in a few words each.
    """

    pixels: NDArray[np.generic]
    grey: bool
    notes: tuple[str, ...]


def decode(source: Path | bytes, name: str, prepare: Prepare, *, upright: bool = True) -> Decoded:
    """Read an image.

    Args:
        source: The file, or its content.
        name: For messages.
        prepare: Resizes or crops; takes images of 8-bit channels or of one float channel.
        upright: Turn it as its EXIF orientation says.

    Raises:
        DatasetError: It is damaged, has transparent pixels, or numbers whose white is unknown.
    """
    try:
        with (
            io.BytesIO(source) if isinstance(source, bytes) else opened(source) as file,
            Image.open(file) as image,
        ):
            return _decoded(image, name, prepare, upright)
    except DatasetError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DatasetError(f"cannot decode image {name}: {reason(error)}") from None


def _decoded(image: Image.Image, name: str, prepare: Prepare, upright: bool) -> Decoded:
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append("first frame taken")
    grey, alpha = image.mode in _GREY_MODES, image.mode in _ALPHA_MODES
    # First of all: to ask for its EXIF data decodes a PNG, in 8 bits.
    deep = _deep(image, name)
    turned = upright and image.getexif().get(_ORIENTATION, 1) in range(2, 9)
    if deep is None and image.mode == "CMYK":
        notes.append("CMYK converted to RGB")
    if deep is not None:
        channels = [Image.fromarray(one) for one in deep.channels]
        grey = len(channels) == 1
        notes.append(deep.note)
    else:
        channels = [_opaque(image, name)]
    if alpha or (deep is not None and deep.alpha):
        notes.append("opaque alpha channel left out")
    if turned:
        channels = [_turned(one, image) for one in channels]
        notes.append("turned as EXIF says")
    made = [np.asarray(prepare(one)) for one in channels]
    pixels: NDArray[np.generic] = made[0] if deep is None else np.stack(made, axis=2)
    if deep is not None:
        pixels = pixels.astype(np.float32) if deep.white == 1 else np.rint(pixels).astype(np.uint16)
    return Decoded(pixels, grey, tuple(notes))


@dataclass(frozen=True, eq=False)
class _Deep:
    """Channels of more than 8 bits, float32 (height, width) each, where `white` is white."""

    channels: tuple[NDArray[np.float32], ...]
    white: int
    note: str
    alpha: bool = False


def _deep(image: Image.Image, name: str) -> _Deep | None:
    """Channels of an image of more than 8 bits; None for others."""
    raw = _raw_mode(image)
    if image.mode == "F":
        values = np.asarray(image, np.float32)
        if not bool(np.isfinite(values).all()) or values.min() < 0 or values.max() > 1:
            raise DatasetError(
                f"floats of an image must lie in [0, 1]; {name} has {values.min():g} to "
                f"{values.max():g}: scale them, or store whole numbers of 8 or 16 bits"
            )
        return _Deep((values,), 1, "floats taken as they are")
    if image.mode.startswith("I;16") or (image.mode == "I" and _SIXTEEN in raw):
        return _sixteen((np.asarray(image, np.float32),))
    if image.mode == "I" or raw == "ppm":
        raise DatasetError(
            f"{name} has pixels of another depth than 8 or 16 bits, or as PPM: store it as PNG"
        )
    if _SIXTEEN not in raw:
        return None
    return _sixteen_colours(image, raw, name)


def _sixteen(channels: tuple[NDArray[np.float32], ...], *, alpha: bool = False) -> _Deep:
    return _Deep(channels, _WHITE16, "16-bit pixels scaled by 1/65535", alpha)


def _sixteen_colours(image: Image.Image, raw: str, name: str) -> _Deep:
    """Pillow keeps 8 of 16 bits per colour; read in both byte orders, it keeps all of them."""
    if raw.startswith("LA"):
        # Grey and alpha of 16 bits are as many bytes as four channels of 8.
        parts = np.asarray(_read_as(image, "RGBA"), np.uint16)
        values = np.moveaxis(256 * parts[..., ::2] + parts[..., 1::2], 2, 0)
    else:
        native = "L" if sys.byteorder == "little" else "B"
        first = native if raw.endswith("N") else raw[-1]
        orders = (first, "L" if first == "B" else "B")
        stem = raw.partition(_SIXTEEN)[0]
        halves = [
            np.asarray(_read_as(image, f"{stem}{_SIXTEEN}{order}"), np.uint16) for order in orders
        ]
        values = np.moveaxis(256 * halves[0] + halves[1], 2, 0)
    alpha = len(values) in (2, 4)
    if alpha and (values[-1] < _WHITE16).any():
        raise _transparent(name)
    colours = values[:-1] if alpha else values
    return _sixteen(tuple(one.astype(np.float32) for one in colours), alpha=alpha)


def _read_as(image: Image.Image, raw: str) -> Image.Image:
    """The same file, its bytes understood as another raw mode."""
    if not isinstance(image, ImageFile.ImageFile) or image.fp is None:
        raise OSError("its file is closed")
    image.fp.seek(0)
    again = Image.open(io.BytesIO(image.fp.read()))
    assert isinstance(again, ImageFile.ImageFile)
    again.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw)
        for tile in again.tile
    ]
    return again


def _raw_mode(image: Image.Image) -> str:
    if not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return ""
    first = image.tile[0]
    args = first.args
    if first.codec_name == "ppm" and isinstance(args, tuple) and int(args[1]) > 255:
        return "ppm"
    raw = args[0] if isinstance(args, tuple) and args else args
    return raw if isinstance(raw, str) else ""


def _opaque(image: Image.Image, name: str) -> Image.Image:
    """The colours of an 8-bit image.

    Raises:
        DatasetError: It has transparent pixels: which colour is behind them is not known here.
    """
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        whole = image.convert("RGBA")
        if whole.getchannel("A").getextrema()[0] != 255:
            raise _transparent(name)
        return whole.convert("RGB")
    return image.convert("RGB")


def _transparent(name: str) -> DatasetError:
    return DatasetError(
        f"{name} has transparent pixels: put it on the background that the model was trained with, "
        "and save it without an alpha channel"
    )


def _turned(channel: Image.Image, image: Image.Image) -> Image.Image:
    channel.getexif()[_ORIENTATION] = image.getexif()[_ORIENTATION]
    return ImageOps.exif_transpose(channel)
