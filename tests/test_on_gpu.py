"""The script for a first session on a GPU: steps resume, fail alone, and say so."""

import importlib.util
import json
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_SPEC = importlib.util.spec_from_file_location("on_gpu", ROOT / "scripts" / "on_gpu.py")
on_gpu = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(on_gpu)


@pytest.fixture
def session(tmp_path, monkeypatch):
    """Runs the script with steps of the test's own, in this process; gives its exit code."""
    ran = []

    def good(arguments, out):
        ran.append("good")
        on_gpu.write(out, "good", {"state": on_gpu.DONE, "found": {"draws/s": 1234.5}})

    def bad(arguments, out):
        ran.append("bad")
        raise SystemExit(3)

    def absent(arguments, out):
        ran.append("absent")
        on_gpu.write(out, "absent", {"state": on_gpu.SKIPPED, "why": "no images"})

    steps = {"bad": (bad, 60), "good": (good, 60), "absent": (absent, 60)}
    monkeypatch.setattr(on_gpu, "STEPS", steps)

    class Done:
        def __init__(self, returncode):
            self.returncode = returncode

    def in_this_process(command, **_):
        try:
            on_gpu.STEPS[command[-1]][0](None, tmp_path)
        except SystemExit as left:
            return Done(left.code)
        return Done(0)

    monkeypatch.setattr(on_gpu.subprocess, "run", in_this_process)

    def run(*more):
        monkeypatch.setattr(sys, "argv", ["on_gpu", "--out", str(tmp_path), *more])
        return on_gpu.main()

    return run, ran, tmp_path


def test_a_step_that_fails_stops_no_other_and_only_it_is_run_again(session):
    run, ran, out = session
    assert run() == 1
    assert ran == ["bad", "good", "absent"]
    states = {name: json.loads((out / f"{name}.json").read_text())["state"] for name in ran}
    assert states == {"bad": "failed", "good": "done", "absent": "skipped"}
    ran.clear()
    assert run() == 1
    assert ran == ["bad", "absent"]
    text = (out / "RESULTS-GPU.md").read_text()
    assert "## bad: failed\n\nexit code 3; see bad.log" in text
    assert "## good: done\n\n- draws/s: 1,234" in text
    assert "## absent: skipped\n\nno images" in text


def test_chosen_steps_alone_decide_about_the_exit_code(session):
    run, ran, _ = session
    assert run("--only", "good") == 0
    assert ran == ["good"]


def test_without_time_nothing_is_begun(session):
    run, ran, out = session
    assert run("--minutes", "0.1") == 0
    assert ran == []
    assert json.loads((out / "good.json").read_text())["why"] == "no time is left"


def test_a_step_ends_at_its_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(on_gpu, "__file__", str(tmp_path / "sleeps.py"))
    (tmp_path / "sleeps.py").write_text("import time; time.sleep(60)")
    clock = time.monotonic()
    found = on_gpu.run("slow", 0.5, tmp_path)
    assert time.monotonic() - clock < 30
    assert found["state"] == "failed"
    assert "longer than 0 s" in found["why"]
