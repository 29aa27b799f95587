"""Nothing is reported to the makers of the libraries."""

import subprocess
import sys

_CONVERTS = """
import irs_core
import multiprocessing.process
import sys

def refuse(self):
    raise SystemExit("a process was started")

multiprocessing.process.BaseProcess.start = refuse
from torch import nn
from irs_core.backends.openvino_backend import convert
from openvino.tools.ovc import telemetry_utils
import nncf.telemetry.wrapper as nncf_reports

convert(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (1, 2, 2))
assert telemetry_utils.tm.__name__ == "openvino.tools.ovc.telemetry_stub", telemetry_utils.tm
assert isinstance(nncf_reports.telemetry, nncf_reports.NNCFTelemetryStub)
assert sys.modules["openvino_telemetry"] is None
"""


def test_converting_starts_no_process_and_loads_no_reporting():
    made = subprocess.run([sys.executable, "-c", _CONVERTS], capture_output=True, check=False)
    assert made.returncode == 0, made.stderr.decode()[-2000:]
