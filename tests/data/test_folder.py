import numpy as np
import pytest
from PIL import Image

from irs_core.data import load_dataset
from irs_core.errors import DatasetError
from irs_core.spec.study import DataSpec


@pytest.fixture
def root(tmp_path):
    """Two classes of two images of 6x4 pixels in the split `test`; the pixel value is the order."""
    for number, name in enumerate(["cat/a.png", "cat/b.jpg", "ant/x.PNG", "ant/y.png"]):
        save(tmp_path / "test" / name, (6, 4), 60 * number)
    (tmp_path / "test" / "ant" / "notes.txt").write_text("no image")
    return tmp_path


def save(path, size, value, mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * 3).save(path)


def load(root, **settings):
    return load_dataset(DataSpec("image-folder", str(root), **settings))


def test_classes_are_numbered_alphabetically(root):
    data = load(root)
    assert data.classes == ("ant", "cat")
    assert data.labels.tolist() == [0, 0, 1, 1]


def test_pixels(root):
    data = load(root)
    assert data.input_shape == (3, 4, 6)
    assert data.pixels[:, 0, 0, 0].tolist() == [120, 180, 0, 60]


def test_no_split(root):
    assert np.array_equal(load(root / "test", split="").pixels, load(root).pixels)


def test_resize(root):
    assert load(root, size=5).input_shape == (3, 5, 5)


def test_unequal_sizes_need_a_size(root):
    save(root / "test" / "cat" / "c.png", (5, 5), 0)
    with pytest.raises(DatasetError, match=r"4x6 and, for c\.png, 5x5"):
        load(root)


def test_unequal_sizes_with_a_size(root):
    save(root / "test" / "cat" / "c.png", (5, 5), 0)
    assert len(load(root, size=8)) == 5


def test_grey_images_have_one_channel(tmp_path):
    save(tmp_path / "a" / "1.png", (3, 3), 7, "L")
    data = load(tmp_path, split="")
    assert data.input_shape == (1, 3, 3)
    assert (data.pixels == 7).all()


def test_a_grey_image_among_colour_images(root):
    save(root / "test" / "ant" / "a.png", (6, 4), 7, "L")
    assert load(root).pixels[0].tolist() == np.full((3, 4, 6), 7).tolist()


def test_no_images(tmp_path):
    (tmp_path / "test" / "cat").mkdir(parents=True)
    with pytest.raises(DatasetError, match="no images"):
        load(tmp_path)


def test_missing_folder_says_where_to_put_images(root):
    with pytest.raises(DatasetError, match=r"train/CLASS/NAME\.jpg.*test"):
        load(root, split="train")


def test_a_damaged_image_is_named(root):
    (root / "test" / "ant" / "x.PNG").write_bytes(b"\x89PNG broken")
    with pytest.raises(DatasetError, match=r"x\.PNG"):
        load(root)


def test_imagenet_keeps_the_centre(tmp_path):
    image = Image.new("RGB", (512, 256))
    image.paste((255, 255, 255), (144, 16, 368, 240))
    path = tmp_path / "val" / "n01" / "1.png"
    path.parent.mkdir(parents=True)
    image.save(path)
    data = load_dataset(DataSpec("imagenet", str(tmp_path)))
    assert data.input_shape == (3, 224, 224)
    assert (data.pixels == 255).all()
