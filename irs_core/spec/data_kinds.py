"""Kinds of data: one entry per reader, which forms, tables and checks loop over."""

from collections.abc import Mapping
from dataclasses import dataclass

DataKind = str


@dataclass(frozen=True)
class DataKindDef:
    """What is known of a kind of data before a file is read.

    Args:
        what: In a few words, for people.
        where: Where its files lie below ROOT.
        scale: The pixel value that means 1.0.
        root: Whether it needs a folder or file.
        folders: Classes are folders: any split is a folder, and class numbers follow from the
            folders' names.
        resized: Images may be resized.
        listed: Classes may be numbered or named by a list.
    """

    what: str
    where: str
    scale: int = 255
    root: bool = True
    folders: bool = False
    resized: bool = False
    listed: bool = False


KINDS: Mapping[DataKind, DataKindDef] = {
    "digits": DataKindDef(
        "8x8 handwritten digits of scikit-learn", "Nothing to download", scale=16, root=False
    ),
    "cifar10": DataKindDef(
        "CIFAR-10 as its authors and torchvision publish it",
        "`ROOT/cifar-10-batches-py/test_batch`",
    ),
    "cifar100": DataKindDef(
        "CIFAR-100 as its authors and torchvision publish it", "`ROOT/cifar-100-python/test`"
    ),
    "mnist": DataKindDef(
        "MNIST as torchvision keeps it", "`ROOT/MNIST/raw/t10k-images-idx3-ubyte[.gz]`"
    ),
    "image-folder": DataKindDef(
        "Any images, one folder per class",
        "`ROOT/SPLIT/CLASS/IMAGE`, or `ROOT/CLASS/IMAGE` with an empty split",
        folders=True,
        resized=True,
        listed=True,
    ),
    "imagenet": DataKindDef(
        "ImageNet validation images in class folders",
        "`ROOT/val/CLASS/IMAGE`; resized to 256, central 224x224",
        folders=True,
        resized=True,
        listed=True,
    ),
    "npz": DataKindDef(
        "Arrays in a numpy file: 8 or 16 bits, or floats in [0, 1]",
        "ROOT is the `.npz` file, with `x_test` and `y_test` (`x_train` and so on to train on), "
        "`test_images` and `test_labels`, or, of no split, `images` and `labels`; or a folder of "
        "`.npy` files of these names",
        listed=True,
    ),
    "parquet": DataKindDef(
        "Parquet files, or a folder that the library datasets saved",
        "ROOT is a Parquet file, a folder of them (`SPLIT-*.parquet`) or one of `save_to_disk`, "
        "with columns `image` and `label`",
        resized=True,
        listed=True,
    ),
}
DATA_KINDS: tuple[DataKind, ...] = tuple(KINDS)
