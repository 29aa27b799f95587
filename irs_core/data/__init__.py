"""Labelled images: readers, selection of a subset, and one frozen result."""

from irs_core.data.base import Dataset, Source
from irs_core.data.fitting import with_model_classes
from irs_core.data.gather import with_channels
from irs_core.data.load import load_dataset, open_source, open_training

__all__ = [
    "Dataset",
    "Source",
    "load_dataset",
    "open_source",
    "open_training",
    "with_channels",
    "with_model_classes",
]
