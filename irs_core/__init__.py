"""Robustness certificates for compressed networks, at a fraction of the usual cost."""

import os
import sys

__version__ = "0.1.0"

# Idle OpenMP threads that spin make PyTorch up to thirty times slower as soon as anything else
# uses the cores, such as the dashboard beside a job. It is read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# OpenVINO and NNCF would report conversions over the network, from a fork of this process that
# keeps its locks and open files for as long as there is no network. Without the package they
# do without.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
