"""Images as people have them: depth, alpha, orientation, colours, files that nobody put there."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from irs_core.data import load_dataset, open_source
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec

sys.path.insert(0, str(Path(__file__).parent))
from made_images import png16, tiff16

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
SIXTEEN = "16-bit pixels scaled by 1/65535"


def folder(root: Path, **files) -> DataSpec:
    """A data set of one class; each file's content is bytes, or an image to be saved."""
    for name, content in files.items():
        path = root / "class" / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content.save(path)
    return DataSpec("image-folder", str(root), split="")


def grey16(values) -> Image.Image:
    return Image.fromarray(values)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a__png", png16(DEEP[..., :1])),
        ("a__png", grey16(DEEP[..., 0].copy())),
        ("a__tif", grey16(DEEP[..., 0].copy())),
        ("a__pgm", grey16(DEEP[..., 0].copy())),
    ],
)
def test_grey_of_16_bits_keeps_every_level(tmp_path, name, content):
    data = load_dataset(folder(tmp_path, **{name: content}))
    assert (data.scale, data.input_shape) == (65535, (1, 5, 7))
    assert np.array_equal(data.pixels[0, 0], DEEP[..., 0])
    assert np.array_equal(data.images([0])[0, 0], DEEP[..., 0].astype(np.float32) / 65535)
    assert data.notes == (SIXTEEN,)
    assert data.description.endswith(f"; {SIXTEEN}")


@pytest.mark.parametrize(
    "content",
    [
        png16(DEEP),
        png16(np.dstack([DEEP, np.full((5, 7, 1), 65535, np.uint16)])),
        tiff16(DEEP),
        tiff16(DEEP, ">"),
        tiff16(DEEP, packed=True),
        tiff16(DEEP, ">", packed=True),
    ],
)
def test_colours_of_16_bits_keep_every_level(tmp_path, content):
    name = "a__png" if content[:1] == b"\x89" else "a__tif"
    data = load_dataset(folder(tmp_path, **{name: content}))
    assert np.array_equal(data.pixels[0], DEEP.transpose(2, 0, 1))


def test_grey_with_alpha_of_16_bits(tmp_path):
    opaque = np.dstack([DEEP[..., :1], np.full((5, 7, 1), 65535, np.uint16)])
    data = load_dataset(folder(tmp_path, a__png=png16(opaque)))
    assert np.array_equal(data.pixels[0, 0], DEEP[..., 0])
    assert "opaque alpha channel left out" in data.notes
    with pytest.raises(DatasetError, match="transparent"):
        load_dataset(folder(tmp_path, a__png=png16(DEEP[..., :2])))
    nearly = np.dstack([DEEP[..., :1], np.full((5, 7, 1), 65534, np.uint16)])
    with pytest.raises(DatasetError, match="transparent"):
        load_dataset(folder(tmp_path, a__png=png16(nearly)))


def test_eight_bits_among_sixteen_keep_their_white(tmp_path):
    eight = Image.new("L", (7, 5), 255)
    data = load_dataset(folder(tmp_path, a__png=png16(DEEP[..., :1]), b__png=eight))
    assert data.pixels.dtype == np.uint16
    assert (data.pixels[1] == 65535).all()
    assert data.notes == (f"{SIXTEEN} (1 of 2 images)",)


def test_deep_images_are_resized(tmp_path):
    spec = folder(tmp_path, a__png=png16(np.full((6, 6, 3), 40_000, np.uint16)))
    data = load_dataset(DataSpec("image-folder", spec.root, "", size=3))
    assert data.input_shape == (3, 3, 3)
    assert (data.pixels == 40_000).all()


def test_floats_in_the_unit_interval_are_taken(tmp_path):
    values = RNG.random((5, 7), np.float32)
    data = load_dataset(folder(tmp_path, a__tif=Image.fromarray(values)))
    assert np.array_equal(data.images([0])[0, 0], values)
    assert data.notes == ("floats taken as they are",)


@pytest.mark.parametrize("factor", [255, -1, np.nan])
def test_floats_outside_are_refused_with_the_way_out(tmp_path, factor):
    values = np.full((5, 7), factor, np.float32)
    with pytest.raises(DatasetError, match=r"in \[0, 1\].*scale them"):
        load_dataset(folder(tmp_path, a__tif=Image.fromarray(values)))


@pytest.mark.parametrize("content", [b"P6 1 1 65535\n\0\1\0\2\0\3", b"P6 1 1 1023\n\0\1\0\2\0\3"])
def test_colours_of_16_bits_as_ppm_are_refused(tmp_path, content):
    with pytest.raises(DatasetError, match="store it as PNG"):
        load_dataset(folder(tmp_path, a__ppm=content))


def test_a_palette_becomes_colours(tmp_path):
    image = Image.fromarray(RNG.integers(0, 255, (5, 7, 3), dtype=np.uint8)).quantize(8)
    data = load_dataset(folder(tmp_path, a__png=image))
    assert np.array_equal(data.pixels[0], np.asarray(image.convert("RGB")).transpose(2, 0, 1))
    assert data.notes == ()


def test_an_opaque_alpha_channel_is_left_out(tmp_path):
    image = Image.new("RGBA", (7, 5), (1, 2, 3, 255))
    data = load_dataset(folder(tmp_path, a__png=image))
    assert data.pixels[0, :, 0, 0].tolist() == [1, 2, 3]
    assert data.notes == ("opaque alpha channel left out",)


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGBA", (7, 5), (1, 2, 3, 254)),
        Image.new("LA", (7, 5), (1, 0)),
        Image.new("RGBA", (7, 5), (9, 9, 9, 0)).quantize(4),
    ],
)
def test_transparent_pixels_are_refused(tmp_path, image):
    with pytest.raises(DatasetError, match=r"a\.png has transparent pixels: put it on"):
        load_dataset(folder(tmp_path, a__png=image))


def test_orientation_is_applied_and_said(tmp_path):
    values = RNG.integers(0, 255, (5, 7, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "class").mkdir()
    Image.fromarray(values).save(tmp_path / "class" / "a.png", exif=exif)
    data = load_dataset(DataSpec("image-folder", str(tmp_path), ""))
    assert np.array_equal(data.pixels[0].transpose(1, 2, 0), np.rot90(values, -1))
    assert data.notes == ("turned as EXIF says",)


def test_imagenet_is_read_as_its_scripts_read_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "val" / "class").mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(tmp_path / "val" / "class" / "a.png", exif=exif)
    assert load_dataset(DataSpec("imagenet", str(tmp_path), size=4)).notes == ()


def test_cmyk_is_converted_and_said(tmp_path):
    data = load_dataset(folder(tmp_path, a__jpg=Image.new("CMYK", (7, 5), (0, 0, 0, 0))))
    assert (data.pixels == 255).all()
    assert data.notes == ("CMYK converted to RGB",)


def test_the_first_frame_is_taken_and_said(tmp_path):
    first, second = Image.new("RGB", (7, 5), "white"), Image.new("RGB", (7, 5), "black")
    (tmp_path / "class").mkdir()
    first.save(tmp_path / "class" / "a.tif", save_all=True, append_images=[second])
    data = load_dataset(DataSpec("image-folder", str(tmp_path), ""))
    assert (data.pixels == 255).all()
    assert data.notes == ("first frame taken",)


def test_grey_for_a_model_of_colours_is_repeated_and_said(tmp_path):
    spec = folder(tmp_path, a__png=png16(DEEP[..., :1]))
    data = load_dataset(DataSpec("image-folder", spec.root, "", channels=3))
    assert data.input_shape == (3, 5, 7)
    assert all(np.array_equal(data.pixels[0, one], DEEP[..., 0]) for one in range(3))
    assert "grey repeated in 3 channels, in which radii are measured" in data.notes


def test_colours_for_a_grey_model_are_weighed_as_pillow_does(tmp_path):
    image = Image.fromarray(RNG.integers(0, 255, (5, 7, 3), dtype=np.uint8))
    spec = folder(tmp_path, a__png=image)
    data = load_dataset(DataSpec("image-folder", spec.root, "", channels=1))
    assert np.array_equal(data.pixels[0, 0], np.asarray(image.convert("L")))
    assert "colours made grey (ITU-R 601)" in data.notes


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_grey_of_every_kind_of_number(tmp_path, kind):
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[kind]
    values = (RNG.random((2, 4, 5, 3)) * white).astype(kind)
    values[0] = white
    np.savez(tmp_path / "a.npz", images=values, labels=np.array([0, 1]))
    grey = load_dataset(DataSpec("npz", str(tmp_path / "a.npz"), channels=1))
    assert grey.input_shape == (1, 4, 5)
    assert np.allclose(grey.images([0]), 1)


def test_hidden_and_left_behind_files_are_skipped(tmp_path):
    spec = folder(tmp_path, a__png=Image.new("L", (7, 5)))
    for name in (".ipynb_checkpoints", "__MACOSX", ".git", "@eaDir"):
        (tmp_path / name).mkdir()
        Image.new("L", (3, 3)).save(tmp_path / name / "b.png")
    for name in ("._a.png", ".DS_Store", "Thumbs.db", "desktop.ini"):
        (tmp_path / "class" / name).write_bytes(b"no image")
    assert load_dataset(spec).classes == ("class",)
    assert len(open_source(spec).labels) == 1


@pytest.mark.parametrize(
    ("values", "scale", "note"),
    [
        (RNG.random((2, 4, 4)), 1, "floats taken as they are"),
        (RNG.integers(0, 256, (2, 4, 4)) * 1.0, 255, "whole floats up to 255 scaled by 1/255"),
        (RNG.integers(0, 65536, (2, 4, 4), dtype=np.uint16), 65535, SIXTEEN),
    ],
)
def test_arrays_of_other_numbers(tmp_path, values, scale, note):
    np.savez(tmp_path / "a.npz", images=values, labels=np.array([0, 1]))
    data = load_dataset(DataSpec("npz", str(tmp_path / "a.npz")))
    assert (data.scale, data.notes) == (scale, (note,))
    assert np.allclose(data.images(slice(None))[:, 0], values / scale, atol=1e-7)


@pytest.mark.parametrize(
    ("values", "way"),
    [
        (RNG.random((2, 4, 4)) * 255, "divide by 255"),
        (RNG.random((2, 4, 4)) * 2 - 1, "undo the normalisation"),
        (np.full((2, 4, 4), np.inf), "finite"),
    ],
)
def test_floats_whose_white_is_unknown_are_refused(tmp_path, values, way):
    np.savez(tmp_path / "a.npz", images=values, labels=np.array([0, 1]))
    with pytest.raises(DatasetError, match=way):
        load_dataset(DataSpec("npz", str(tmp_path / "a.npz")))


def test_arrays_in_files_of_their_own(tmp_path):
    np.save(tmp_path / "x_test.npy", np.zeros((3, 4, 4), np.uint8))
    np.save(tmp_path / "y_test.npy", np.arange(3))
    data = load_dataset(DataSpec("npz", str(tmp_path)))
    assert data.labels.tolist() == [0, 1, 2]
    np.save(tmp_path / "y_test.npy", np.array([None, 1, 2]), allow_pickle=True)
    with pytest.raises(DatasetError, match="plain arrays"):
        load_dataset(DataSpec("npz", str(tmp_path)))
    (tmp_path / "y_test.npy").write_bytes(b"no array")
    with pytest.raises(DatasetError, match=r"no readable \.npy file"):
        load_dataset(DataSpec("npz", str(tmp_path)))
    (tmp_path / "y_test.npy").unlink()
    with pytest.raises(DatasetError, match=r"needs a file labels\.npy or y_test\.npy"):
        load_dataset(DataSpec("npz", str(tmp_path)))


def test_a_list_names_numbered_classes(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.array([0, 1]))
    (tmp_path / "l.txt").write_text("cat\ndog\nowl\n")
    spec = DataSpec("npz", str(tmp_path / "a.npz"), class_list=str(tmp_path / "l.txt"))
    assert load_dataset(spec).classes == ("cat", "dog", "owl")
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.array([0, 3]))
    with pytest.raises(DatasetError, match="names 3 classes; labels go up to 3"):
        load_dataset(spec)
