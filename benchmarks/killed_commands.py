"""SIGKILL of train, export, import and report at random moments: whole files, equal results?

    PYTHONPATH=. .venv/bin/python benchmarks/killed_commands.py --kills 5

Each command is killed once and then, with the time of day moved, given again. A target must be
absent or whole after the kill, and equal to that of an undisturbed run after the second command,
with no half-written file beside it.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chaos import CLOCK, JUMPS, study
from safetensors import SafetensorError, safe_open

from irs_core.run.study import run_study
from irs_core.store import Library

TRAIN = ("train", "--arch", "digits_resnet", "--epochs", "4", "--max-images", "600", "--out")


def main() -> int:
    """Print a row per command; 1 if one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=5, help="per command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one of the commands")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    wrong = 0
    print(
        "| command | kills | before its end | torn | equal | left over |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(prefix="killed-") as name:
        folder = Path(name)
        (folder / "sitecustomize.py").write_text(CLOCK)
        record = run_study(study(1), Library(folder / "store"))
        bundle = folder / "study.irs.zip"
        Library(folder / "store").export(record.id, bundle)
        store = ("--store", str(folder / "store"))
        commands = {
            "train": ("net.safetensors", lambda out: (*TRAIN, str(out))),
            "export": ("a.irs.zip", lambda out: ("export", record.id, str(out), *store)),
            "import": (
                f"bundles/{record.id}.irs.zip",
                lambda out: ("import", str(bundle), "--store", str(out.parents[1])),
            ),
            "report": ("r.html", lambda out: ("report", record.id, str(out), *store)),
        }
        for command, (target, words) in commands.items():
            if arguments.only not in (None, command):
                continue
            started = time.monotonic()
            whole = _result(folder, folder / command / "whole" / target, words, 0.0)
            seconds = time.monotonic() - started
            rows = [
                _kill(folder, folder / command / str(number) / target, words, whole, rng, seconds)
                for number in range(arguments.kills)
            ]
            cut, torn, equal, left = (sum(column) for column in zip(*rows, strict=True))
            wrong += torn + left + len(rows) - equal
            print(f"| {command} | {len(rows)} | {cut} | {torn} | {equal} | {left} |", flush=True)
    return 1 if wrong else 0


def _kill(folder, out, words, whole, rng, seconds):  # type: ignore[no-untyped-def]
    process = _start(folder, words(out), 0.0, out)
    time.sleep(rng.uniform(0.3, 1.0) * seconds)
    cut = process.poll() is None
    process.kill()
    process.wait()
    torn = out.exists() and _content(out) != whole
    equal = _result(folder, out, words, rng.choice(JUMPS)) == whole
    left = [path for path in out.parent.rglob("*") if path.suffix in (".partial", ".tmp", ".pt")]
    return cut, torn, equal, len(left)


def _result(folder, out, words, jump):  # type: ignore[no-untyped-def]
    process = _start(folder, words(out), jump, out)
    if process.wait():
        raise SystemExit(f"{words(out)} ended with code {process.returncode}")
    return _content(out)


def _content(path: Path) -> object:
    """What a file says; the order of a weights file's metadata changes from write to write."""
    if path.suffix != ".safetensors":
        return path.read_bytes()
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
            return file.metadata(), arrays
    except SafetensorError:
        return None


def _start(folder: Path, words: Sequence[str], jump: float, out: Path) -> "subprocess.Popen[bytes]":
    out.parent.mkdir(parents=True, exist_ok=True)
    clock = folder / "clock"
    clock.write_text(str(jump))
    paths = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    environment = dict(os.environ, PYTHONPATH=paths, CHAOS_CLOCK=str(clock))
    command = [sys.executable, "-m", "irs_core", *words]
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(command, env=environment, stdout=output, stderr=output)


if __name__ == "__main__":
    sys.exit(main())
