"""Logging to MLflow: what is logged, with a recorder and, where it is installed, for real."""

import re
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from irs_core.api import decide, log_to_mlflow, open_study
from irs_core.errors import IrsError

STUDY = "f6529b"


class Recorder:
    """As much of the module mlflow as is used."""

    def __init__(self, active: str | None = None) -> None:
        self.active, self.named = active, ""
        self.params, self.metrics, self.tags, self.files = {}, {}, {}, {}

    def active_run(self):
        return None if self.active is None else self._run(self.active)

    @contextmanager
    def start_run(self, run_name):
        self.named = run_name
        yield self._run("own")

    def log_params(self, values):
        self.params |= values

    def log_metrics(self, values):
        self.metrics |= values

    def set_tags(self, values):
        self.tags |= values

    def log_artifacts(self, folder, artifact_path):
        self.files |= {f"{artifact_path}/{one.name}": one for one in Path(folder).iterdir()}

    @staticmethod
    def _run(name):
        return SimpleNamespace(info=SimpleNamespace(run_id=name))


@pytest.fixture(scope="module")
def result():
    return open_study(STUDY)


def test_a_run_holds_numbers_settings_and_files(result):
    recorder = Recorder()
    verdict = decide(result, "int8", radius=0.5, tolerance=0.05)
    assert log_to_mlflow(result, decisions={"int8": verdict}, mlflow=recorder) == "own"
    assert recorder.named == result.record.title
    assert recorder.params["sigma"] == 0.5
    acr = result.acr["int8"]
    assert recorder.metrics["int8/acr"] == acr.value
    assert recorder.metrics["int8/acr_low"] == acr.low
    share = result.certified_accuracy(0.5)["prune:0.1"]
    assert recorder.metrics["prune-0.1/certified_accuracy_high"] == share.high
    assert recorder.tags["irs.verdict.int8"] == "holds"
    assert recorder.tags["irs.study"] == result.id
    assert set(recorder.files) == {
        "irs/model-card.md",
        "irs/report.html",
        f"irs/{result.id}.irs.zip",
    }
    # Names that every version of MLflow takes.
    assert all(re.fullmatch(r"[\w.\-/]{1,250}", one) for one in recorder.metrics)


def test_the_active_run_is_used(result):
    recorder = Recorder("theirs")
    assert log_to_mlflow(result, report=False, bundle=False, mlflow=recorder) == "theirs"
    assert set(recorder.files) == {"irs/model-card.md"}


def test_without_mlflow_it_says_what_to_install(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(IrsError, match="pip install mlflow-skinny"):
        log_to_mlflow(result)


def test_mlflow_takes_it(result, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    run = mlflow.get_run(log_to_mlflow(result, report=False))
    assert run.data.metrics["int8/acr"] == result.acr["int8"].value
    assert run.data.tags["irs.study"] == result.id
    assert list(tmp_path.rglob(f"{result.id}.irs.zip"))
