"""Noise-augmented training of base classifiers (Cohen et al. 2019, Sec. 3.3).

`irs_core.train.loop.train` runs a `TrainSpec`; what is exported here works without torch.
"""

from irs_core.train.spec import EpochReport, TrainResult, TrainSpec

__all__ = ["EpochReport", "TrainResult", "TrainSpec"]
