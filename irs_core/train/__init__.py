"""Noise-augmented training of base classifiers (Cohen et al. 2019, Sec. 3.3)."""

from irs_core.train.loop import train
from irs_core.train.measure import noisy_accuracy
from irs_core.train.spec import EpochReport, TrainResult, TrainSpec

__all__ = ["EpochReport", "TrainResult", "TrainSpec", "noisy_accuracy", "train"]
