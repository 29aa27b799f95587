"""How long `certify` takes to start: cold, again with other budgets, and with everything stored.

    PYTHONPATH=. .venv/bin/python benchmarks/start.py [--rounds 3] [--other FOLDER]

50 handwritten digits, n = 1,000, int8. "Cold" has an empty store, "other budgets" one that was
filled with another n_p, "again" repeats that. Of each: wall and processor seconds (all threads)
from the start of the interpreter to the first draw, and to the end. Processor time says what the
wall clock would on a machine with nothing else to do, but for reading files. `--other` measures
another copy of the program in turn, round after round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from irs_core.hardware import describe_hardware

_HOOK = """
import json, sys, time
import irs_core.cli.main as cli
started, first = float(sys.argv.pop(1)), []
def note():
    if not first:
        first.append((time.time() - started, time.process_time()))
import importlib.abc, importlib.util
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "irs_core.run.units":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module
        def load(module):
            run(module)
            real = module.sample
            module.sample = lambda *args, **more: (note(), real(*args, **more))[1]
        spec.loader.exec_module = load
        return spec
sys.meta_path.insert(0, Watch())
code = cli.main(sys.argv[1:])
sys.stdout.flush()
times = [time.time() - started, time.process_time()]
print("TIMES", json.dumps([first[0] if first else None, times]))
sys.exit(code)
"""
CASES = (("cold", "10%"), ("other budgets", "20%"), ("again", "20%"))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--other", type=Path)
    arguments = parser.parse_args()
    programs = {"this": Path.cwd()}
    if arguments.other is not None:
        programs["other"] = arguments.other.resolve()
    found: dict[tuple[str, str], list[list[list[float] | None]]] = {}
    for _ in range(arguments.rounds):
        for name, folder in programs.items():
            with TemporaryDirectory() as store:
                for case, budget in CASES:
                    found.setdefault((name, case), []).append(run(folder, store, budget))
    print(f"{describe_hardware()}, load {os.getloadavg()[0]:.1f}; medians of {arguments.rounds}")
    print("| program | case | first draw, wall | processor | end, wall | processor |")
    print("|---|---|---|---|---|---|")
    for (name, case), rows in found.items():
        cells = [median(rows, part, which) for part in (0, 1) for which in (0, 1)]
        print(f"| {name} | {case} | {' | '.join(cells)} |")


def median(rows: list[list[list[float] | None]], part: int, which: int) -> str:
    """A median in seconds; a dash where nothing was drawn."""
    known = [one[which] for row in rows if (one := row[part]) is not None]
    return f"{statistics.median(known):.2f} s" if known else "-"


def run(folder: Path, store: str, budget: str) -> list[list[float] | None]:
    """Seconds of one command: wall and processor to the first draw, the same to the end."""
    command = ["certify", "--store", store, "--model", "shipped:digits-0.50", "--max", "50"]
    command += ["--sigma", "0.5", "--n", "1000", "--np", budget, "--compress", "int8"]
    done = subprocess.run(
        [sys.executable, "-c", _HOOK, str(time.time()), *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(one for one in done.stdout.splitlines() if one.startswith("TIMES"))
    times: list[list[float] | None] = json.loads(line.removeprefix("TIMES"))
    return times


if __name__ == "__main__":
    main()
