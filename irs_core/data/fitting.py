"""Data as a model needs them, as far as its files say."""

import re
from dataclasses import replace

from irs_core.data.class_list import list_beside, read_class_list
from irs_core.data.load import open_source
from irs_core.spec.data_kinds import KINDS
from irs_core.spec.study import DataSpec

_PLACEHOLDER = re.compile(r"LABEL_\d+|class[ _]?\d+|\d+", re.IGNORECASE)


def with_model_classes(data: DataSpec, weights: str) -> DataSpec:
    """The data with their classes numbered by the list that lies beside a model's file.

    Left as they are where another list was named, where classes have numbers of their own, where
    the list only counts its classes, and where it numbers them as the data do anyway.

    Raises:
        DatasetError: The data cannot be read.
    """
    if data.class_list is not None or not KINDS[data.kind].resized:
        return data
    path = list_beside(weights)
    if path is None:
        return data
    classes = read_class_list(path).classes
    if all(_PLACEHOLDER.fullmatch(one) for one in classes):
        return data
    source = open_source(data)
    numbered = source.classes == tuple(map(str, range(len(source.classes))))
    if source.classes == classes or (numbered and source.known):
        return data
    return replace(data, class_list=str(path.absolute()))
