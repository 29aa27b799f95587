"""Robustness certificates for compressed networks, at a fraction of the usual cost."""

import os

__version__ = "0.1.0"

# Idle OpenMP threads that spin make PyTorch up to thirty times slower as soon as anything else
# uses the cores, such as the dashboard beside a job. It is read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
