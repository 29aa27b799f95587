"""Data as a model needs them, as far as its files say."""

import re
from collections.abc import Sequence
from dataclasses import replace

from irs_core.data.class_list import list_beside, names_classes, read_class_list
from irs_core.data.load import open_source
from irs_core.spec.data_kinds import KINDS, DataKind
from irs_core.spec.paths import expanded
from irs_core.spec.study import DataSpec

_PLACEHOLDER = re.compile(r"(?:LABEL_|class[ _]?)?(\d{1,9})", re.IGNORECASE)


def with_model_classes(data: DataSpec, weights: str) -> DataSpec:
    """The data with their classes numbered by the list that lies beside a model's file, or else by
    the names that a graph file states itself.

    Left as they are where another list was named, where classes have numbers of their own, where
    the list only counts its classes, and where it numbers them as the data do anyway.

    Raises:
        DatasetError: The data cannot be read, or the file names its classes in a way that numbers
            none.
    """
    if data.class_list is not None or not KINDS[data.kind].resized:
        return data
    path, file = list_beside(weights), expanded(weights)
    if path is None and names_classes(file):
        path = file
    if path is None:
        return data
    classes = read_class_list(path).classes
    if _only_counts(classes):
        return data
    source = open_source(data)
    numbered = source.classes == tuple(map(str, range(len(source.classes))))
    if source.classes == classes or (
        numbered and (source.known or len(classes) == len(source.classes))
    ):
        return data
    return replace(data, class_list=str(path.absolute()))


Shape = tuple[int, int, int]


def way_to_fit(kind: DataKind, wanted: Shape, own: Shape) -> str:
    """What makes images of another shape fit a model, as the end of a sentence; may be empty.

    Args:
        wanted: (C, H, W) that the model takes.
        own: (C, H, W) of the images.
    """
    ways = []
    if wanted[1:] != own[1:]:
        if not KINDS[kind].root:
            return f": these are {kind}, the data where none are named: --data KIND --root FOLDER"
        if wanted[1] == wanted[2] and KINDS[kind].resized:
            ways.append(f"--size {wanted[1]} resizes them")
    if {wanted[0], own[0]} == {1, 3}:
        done = "repeats grey in three channels" if wanted[0] == 3 else "makes colours grey"
        ways.append(f"--channels {wanted[0]} {done}")
    return f": {', '.join(ways)}" if ways else ""


def _only_counts(classes: Sequence[str]) -> bool:
    """Whether names are their own numbers; those of folders in the order of text are not."""
    found = [_PLACEHOLDER.fullmatch(one) for one in classes]
    numbers = [int(one[1]) for one in found if one is not None]
    return len(numbers) == len(classes) and numbers in (
        list(range(len(classes))),
        list(range(1, len(classes) + 1)),
    )
